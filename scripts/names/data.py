"""Training rows: tokens, shapes and labels of real sentences and of written ones."""

from __future__ import annotations

import json
import re
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from extproc.pii.names.shape import word_shapes
from names import words
from names.grammar import Writer
from names.lexicon import Lexicon, person_lists

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tokenizers import Tokenizer

TYPES = ("PERSON", "LOCATION", "ORGANIZATION", "ADDRESS")
LABELS = ("O", *(f"{p}-{t}" for t in TYPES for p in "BI"))
IGNORE = -100
CODE_SHARE = 0.05
_TITLE = re.compile(
    r"^(?:(?:"
    + "|".join(re.escape(t) for t in sorted(words.TITLES, key=len, reverse=True))
    + r"|Dr|St|Justice|President|Sen|Rep|Gov|Pres)(?: ?\.)? )+(?=\w)"
)
_DETACHED = [
    (re.compile(r" (n't|'s|'re|'ve|'ll|'d|'m)\b"), r"\1"),
    (re.compile(r" ([,.;:!?)\]])(?= |$)"), r"\1"),
    (re.compile(r"([(\[#@]) (?=\w)"), r"\1"),
]
Span = tuple[int, int, str]


@dataclass(frozen=True)
class Row:
    """One text, ready for the network."""

    ids: list[int]
    shapes: list[int]
    labels: list[int]


def read_sentences(path: Path) -> list[tuple[str, list[Span], str]]:
    """The CC BY sentences: text, spans, part (`train` or `held_out`: every tenth Twitter row, and WNUT's development rows)."""
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines()):
        row = json.loads(line)
        spans = [(s["start"], s["end"], s["label"].replace("GROUP", "ORGANIZATION")) for s in row["spans"]]
        part = "held_out" if row["split"] == "val" or (row["source"] == "btc" and number % 10 == 0) else "train"
        rows.append((row["text"], _clean(row["text"], spans), part))
    return rows


def _clean(text: str, spans: list[Span]) -> list[Span]:
    """Titles stand outside a name here; handles and links are no names, and where one is labelled it is not learnt from."""
    out = []
    for start, end, label in spans:
        word = text[start:end]
        if label == "PERSON" and (title := _TITLE.match(word)):
            start += title.end()  # noqa: PLW2901
        if (
            word == "@"
            or word.startswith(("http", "@", "#"))
            or text[max(0, start - 2) : start] == "@ "
            or text[start - 1 : start] == "@"
        ):
            label = "IGNORE"  # noqa: PLW2901
        if end > start:
            out.append((start, end, label))
    return out


def vary(text: str, spans: list[Span], lexicon: Lexicon, replace: float) -> tuple[str, list[Span]]:
    """The same sentence with other names, other case or other spacing, so that the context is learnt and not the celebrity."""
    rng = lexicon.rng
    out, new, last = "", [], 0
    for start, end, label in sorted(spans):
        word = text[start:end]
        if rng.random() < replace and label in TYPES and word[:1].isupper() and not word.isupper():
            person = lexicon.person()
            if label == "PERSON":
                word = person.plain() if " " in word else rng.choice([person.first, person.first, person.last])
            elif label == "LOCATION":
                word = lexicon.place()
            elif label == "ORGANIZATION":
                word = lexicon.organisation()
        out += text[last:start]
        new.append((len(out), len(out) + len(word), label))
        out += word
        last = end
    out += text[last:]
    if rng.random() < 0.6:
        out, new = _attach(out, new)
    r = rng.random()
    if r < 0.08 and len(out.lower()) == len(out):
        out = out.lower()
    elif r < 0.10 and len(out.upper()) == len(out):
        out = out.upper()
    elif r < 0.18:
        for start, end, _ in new:
            if len(out[start:end].lower()) == end - start:
                out = out[:start] + out[start:end].lower() + out[end:]
    return out, new


def _attach(text: str, spans: list[Span]) -> tuple[str, list[Span]]:
    """Undo the sources' tokenising: no space before a comma or inside `don't`."""
    for pattern, by in _DETACHED:
        while match := pattern.search(text):
            cut = match.start() if by == r"\1" and match[0][0] == " " else match.end() - 1
            text = text[:cut] + text[cut + 1 :]
            spans = [(s - (s > cut), e - (e > cut), label) for s, e, label in spans]
    return text, spans


def encode(text: str, spans: list[Span], tokenizer: Tokenizer) -> Row:
    """Tokens with the label of their word; later pieces of a word and ignored spans teach nothing."""
    encoding = tokenizer.encode(text)
    offsets, word_ids = encoding.offsets, encoding.word_ids
    bounds: dict[int, tuple[int, int]] = {}
    for (start, end), word in zip(offsets, word_ids, strict=True):
        if word is not None:
            bounds[word] = (min(start, bounds.get(word, (start, end))[0]), max(end, bounds.get(word, (start, end))[1]))
    order = list(bounds)
    shape = dict(zip(order, word_shapes(text, [bounds[w] for w in order]), strict=True))
    labels, seen = [], set()
    for (start, end), word in zip(offsets, word_ids, strict=True):
        if word is None or word in seen:
            labels.append(IGNORE)
            continue
        seen.add(word)
        labels.append(label_of(start, end, spans))
    return Row(encoding.ids, [0 if w is None else shape[w] for w in word_ids], labels)


def label_of(start: int, end: int, spans: list[Span]) -> int:
    for s, e, label in spans:
        if s <= start < e:
            if label == "IGNORE":
                return IGNORE
            return LABELS.index(("B-" if start == s or start < s + 1 else "I-") + label)
        if start < s < end:
            return IGNORE
    return 0


def library_code() -> list[str]:
    """Pieces of Python's own library that hold no word of a name list: code that names nobody."""
    known = {w.lower() for given, family in person_lists().values() for w in (*given, *family)}
    rng, pieces = Random(0), []
    for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")):
        lines = path.read_text(encoding="utf-8", errors="ignore").splitlines()
        for at in range(0, len(lines) - 12, 12):
            piece = "\n".join(lines[at : at + rng.randint(3, 12)])
            if not any(w.lower() in known for w in re.findall(r"\b[A-Z][a-z]+", piece)) and not re.search(
                "(?i)author|copyright|contrib|thanks| by ", piece
            ):
                pieces.append(piece)
    return pieces


def texts(
    sentences: list[tuple[str, list[Span], str]], seed: int, real_share: float
) -> Iterator[tuple[str, list[Span]]]:
    """Endless labelled texts: real sentences, each at times with other names, mixed with written ones."""
    rng = Random(seed)
    lexicon = Lexicon(rng)
    writer = Writer(lexicon)
    train = [(text, spans) for text, spans, part in sentences if part == "train"]
    order: list[tuple[str, list[Span]]] = []
    code = library_code()
    while True:
        if rng.random() < CODE_SHARE:
            yield rng.choice(code), []
        elif rng.random() < real_share:
            if not order:
                order = rng.sample(train, len(train))
            yield vary(*order.pop(), lexicon, replace=0.5 if rng.random() < 0.6 else 0.0)
        else:
            yield writer.text()[:2]


def stream(
    sentences: list[tuple[str, list[Span], str]], tokenizer: Tokenizer, seed: int, real_share: float
) -> Iterator[Row]:
    """The same texts as tokens."""
    for text, spans in texts(sentences, seed, real_share):
        row = encode(text, spans, tokenizer)
        if any(label >= 0 for label in row.labels):
            yield row


def held_out(sentences: list[tuple[str, list[Span], str]], seed: int) -> dict[str, list[tuple[str, list[Span]]]]:
    """The texts that training never sees: tweets, WNUT's development part, written ones with other words and other sentences."""
    writer = Writer(Lexicon(Random(seed + 1), "held_out"))
    tweets = [(text, spans) for text, spans, part in sentences if part == "held_out"]
    return {"tweets": tweets, "written": [writer.text()[:2] for _ in range(600)]}
