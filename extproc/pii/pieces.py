"""A text by what stands between white space. Prose says the same over and over: each piece is judged once, and known again.

Known by its hash, not by itself: numpy hashes all pieces in one go and tells which of them are idle, and only of the others is
anything made in Python. The hash is a polynomial over the characters, modulo 2**64, in a number that is drawn when the
process starts (Karp and Rabin, Efficient randomized pattern-matching algorithms, IBM J. Res. Dev. 31(2), 1987): nobody outside
can choose two pieces of at most LONGEST characters that share one.
"""

from __future__ import annotations

import re
import secrets
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import numpy.typing as npt

    Places = npt.NDArray[np.intp]
    Hashes = npt.NDArray[np.uint64]

Note = TypeVar("Note")

GAP: Final = re.compile(r"[ \n\t\r]")
"""What pieces are cut at. Rarer white space is part of a piece."""
_GAPS: Final = " \n\t\r"
_SIGN: Final = re.compile(r"\W")
LONGEST_WORD: Final = 1024
KEPT: Final = 30_000
"""Pieces known before all are forgotten and met anew: some 3 MB."""
SLOTS_BITS: Final = 16
"""Idle pieces have one of 2**16 slots by the first bits of their hash; of two with the same, the later one has it."""
SHORT: Final = 800
"""Texts that are shorter are read sooner than cut up."""
NEW: Final = 16
"""Of every so many pieces one new one is judged, so that a text of nothing but new ones costs little more."""
SIGNS: Final = '_={"|/012'
"""Where more than one in MOST_SIGNS characters is of these, code or data stand: few pieces of them are met again."""
MOST_SIGNS: Final = 64
HEAD: Final = 4096
"""So much of a block is looked at for them."""
MOST_UNKNOWN: Final = 4
"""Where more than one in so many pieces is not known, the block is read in full."""
BLOCK: Final = 2**16
"""Characters cut up at once, or twice as many where no gap follows: it takes thirty times its size for a moment."""
NEAR: Final = 16
"""Stretches to be read that are nearer than this are one: to begin anew costs more than a word or two."""
LONGEST: Final = 24
"""Characters of a piece that may be known."""
_ORDINARY: Final = re.compile(rf"(?:[^\W\d_]|[-.,;:!?'\"()/’“”…–]){{1,{LONGEST}}}|[\w$€£%.,:;?!]{{1,5}}")
"""Pieces that are met again, words and short numbers; others hardly ever are."""
_UNKNOWN: Final[Any] = object()
_NOTHING: Final = np.zeros(0, dtype=np.intp)
_IS_GAP: Final = np.isin(np.arange(33), [ord(c) for c in " \n\t\r"])
_BASE: Final = secrets.randbits(64) | 1
_POWERS: Final = np.cumprod(np.full(2 * BLOCK, _BASE, dtype=np.uint64))
_INVERSES: Final = _POWERS[0] * np.cumprod(np.full(2 * BLOCK, pow(_BASE, -1, 2**64), dtype=np.uint64))
"""What moves a piece to the beginning of its block: 1, and down by one power each."""


class Block(NamedTuple):
    """A part of a text, cut up."""

    text: str
    """All of it."""
    start: int
    end: int
    starts: Places
    ends: Places
    """Of its pieces, in the text."""
    hashes: Hashes | None = None
    """None: no prose, hence not cut up."""


class Cut:
    """A text cut up, once for all that read it."""

    __slots__ = ("_only", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._only: Block | None = None
        """The block of a text that is one; the blocks of a longer one would take too much memory together."""

    def blocks(self) -> Iterator[Block]:
        """The blocks, which end at gaps where there are any."""
        if self._only is not None:
            yield self._only
            return
        text, start = self.text, 0
        while start < len(text):
            end, at_gap = _end(text, start)
            block = _block(text, start, end) if at_gap else Block(text, start, end, _NOTHING, _NOTHING)
            if end - start == len(text):
                self._only = block
            yield block
            start = end


def _end(text: str, start: int) -> tuple[int, bool]:
    """Where the block that begins here ends, and whether at a gap: else between two words, or anywhere within a very long one."""
    at = start + BLOCK
    if at >= len(text):
        return len(text), not start or text[start] in _GAPS
    gap = GAP.search(text, at, at + BLOCK)
    if gap:
        return gap.start(), not start or text[start] in _GAPS
    sign = _SIGN.search(text, at, at + LONGEST_WORD)
    return sign.start() if sign else at, False


def _block(text: str, start: int, end: int) -> Block:
    head = text[start : min(end, start + HEAD)]
    if MOST_SIGNS * sum(map(head.count, SIGNS)) > len(head) or end - start > len(_POWERS):
        return Block(text, start, end, _NOTHING, _NOTHING)
    codes = np.frombuffer(text[start:end].encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    size = len(codes)
    gaps = np.flatnonzero(codes <= ord(" "))
    gaps = gaps[_IS_GAP[codes[gaps]]]
    starts, ends = np.concatenate(([0], gaps + 1)), np.concatenate((gaps, [size]))
    full = ends > starts
    starts, ends = starts[full], ends[full]
    sums = np.zeros(size + 1, dtype=np.uint64)
    powers = _POWERS[:size]
    terms = powers * codes
    terms += powers  # no character counts as nothing
    np.cumsum(terms, out=sums[1:])
    hashes = sums[ends] - sums[starts]
    hashes *= _INVERSES[starts]
    hashes[ends - starts > LONGEST] = 0
    return Block(text, start, end, starts + start, ends + start, hashes)


class Pieces(Generic[Note]):
    """What is known of pieces. Shared by threads.

    `judge` says what of a piece is worth a look wherever it stands: nothing, or what it notes; None where it is to be read.
    """

    def __init__(self, judge: Callable[[str], tuple[Note, ...] | None]) -> None:
        self._judge = judge
        self._forget()

    def _forget(self) -> None:
        self._notes: dict[int, tuple[Note, ...] | None] = {}
        """By hash."""
        self._idle: Hashes = np.arange(2**SLOTS_BITS, dtype=np.uint64)[::-1] << np.uint64(64 - SLOTS_BITS)
        """By slot the hash of the idle piece there; at first one that belongs elsewhere."""

    def busy(self, cut: Cut) -> Iterable[tuple[int, int, tuple[Note, ...] | None]]:
        """Start and end of all but the idle pieces, in the order of the text, and what is noted of them.

        Nothing (None) is noted of a stretch of which all is to be read.
        """
        return chain.from_iterable(map(self._busy, cut.blocks()))

    def _busy(self, block: Block) -> list[tuple[int, int, tuple[Note, ...] | None]]:
        hashes = block.hashes
        if hashes is None:
            return [(block.start, block.end, None)]
        busy = np.flatnonzero(self._idle[hashes >> np.uint64(64 - SLOTS_BITS)] != hashes)
        stretches: list[tuple[int, int, tuple[Note, ...] | None]] = []
        text, known = block.text, self._notes.get
        last, unknown, judged = -NEAR, 0, 0
        places = hashes[busy].tolist(), block.starts[busy].tolist(), block.ends[busy].tolist()
        for hashed, start, end in zip(*places, strict=True):
            notes = known(hashed, _UNKNOWN)
            if notes is _UNKNOWN:
                if hashed and judged <= len(hashes) // NEW and _ORDINARY.fullmatch(text, start, end):
                    judged += 1
                    notes = self._learn(text[start:end], hashed)
                else:
                    notes = None
                    unknown += 1
                    if MOST_UNKNOWN * unknown > len(hashes):
                        return [(block.start, block.end, None)]
            if notes == ():
                continue
            if notes is None and start - last < NEAR and stretches[-1][2] is None:
                stretches[-1] = (stretches[-1][0], end, None)
            else:
                stretches.append((start, end, notes))
            last = end
        return stretches

    def _learn(self, piece: str, hashed: int) -> tuple[Note, ...] | None:
        """Judge a new piece."""
        if len(self._notes) >= KEPT:
            self._forget()
        notes = self._notes[hashed] = self._judge(piece)
        if notes == ():
            self._idle[hashed >> (64 - SLOTS_BITS)] = hashed
        return notes
