"""Looks for what costs most a byte: pieces put together at random, repeated, the dearest kept and changed again.

    python -m tests.fuzz.cost [--seconds 300]

The signal is processor time a byte, of searching, masking and writing back a chat or a form, and of restoring an answer. For
the dearest it is then measured how that grows: a text four times as long that takes twelve times as long fails the run. What is
found is printed, to be put into `tests/hostile.py` when it is mended.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from time import thread_time
from typing import TYPE_CHECKING

from extproc.config.intercept import Intercept
from extproc.config.pii import PiiSettings
from extproc.errors import IntentmeshError
from extproc.payload import parse, response_editor
from extproc.pii import Analyzer, Anonymizer, AnswerEditors, Redactor, Vault
from extproc.pii.packs import everything
from extproc.pii.vendors import INFIXES, VENDORS
from tests import hostile

if TYPE_CHECKING:
    from collections.abc import Callable

RULE = Intercept.model_validate({"path_prefix": "/", "payload": "auto"})
SETTINGS = PiiSettings.model_validate({"remember_texts": 0})
ANALYZER = Analyzer(SETTINGS)
ANONYMIZER = Anonymizer(SETTINGS, ANALYZER)
EDITORS = AnswerEditors(Vault(), Redactor(SETTINGS, ANALYZER))
SIZE = 4096
TIMES, MOST = 4, 12
KEPT = 24
LONGEST = 96
"""Characters of a unit that is repeated."""
FRAGMENTS = (
    *hostile.REPEATED.values(),
    *("\n", "\t", "\r\n", ",", ";", "|", "&", "=", "%41", "%zz", "\\u0041", "\\", "/", "{", "}", "[", "]", '"a":', "<", ">"),
    "&#64;",
    *("0", "9", "12", "1990", "A", "Z", "é", "ß", "ü", "。", "\u0301", "\u200d", "\ufeff", "😀", "\u0660", "ﷺ"),
    *("ada@example.org", "4111111111111111", "DE89370400440532013000", "536-22-1845", "+49 30 901820", "10.0.0.1", "2001:db8::1"),
    *("born", "IBAN", "passport no", "my name is", "Dear", "Mr", "street", "Bearer ", "eyJhbGciOi", "0x"),
    *("-----BEGIN", "-----END"),
    *("[EMAIL", "_ADDRESS", "_1]", "[PERSON_1]", "EMAIL ADDRESS", "data:", ";base64,", "QUJD", "http://", "www.", ".com", "@"),
)  # fmt: skip


OWN = (*VENDORS, *INFIXES, *sorted({phrase for recognizer in everything() for phrase in recognizer.phrases}))
"""What our own rules go by: beginnings of keys, and words that are labels."""


def as_chat(text: str) -> None:
    """Masked, in a chat."""
    _masked(hostile.chat(text))


def as_text(text: str) -> None:
    """Masked, as a body of its own."""
    _masked(hostile.Request(text.encode(errors="replace"), "text/plain", path="/x"))


def as_form(text: str) -> None:
    """Masked, as a form."""
    _masked(hostile.Request(b"a=" + text.encode(errors="replace"), "application/x-www-form-urlencoded", path="/x"))


def as_json(text: str) -> None:
    """Masked, as JSON in the text of a tool."""
    inner = json.dumps({"a": [text[at : at + 64] for at in range(0, len(text), 64)]})
    _masked(hostile.Request(json.dumps({"messages": [{"role": "tool", "content": inner}]}).encode()))


def as_answer(text: str) -> None:
    """Restored and redacted, in an answer."""
    body = json.dumps({"choices": [{"message": {"content": text}}]}).encode()
    editor = response_editor(RULE, "application/json", "", EDITORS)
    for piece in hostile.pieces(body, 1024):
        editor.feed(piece)
    editor.feed(b"", end=True)


def _masked(request: hostile.Request) -> None:
    try:
        document = parse(RULE, request.path, request.content_type, request.content_encoding, request.body)
        document.replace(ANONYMIZER.anonymize(document.segments, body=document.body).edits)
    except IntentmeshError:
        pass


WAYS: tuple[Callable[[str], None], ...] = (as_chat, as_text, as_form, as_json, as_answer)
Unit = tuple[str, ...]
Found = tuple[float, int, Unit]
"""Nanoseconds a character, the way by its number, and the unit."""


def cost(way: int, unit: Unit, size: int = SIZE) -> float:
    """Nanoseconds a character; the least of three."""
    text = hostile.filled("".join(unit), size)
    best = float("inf")
    for _ in range(3):
        began = thread_time()
        WAYS[way](text)
        best = min(best, thread_time() - began)
    return 1e9 * best / size


def piece(dice: random.Random) -> str:
    """One of either kind."""
    return dice.choice(FRAGMENTS if dice.random() < 0.5 else OWN)


def changed(dice: random.Random, unit: Unit, other: Unit) -> Unit:
    """One change, or a cross with another."""
    parts = list(unit)
    match dice.randrange(5):
        case 0:
            parts.insert(dice.randrange(len(parts) + 1), piece(dice))
        case 1:
            parts[dice.randrange(len(parts))] = piece(dice)
        case 2 if len(parts) > 1:
            del parts[dice.randrange(len(parts))]
        case 3:
            parts = parts[: dice.randrange(1, len(parts) + 1)] + list(other[dice.randrange(len(other)) :])
        case _:
            parts.append(
                chr(dice.choice((dice.randrange(32, 127), dice.randrange(0xA0, 0x500), dice.randrange(0x3000, 0x3100))))
            )
    while len("".join(parts)) > LONGEST:
        parts.pop()
    return tuple(parts) or (piece(dice),)


def search(seconds: float, seed: int) -> list[Found]:
    """The dearest of all that was tried, the dearest first; some for each way."""
    dice = random.Random(seed)
    best: dict[int, list[Found]] = {way: [] for way in range(len(WAYS))}
    for way in best:
        best[way] = sorted(((cost(way, (f,)), way, (f,)) for f in FRAGMENTS), reverse=True)[:KEPT]
    tried, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        way = tried % len(WAYS)
        known = best[way]
        unit = changed(dice, dice.choice(known)[2], dice.choice(known)[2])
        tried += 1
        if any(unit == other for _, _, other in known):
            continue
        spent = cost(way, unit)
        if spent > known[-1][0]:
            known.append((spent, way, unit))
            known.sort(reverse=True)
            del known[KEPT:]
    print(f"{tried} texts tried")
    return sorted((found for known in best.values() for found in known[:5]), reverse=True)


def main() -> int:
    """1 when something grows faster than it should."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--seed", type=int, default=time.time_ns() & 0xFFFF)
    options = parser.parse_args()
    print(f"seed {options.seed}")
    failed = 0
    for spent, way, unit in search(options.seconds, options.seed):
        growth = cost(way, unit, TIMES * SIZE) * TIMES / max(spent, 1.0)
        faster = growth > MOST
        failed += faster
        verdict = "FAIL" if faster else "ok  "
        what = f"{WAYS[way].__name__} {''.join(unit)!r}"
        print(f"{verdict} {spent:7.0f} ns a character, {growth:4.1f} for {TIMES} times the size: {what}")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
