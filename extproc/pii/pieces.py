"""A text by what stands between white space. Prose says the same over and over: each piece is judged once, and known again."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Note = TypeVar("Note")

GAP: Final = re.compile(r"[ \n\t\r]")
"""What pieces are cut at. Rarer white space is part of a piece."""
KEPT: Final = 30_000
"""Pieces known before all are forgotten and met anew: some 3 MB."""
SHORT: Final = 800
"""Texts that are shorter are read sooner than cut up."""
NEW: Final = 16
"""Of every so many different pieces one new one is judged, so that a text of nothing but new ones costs little more."""
SIGNS: Final = '_={"|/012'
"""Where more than one in MOST_SIGNS characters is of these, code or data stand: few pieces of them are met again."""
MOST_SIGNS: Final = 64
HEAD: Final = 4096
"""So much of a block is looked at for them."""
MOST_UNKNOWN: Final = 4
"""Where more than one in so many different pieces is not known, the block is read in full."""
BLOCK: Final = 2**18
"""Characters cut up at once: the pieces of a text take ten times its memory."""
NEAR: Final = 16
"""Stretches to be read that are nearer than this are one: to begin anew costs more than a word or two."""
_ORDINARY: Final = re.compile(r"(?:[^\W\d_]|[-.,;:!?'\"()/’“”…–]){1,24}")
"""Pieces that are met again; others hardly ever are."""


class Pieces(Generic[Note]):
    """What is known of pieces. Shared by threads.

    `judge` says what of a piece is worth a look wherever it stands: nothing, or what it notes; None where it is to be read.
    """

    def __init__(self, judge: Callable[[str], tuple[Note, ...] | None]) -> None:
        self._judge = judge
        self._idle = {""}
        self._notes: dict[str, tuple[Note, ...]] = {}

    def busy(self, text: str) -> Iterator[tuple[int, int, tuple[Note, ...] | None]]:
        """Start and end of all but the idle pieces, in the order of the text, and what is noted of them.

        Nothing (None) is noted of a stretch of which all is to be read.
        """
        start = 0
        while start < len(text):
            gap = GAP.search(text, start + BLOCK) if len(text) - start > BLOCK else None
            end = gap.start() if gap else len(text)
            yield from self._busy(text[start:end], start)
            start = end

    def _busy(self, block: str, offset: int) -> list[tuple[int, int, tuple[Note, ...] | None]]:
        head = block[:HEAD]
        if MOST_SIGNS * sum(map(head.count, SIGNS)) > len(head):
            return [(offset, offset + len(block), None)]
        spaced = f" {block} ".replace("\n", " ").replace("\t", " ").replace("\r", " ")
        pieces = spaced.split(" ")
        different = set(pieces)
        wanted = different - self._idle
        unknown = wanted.difference(self._notes)
        if unknown:
            wanted -= self._learn(islice(unknown, 4 + len(different) // NEW))
            if MOST_UNKNOWN * len(wanted.difference(self._notes)) > len(different):
                return [(offset, offset + len(block), None)]
        stretches: list[tuple[int, int, tuple[Note, ...] | None]] = []
        known = self._notes.get
        find = spaced.index
        at, end = 0, -NEAR
        for piece in filter(wanted.__contains__, pieces):
            start = find(f" {piece} ", at)
            at = start + len(piece) + 1
            notes = known(piece)
            if notes is None and start - end < NEAR and stretches[-1][2] is None:
                stretches[-1] = (stretches[-1][0], offset + at - 1, None)
            else:
                stretches.append((offset + start, offset + at - 1, notes))
            end = at - 1
        return stretches

    def _learn(self, pieces: Iterable[str]) -> set[str]:
        """Judge new pieces; those that turn out to be idle."""
        if len(self._idle) + len(self._notes) > KEPT:
            self._idle, self._notes = {""}, {}
        idle = set()
        for piece in pieces:
            if _ORDINARY.fullmatch(piece) is None:
                continue
            notes = self._judge(piece)
            if notes:
                self._notes[piece] = notes
            elif notes is not None:
                idle.add(piece)
        self._idle |= idle
        return idle
