"""Numbers right after their label that something has torn: spaced digit by digit, dotted, broken over two lines, misread.

Read only there, because nothing but the label holds such a value together.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from extproc.pii import checksums
from extproc.pii.finding import Finding
from extproc.pii.led import GAP
from extproc.pii.recognizer import Recognizer, expand
from extproc.slices import in_slices

if TYPE_CHECKING:
    from collections.abc import Iterable

    from extproc.pii.labels import Label

_MISREAD = str.maketrans("OoQlIi|SsBZ", "00011115582")
_DIGIT = re.compile(r"[0-9]")
_BETWEEN = " .-\n"
_LONGEST = 28


class Loose:
    """The shapes without separators of the types that have a checksum, by type."""

    def __init__(self, recognizers: Iterable[Recognizer]) -> None:
        self._shapes: dict[str, list[tuple[str, str]]] = {}
        for recognizer in recognizers:
            if recognizer.check is None or recognizer.entity_type == "CREDIT_CARD":
                continue
            for shape in expand(recognizer.shapes):
                whole = shape.replace("-", "")
                listed = self._shapes.setdefault(recognizer.entity_type, [])
                if len(whole) >= 8 and whole.count("9") >= 6 and (whole, recognizer.check) not in listed:
                    listed.append((whole, recognizer.check))
        for listed in self._shapes.values():
            listed.sort(key=lambda item: -len(item[0]))

    @property
    def entity_types(self) -> frozenset[str]:
        """The types that are read here."""
        return frozenset(self._shapes)

    def find(self, text: str, labels: Iterable[Label], taken: set[int]) -> list[Finding]:
        """What stands right after a label and begins at no position of `taken`."""
        found = []
        for label in in_slices(labels, 256):
            kinds = [kind for kind in label.kinds if kind in self._shapes or kind == "IBAN_CODE"]
            if not kinds:
                continue
            if not _DIGIT.search(text, label.end, label.end + 40):
                continue
            gap = GAP.match(text, label.end)
            at = gap.end() if gap else label.end
            if at in taken or not text[at : at + 1].isalnum():
                continue
            chars, ends = _collect(text, at, _LONGEST)
            for kind in kinds:
                finding = _iban(text, at) if kind == "IBAN_CODE" else self._read(text, at, kind, chars, ends)
                if finding:
                    found.append(finding)
                    break
        return found

    def _read(self, text: str, at: int, kind: str, chars: str, ends: list[int]) -> Finding | None:
        best = None
        for shape, check in self._shapes[kind]:
            length = len(shape)
            if len(chars) < length or text[ends[length - 1] : ends[length - 1] + 1].isalnum():
                continue
            end = ends[length - 1]
            value = _as(shape, chars[:length])
            if value is None:
                continue
            if checksums.valid(check, value):
                return Finding(kind, at, end, 0.84, ("torn", f"checksum {check}", "label before"))
            best = best or Finding(kind, at, end, 0.56, ("torn", "checksum fails", "label before"))
        return best


def _collect(text: str, at: int, length: int) -> tuple[str, list[int]]:
    """The next letters and digits, over single separators and at most one break of line; and where each ends."""
    chars: list[str] = []
    limit = min(len(text), at + 2 * length + 4)
    separated, broken = False, 0
    ends: list[int] = []
    while at < limit and len(chars) < length:
        char = text[at]
        if char.isascii() and char.isalnum():
            chars.append(char)
            separated = False
            ends.append(at + 1)
        elif char in _BETWEEN and not separated and (char != "\n" or not broken):
            separated = True
            broken += char == "\n"
        else:
            break
        at += 1
    return "".join(chars), ends


def _as(shape: str, chars: str) -> str | None:
    """The characters as this shape has them, letters that were digits turned back; None if they cannot be."""
    out = []
    for wanted, char in zip(shape, chars, strict=True):
        read = char.translate(_MISREAD) if wanted == "9" else char
        if read.isdigit() != (wanted == "9"):
            return None
        out.append(read)
    if sum(char.isdigit() for char in chars) < 3:
        return None
    return "".join(out)


def _iban(text: str, at: int) -> Finding | None:
    """Two letters, and digits enough for the country."""
    from extproc.pii.numbers import IBAN_LENGTHS  # noqa: PLC0415 - numbers.py reads chains, this what is torn

    length = IBAN_LENGTHS.get(text[at : at + 2])
    if length is None:
        return None
    chars, ends = _collect(text, at, length)
    if len(chars) < length or sum(c.isdigit() for c in chars) < 10 or text[ends[-1] : ends[-1] + 1].isalnum():
        return None
    end = ends[-1]
    return Finding("IBAN_CODE", at, end, 0.6, ("torn", "label before"), rank=1.0)
