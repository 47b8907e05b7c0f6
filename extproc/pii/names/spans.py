"""From logits to names: one label per word, words joined to spans, edges cleaned."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

    import numpy.typing as npt

TYPES: Final = ("PERSON", "LOCATION", "ORGANIZATION", "ADDRESS")
LABELS: Final = ("O", *(f"{p}-{t}" for t in TYPES for p in "BI"))
"""What the bundled model says of each token."""

_TOKEN_REACH: Final = 64
_EDGE: Final = ' \t\r\n.,;:!?"“”‘()[]{}<>|*_-–—/\\'
_TITLES: Final = (
    "mr|mrs|ms|miss|mx|dr|prof|professor|sir|dame|lady|rev|capt|lt|sgt|col|gen|doctor|officer|"
    "herr|frau|madame|señor|señora|monsieur"
)
_TITLE: Final = re.compile(rf"(?:(?:{_TITLES})\b ?\.? *)+(?=\w)", re.IGNORECASE)
_TITLE_ALONE: Final = re.compile(rf"(?:{_TITLES})\.?", re.IGNORECASE)
_MAIL_OR_LINK: Final = re.compile(r"\w@\w|://|\bwww\.")


@dataclass(frozen=True, slots=True)
class Span:
    """A name that was found."""

    entity_type: str
    start: int
    end: int
    score: float


def decode(
    logits: npt.NDArray[np.float32],
    words: Sequence[tuple[int, int]] | npt.NDArray[np.int32],
    labels: Sequence[str] = LABELS,
    breaks: Container[int] = (),
) -> list[Span]:
    """Logits per word and label, and where each word stands: spans in the order of the text, not yet cleaned.

    No span goes on from the word before one of `breaks` to that word.
    """
    if not len(words):
        return []
    best = logits.argmax(axis=1)
    kinds, are_names, alike = _kinds_of(tuple(labels))
    named = np.flatnonzero(are_names[best])
    if not len(named):
        return []
    shares = np.exp(logits[named] - logits[named].max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    scores = (shares @ alike)[np.arange(len(named)), best[named]].tolist()
    spans: list[Span] = []
    kind, first, last, total = "", 0, 0, 0.0
    for at, nth, score in zip(named.tolist(), best[named].tolist(), scores, strict=True):
        if kind and (kinds[nth] != kind or at != last + 1 or labels[nth].startswith("B-") or at in breaks):
            spans.append(Span(kind, int(words[first][0]), int(words[last][1]), total / (last + 1 - first)))
            kind = ""
        if not kind:
            kind, first, total = kinds[nth], at, 0.0
        last = at
        total += score
    spans.append(Span(kind, int(words[first][0]), int(words[last][1]), total / (last + 1 - first)))
    return spans


@lru_cache(maxsize=16)
def _kinds_of(labels: tuple[str, ...]) -> tuple[list[str], npt.NDArray[np.bool_], npt.NDArray[np.float32]]:
    """The type that each label is of, empty for none; whether it is of any; and which are of the same (labels x labels)."""
    kinds = [label.partition("-")[2] for label in labels]
    alike = [[a == b for b in kinds] for a in kinds]
    return kinds, np.array(kinds) != "", np.array(alike, dtype=np.float32)


def words_of(encoding: Any, offset: int) -> tuple[list[int], list[tuple[int, int]]]:
    """The first token of each word that a tokenizer made of a text, and where the words stand if it begins at `offset`."""
    first: list[int] = []
    words: list[tuple[int, int]] = []
    current = None
    for at, (word, (start, end)) in enumerate(zip(encoding.word_ids, encoding.offsets, strict=True)):
        if word is None:  # a token of the model's own
            continue
        if word == current:
            words[-1] = (words[-1][0], offset + end)
        else:
            current = word
            first.append(at)
            words.append((offset + start, offset + end))
    return first, words


def clean(text: str, spans: Sequence[Span]) -> list[Span]:
    """Edges without punctuation, names without title or possessive, nothing that cannot be a name."""
    out = []
    for span in spans:
        start, end = _trim(text, span)
        word = text[start:end]
        if end - start < 2 or not (word[0].isalpha() or any(c.isalpha() for c in word)):
            continue
        if _TITLE_ALONE.fullmatch(word) or (span.entity_type != "ADDRESS" and _is_glued(text, start, end)):
            continue
        out.append(Span(span.entity_type, start, end, span.score))
    return out


def _trim(text: str, span: Span) -> tuple[int, int]:
    start, end = span.start, span.end
    while start < end and text[start] in _EDGE:
        start += 1
    while end > start and text[end - 1] in _EDGE and not _is_abbreviation(text, start, end):
        end -= 1
    if text[start:end].lower().endswith(("'s", "’s")):
        end -= 2
    if span.entity_type == "PERSON" and start > 1 and text[start - 1] in "'’" and text[start - 2] in "ODL":
        start -= 2
    if span.entity_type == "PERSON" and (title := _TITLE.match(text, start, end)):
        start = title.end()
    return start, end


def _is_abbreviation(text: str, start: int, end: int) -> bool:
    """The full stop of `U.S.`, `Jr.`, `Inc.` belongs to the name."""
    return text[end - 1] == "." and text[start:end].lower().endswith(
        (" jr.", " sr.", " inc.", " ltd.", " corp.", " co.", ".s.", ".k.", ".c.")
    )


def _is_glued(text: str, start: int, end: int) -> bool:
    """Handles, hash tags, links, mail addresses and identifiers are other recognizers' business."""
    before = text[start - 1] if start else " "
    after = text[end : end + 2]
    if before in "@#_/\\" or after[:1] in ("@", "_") or after == "()" or "_" in text[start:end]:
        return True
    around = text[max(0, start - _TOKEN_REACH) : end + _TOKEN_REACH]
    if "@" not in around and "://" not in around and "www." not in around:
        return False
    left, right = start, end
    while left and not text[left - 1].isspace() and start - left < _TOKEN_REACH:
        left -= 1
    while right < len(text) and not text[right].isspace() and right - end < _TOKEN_REACH:
        right += 1
    return bool(_MAIL_OR_LINK.search(text, left, right)) and not any(c in "<>,;(" for c in text[end:right])


def offsets_of(bias: Mapping[str, float], labels: Sequence[str] = LABELS) -> npt.NDArray[np.float32]:
    """What is added to the logits of each label: how much a missed name of a type costs against a false one."""
    return np.array([bias.get(label.partition("-")[2], 0.0) for label in labels], dtype=np.float32)
