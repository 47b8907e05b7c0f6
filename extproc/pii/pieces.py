"""A text by what stands between white space. Prose says the same over and over: each piece is judged once, and known again."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar

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
_ORDINARY: Final = re.compile(r"(?:[^\W\d_]|[-.,;:!?'\"()/’“”…–]){1,24}|[\w$€£%.,:;?!]{1,5}")
"""Pieces that are met again, words and short numbers; others hardly ever are."""


class Block(NamedTuple):
    """A part of a text, cut up."""

    start: int
    end: int
    spaced: str = ""
    """All gaps in it as spaces, one more before and behind."""
    pieces: list[str] | None = None
    """None: no prose, hence not cut up."""
    different: frozenset[str] = frozenset()


class Cut:
    """A text cut up, once for all that read it."""

    __slots__ = ("_only", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._only: Block | None = None
        """The block of a text that is one; the blocks of a longer one would take too much memory together."""

    def blocks(self) -> Iterator[Block]:
        """The blocks, which end at gaps."""
        if self._only is not None:
            yield self._only
            return
        text, start = self.text, 0
        while start < len(text):
            gap = GAP.search(text, start + BLOCK) if len(text) - start > BLOCK else None
            end = gap.start() if gap else len(text)
            block = _block(text, start, end)
            if end - start == len(text):
                self._only = block
            yield block
            start = end


def _block(text: str, start: int, end: int) -> Block:
    head = text[start : min(end, start + HEAD)]
    if MOST_SIGNS * sum(map(head.count, SIGNS)) > len(head):
        return Block(start, end)
    spaced = f" {text[start:end]} ".replace("\n", " ").replace("\t", " ").replace("\r", " ")
    pieces = spaced.split(" ")
    return Block(start, end, spaced, pieces, frozenset(pieces))


class Pieces(Generic[Note]):
    """What is known of pieces. Shared by threads.

    `judge` says what of a piece is worth a look wherever it stands: nothing, or what it notes; None where it is to be read.
    """

    def __init__(self, judge: Callable[[str], tuple[Note, ...] | None]) -> None:
        self._judge = judge
        self._idle = {""}
        self._notes: dict[str, tuple[Note, ...] | None] = {}

    def busy(self, cut: Cut) -> Iterator[tuple[int, int, tuple[Note, ...] | None]]:
        """Start and end of all but the idle pieces, in the order of the text, and what is noted of them.

        Nothing (None) is noted of a stretch of which all is to be read.
        """
        for block in cut.blocks():
            yield from self._busy(block)

    def _busy(self, block: Block) -> list[tuple[int, int, tuple[Note, ...] | None]]:
        offset, end, spaced, pieces, different = block
        if pieces is None:
            return [(offset, end, None)]
        wanted = different - self._idle
        unknown = wanted.difference(self._notes)
        if unknown:
            wanted -= self._learn(islice(unknown, 4 + len(different) // NEW))
            if MOST_UNKNOWN * len(wanted.difference(self._notes)) > len(different):
                return [(offset, end, None)]
        stretches: list[tuple[int, int, tuple[Note, ...] | None]] = []
        known = self._notes.get
        find = spaced.index
        at, last = 0, -NEAR
        for piece in filter(wanted.__contains__, pieces):
            start = find(f" {piece} ", at)
            at = start + len(piece) + 1
            notes = known(piece)
            if notes is None and start - last < NEAR and stretches[-1][2] is None:
                stretches[-1] = (stretches[-1][0], offset + at - 1, None)
            else:
                stretches.append((offset + start, offset + at - 1, notes))
            last = at - 1
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
            if notes == ():
                idle.add(piece)
            else:
                self._notes[piece] = notes
        self._idle |= idle
        return idle
