"""Unicode seen through: full-width forms, other digits, marks without width or over a digit, with a way back to the original.

The scan reads the folded text; every position that leaves this package is one of the text as it was given.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

LONG: Final = 2500
"""Characters of a text from which on numpy finds what is not ASCII sooner than a pattern."""
BLOCK: Final = 2**16
"""Characters looked through at once, so that the memory is bounded."""
MOST_MARKS: Final = 32
"""Marks over one character that are looked past."""
_OTHER = re.compile(r"[^\x00-\x7f]+")
_MARK: Final = re.compile("[\u0300-\u036f\u20d0-\u20f0\ufe00-\ufe0f\U000e0100-\U000e01ef]+")
_DASHES = dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d", "-")
_UNSEEN: Final = frozenset(
    [*"\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2065\u3164\uffa0", *map(chr, range(0xFFF0, 0xFFF9))]
)
"""Marks and letters without a shape that are no format characters by category, and what Unicode keeps for more of them: with
the selectors of variants and the tags below, all that is ignorable by default."""
_DOTS: Final = frozenset("\u00b7\u2022\u2027\u2219\u22c5\u30fb")
"""Between two digits they part groups, as a space does."""
_SPELLED = _DASHES | dict.fromkeys("\u2018\u2019\u201a\u201b", "'") | dict.fromkeys("\u201c\u201d\u201e", '"')


@lru_cache(maxsize=8192)
def _fold_char(char: str) -> str:
    """What one character stands for; nothing for a mark without width."""
    if char in _SPELLED:
        return _SPELLED[char]
    category = unicodedata.category(char)
    if (
        category in ("Cf", "Me")
        or char in _UNSEEN
        or "\ufe00" <= char <= "\ufe0f"
        or "\U000e0000" <= char <= "\U000e0fff"
    ):
        return ""
    if category == "Cs":
        return "\ufffd"  # half a pair: no tokenizer takes it
    if category == "Nd":
        return str(unicodedata.digit(char))
    if category == "Zs":
        return " "
    normal = unicodedata.normalize("NFKC", char)
    return "".join(_SPELLED.get(c, c) for c in normal)


class Folded:
    """A folded text, and the way back."""

    __slots__ = ("_froms", "_marks", "_tos", "text")

    def __init__(self, text: str, froms: list[int], tos: list[int], marks: Container[int] = ()) -> None:
        self.text = text
        self._marks = marks
        """Positions in the original of marks that belong to the character before them."""
        self._froms = froms
        """Positions in the folded text from which on a shift holds."""
        self._tos = tos
        """The positions in the original that these stand for."""

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """The span of the original that a span of the folded text stands for."""
        if not self._froms:
            return start, end
        start, end = self._at(start), self._at(end - 1, last=True)
        while end in self._marks:
            end += 1
        return start, end

    def _at(self, position: int, *, last: bool = False) -> int:
        i = bisect_right(self._froms, position) - 1
        here = self._tos[i] + (position - self._froms[i])
        if i + 1 < len(self._tos):
            here = min(here, self._tos[i + 1] - 1)  # a character that became several: all of them are it
        return here + 1 if last else here


def _runs(text: str) -> Iterator[tuple[int, int]]:
    """Where characters beyond ASCII stand."""
    if len(text) < LONG:
        yield from (run.span() for run in _OTHER.finditer(text))
        return
    for at in range(0, len(text), BLOCK):
        codes = np.frombuffer(text[at : at + BLOCK].encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        others = np.flatnonzero(codes >= 0x80) + at
        if len(others):
            breaks = np.flatnonzero(np.diff(others) > 1)
            starts, lasts = others[np.r_[0, breaks + 1]], others[np.r_[breaks, len(others) - 1]]
            yield from zip(starts.tolist(), (lasts + 1).tolist(), strict=True)


def fold(text: str) -> Folded:
    """Fold a text. ASCII, and text that is already plain, costs next to nothing."""
    if text.isascii():
        return Folded(text, [], [])
    parts: list[str] = []
    froms: list[int] = []
    tos: list[int] = []
    marks: set[int] = set()
    length = copied = 0
    for start, end in _runs(text):
        chars = text[start:end]
        folded = [_fold_char(char) for char in chars]
        if not chars.isalpha() and _MARK.search(chars):
            _join(text, start, folded, marks)
        elif chars in _DOTS and text[start - 1 : start].isdigit() and text[end : end + 1].isdigit():
            folded = [" "]
        if "".join(folded) == chars:
            continue
        for offset, (char, new) in enumerate(zip(chars, folded, strict=True)):
            if new == char:
                continue
            at = start + offset
            parts.append(text[copied:at])
            length += at - copied
            if new:
                froms.append(length)
                tos.append(at)
                parts.append(new)
                length += len(new)
            copied = at + 1
            froms.append(length)
            tos.append(copied)
    if not froms:
        return Folded(text, [], [])
    parts.append(text[copied:])
    return Folded("".join(parts), [0, *froms], [0, *tos], marks)


def _join(text: str, start: int, folded: list[str], marks: set[int]) -> None:
    """Count marks to the character before them; over a digit they mean nothing."""
    for mark in _MARK.finditer(text, start, start + len(folded)):
        base = mark.start() - 1
        while base > start - MOST_MARKS and _MARK.match(text[base : base + 1]):  # the run was parted
            base -= 1
        digit = text[base : base + 1].isdigit()
        for at in range(*mark.span()):
            marks.add(at)
            if digit:
                folded[at - start] = ""
