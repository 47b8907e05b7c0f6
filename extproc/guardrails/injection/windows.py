"""A text in windows: sentences and lines, and runs of them, so that an attack in a long text is read as if it stood alone."""

from __future__ import annotations

import re
from math import sqrt
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from extproc.guardrails.injection.ngrams import Grams

if TYPE_CHECKING:
    from numpy.typing import NDArray

LONGEST: Final = 512
"""Bytes of a window: some 128 tokens of English."""
_EXTRA: Final = 8.0
"""Bytes that every window counts more, so that the shortest are not judged by a word or two alone."""
LEAST_REST: Final = 400
"""Bytes beside a window that tell how the text speaks."""
_FROM_START: Final = np.zeros(1, np.intp)
_NO_REST: Final = np.zeros(1, np.float32)
RUNS: Final = (1, 2, 4, 8)
"""Sentences of a window."""
_UNIT: Final = re.compile(
    rb"""[^\n.!?\x80-\xff]{1,240}+(?:[.!?]+["')\]]*|\n+)?|(?:[^\n.!?]){1,240}(?:[.!?]+["')\]]*|\n+)?|[\n.!?]+"""
)


class Scanned(NamedTuple):
    """The windows of one text."""

    starts: NDArray[np.intp]
    ends: NDArray[np.intp]
    scores: NDArray[np.float32]
    """Of the first stage, as logits."""
    rests: NDArray[np.float32]
    """What the same stage would say of as many bytes of the rest of the text, without its bias; 0 where there is little else."""


def boundaries(text: bytes) -> list[int]:
    """Where sentences and lines begin, and the end of the text."""
    ends = [match.end() for match in _UNIT.finditer(text)]
    return [0, *ends] if ends else [0, 0]


def norm(size: NDArray[np.intp] | int) -> NDArray[np.float64]:
    """What the sum of a window's weights is divided by."""
    return np.sqrt(np.maximum(size, 1) + _EXTRA)


def scan(text: bytes, weights: NDArray[np.float32], bias: float) -> Scanned:
    """Every window of a text with the first stage's score."""
    grams = Grams(text)
    at = boundaries(text)
    if len(at) <= 2:
        total = float(weights.take(grams.buckets()).sum())
        score = bias + total / sqrt(max(grams.size, 1) + _EXTRA)
        return Scanned(_FROM_START, np.array([grams.size]), np.array([score], np.float32), _NO_REST)
    each = np.zeros(grams.size + 1, np.float32)
    for found in grams.letters:
        each[1 : len(found) + 1] += weights.take(found)
    for found in grams.words:
        each[grams.starts[: len(found)] + 1] += weights.take(found)
    sums = each.cumsum(dtype=np.float64)
    edges = np.array(at)
    starts, ends = [], []
    for run in RUNS:
        if len(edges) <= run:
            break
        first, last = edges[:-run], edges[run:]
        fits = last - first <= LONGEST
        starts.append(first[fits])
        ends.append(last[fits])
    if len(edges) - 1 not in RUNS and edges[-1] <= LONGEST:  # the whole of a short text
        starts.append(edges[:1])
        ends.append(edges[-1:])
    begin, end = np.concatenate(starts), np.concatenate(ends)
    own, size = sums[end] - sums[begin], end - begin
    norms = norm(size)
    scores = bias + own / norms
    left = grams.size - size
    rests = np.where(left >= LEAST_REST, (sums[-1] - own) / np.maximum(left, 1) * norms, 0.0)
    return Scanned(begin, end, scores.astype(np.float32), rests.astype(np.float32))
