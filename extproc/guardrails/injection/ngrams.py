"""What the first stage reads of a text: runs of letters and of words, hashed, all windows of a long text in one go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

BUCKET_BITS: Final = 17
BUCKETS: Final = 2**BUCKET_BITS
LETTERS: Final = (3, 4, 5)
"""Bytes of a run of letters."""
WORDS: Final = 3
"""Words of the longest run of words."""
STEM: Final = 8
"""Bytes by which a word is known, beside its length: its stem, and what kind of ending it has."""
_SHIFT: Final = np.uint64(64 - BUCKET_BITS)
_LETTER_STEPS: Final = np.array(
    [[0x9E3779B97F4A7C15 + 2 * n * 0x632BE59BD9B4E019 & 2**64 - 1] for n in LETTERS], np.uint64
)
_WORD_STEP: Final = np.uint64(0xD6E8FEB86659FD93)
_RUN_STEP: Final = np.uint64(0xA0761D6478BD642F)
_LETTER_MASKS: Final = np.array([[2 ** (8 * n) - 1] for n in LETTERS], np.uint64)
_WORD_MASKS: Final = np.array([2 ** (8 * min(n, STEM)) - 1 for n in range(STEM + 1)], np.uint64)
_PLAIN: Final = bytes(
    ord("0") if ord("0") <= b <= ord("9") else b | 0x20 if ord("A") <= b <= ord("Z") else max(b, 0x20)
    for b in range(256)
)
_WORD: Final = np.array([b >= 0x80 or chr(b).isalnum() or b in b"'_" for b in range(256)])
_PADDING: Final = bytes(STEM)


class Grams:
    """The hashed features of one text, each with the byte at which it begins."""

    __slots__ = ("letters", "size", "starts", "words")

    def __init__(self, text: bytes) -> None:
        """`text`: folded. Case, digits and control characters make no difference."""
        padded = text.translate(_PLAIN) + _PADDING
        size = self.size = len(text)
        # the eight bytes that begin at each byte, as one number each
        eights = np.ndarray((size,), "<u8", padded, 0, (1,))
        runs = eights & _LETTER_MASKS
        runs *= _LETTER_STEPS
        runs >>= _SHIFT
        cells = runs.view(np.intp)
        self.letters: Sequence[NDArray[np.intp]] = [
            cells[row, : size - n + 1] for row, n in enumerate(LETTERS) if size >= n
        ]
        """For each length of a run: the bucket of the run that begins at each byte."""
        within = np.zeros(size + 2, bool)
        _WORD.take(np.frombuffer(padded, np.uint8, size), out=within[1:-1])
        edges = np.flatnonzero(within[1:] != within[:-1])
        starts, ends = edges[::2], edges[1::2]
        self.starts: NDArray[np.intp] = starts
        """Where words begin."""
        self.words: Sequence[NDArray[np.intp]] = _runs(eights, starts, ends - starts) if len(starts) else ()
        """For each number of words in a run: the bucket of the run that begins with each word."""

    def buckets(self) -> NDArray[np.intp]:
        """All of them, wherever they begin."""
        buckets = [*self.letters, *self.words]
        return np.concatenate(buckets) if buckets else np.zeros(0, np.intp)


def _runs(
    eights: NDArray[np.uint64], starts: NDArray[np.intp], lengths: NDArray[np.intp]
) -> Sequence[NDArray[np.intp]]:
    hashed = (eights.take(starts) & _WORD_MASKS.take(np.minimum(lengths, STEM))) + lengths.astype(np.uint64)
    hashed *= _WORD_STEP
    hashed ^= hashed >> np.uint64(29)
    runs = [hashed * _WORD_STEP]
    for _ in range(WORDS - 1):
        if len(runs[-1]) < 2:
            break
        runs.append((runs[-1][:-1] ^ hashed[len(runs) :]) * _RUN_STEP)
    return [(run >> _SHIFT).view(np.intp) for run in runs]
