"""A head: from the vector of a text to a score for every intent, learned from examples in seconds.

The vectors are centred, scaled to length one and whitened by how examples of *one* intent vary among themselves
(shrunk far towards a sphere): a direction in which all intents vary alike says nothing. In that space a softmax
regression is good from three examples an intent to thousands, with one penalty. The same space gives the second
opinion that a softmax lacks: how near the text is to an example.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import exp, log, sqrt
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from extproc.intent.prototypes import prototypes
from extproc.intent.softmax import fit_softmax

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

SHRINKAGE = 0.8
"""How far the covariance is drawn towards a sphere: it has more dimensions than there are examples, and most of it is noise."""
PENALTY = 100.0
"""On half the squares of the weights, beside the sum of all losses: whitened vectors are long, so small weights will do."""
STEPS = 40
"""Of the fit, at most: it ends before where a step gains next to nothing."""
GIVEN = 2.0
"""What all texts together that are given as belonging to no intent count for, of what one intent does, at most."""
BEFORE = 0.3
"""Of the scores of the stage before, what is added to a stage's own."""
OUTSIDE = 0.5
"""Of the cosine to the nearest text of the background, what is taken off the one to the nearest prototype."""
HEAD_ARRAYS = ("parts", "centre", "weights", "prototypes", "offsets", "outside")
"""What is kept of a head."""


class Reading(NamedTuple):
    """A head's view of one text. A tuple, because one is made for every stage of every text."""

    logits: NDArray[np.float32]
    """Of every intent, and of the background last."""
    mean: float
    """Of the intents' logits."""
    best: int
    runner_up: int
    """Equal to `best` when there is one intent only."""
    others: float
    """How much more likely than the best intent all the others are together, by the softmax."""
    signals: tuple[float, ...]
    """About the best intent: its log odds; how far its logit is above the background's; how far the
    logits rise above their average, whichever rises (texts of no intent have flat ones); the cosine to the nearest
    prototype of the best intent, less a part of that to the nearest text of the background where that is looked at."""

    def odds_of(self, intent: int) -> float:
        """Log odds of an intent against all others."""
        if intent == self.best:
            return self.signals[0]
        mine = exp(float(self.logits[intent] - self.logits[self.best]))
        return log((mine + 1e-9) / (max(1 + self.others - mine, 0.0) + 1e-6))


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a head is learned from."""

    vectors: NDArray[np.float32]
    labels: NDArray[np.int64]
    """Number of the intent of each vector; every number up to the largest has at least one."""
    real: NDArray[np.bool_]
    """False for the name of an intent: it is learned from, but no text is compared with it."""
    background: NDArray[np.float32]
    """Vectors of texts that belong to no intent; at least one."""
    given: int = 0
    """How many of those, the first ones, somebody has given: they say more than the others."""
    parts: int = 1
    """Of how many vectors side by side each vector is made."""
    compares: bool = False
    """A text is compared with those of the background too: what is nearer to one of them than to an example is no intent's."""


class Head:
    """Linear scores and the examples they were learned from."""

    def __init__(
        self,
        parts: NDArray[np.int64],
        centre: NDArray[np.float32],
        weights: NDArray[np.float32],
        prototypes: NDArray[np.float32],
        offsets: NDArray[np.int64],
        outside: NDArray[np.float32],
    ) -> None:
        self.parts = parts
        """One number: of how many vectors side by side a vector is made, as of two layers."""
        self.centre = centre
        width = len(centre) // int(parts)
        self._spans = [slice(part * width, (part + 1) * width) for part in range(int(parts))]
        self.weights = weights
        """(dimension + 1, intents + 1): of the intents and of the background; the last row is the bias."""
        self.prototypes = prototypes
        """Of the first parts of the examples, centred, grouped by intent. As long as there are parts: what they give with
        that of a text, which is shorter than one, is their cosine."""
        self.offsets = offsets
        """`prototypes[offsets[i]:offsets[i + 1]]` are those of intent `i`."""
        self.outside = outside
        """Texts of the background, as `prototypes`; none where they are not compared with."""
        self.classes = len(offsets) - 1
        self._near = slice(prototypes.shape[1])
        self._prototypes = [prototypes[start:end] for start, end in pairwise(offsets.tolist())]
        mean = weights[:, :-1].mean(axis=1, keepdims=True)
        slopes = np.concatenate([weights, mean], axis=1)
        self._slopes, self._bias = np.ascontiguousarray(slopes[:-1].T), slopes[-1].copy()
        self._ones = np.ones(self.classes, np.float32)

    @classmethod
    def fit(cls, data: Lesson, steps: int = STEPS) -> Head:
        """Learn from labelled vectors and a background that belongs to no intent."""
        vectors, labels = data.vectors, data.labels
        classes = int(labels.max()) + 1
        centre = centre_of(np.concatenate([vectors, data.background]), data.parts)
        x = unit(vectors, centre, data.parts)
        rows = np.concatenate([x, unit(data.background, centre, data.parts)])
        basis = _basis(rows)
        means = np.stack([x[labels == i].mean(axis=0) for i in range(classes)])
        whitening = basis @ _whitening((x - means[labels]) @ basis, len(x) - classes, x.shape[1])
        rows = np.concatenate([rows @ whitening, np.ones((len(rows), 1), np.float32)], axis=1)
        counts = np.bincount(labels, minlength=classes)
        mass = np.ones(len(rows), np.float32)
        # how many examples an intent has says little about how often it is asked for
        mass[: len(x)] = np.sqrt(len(x) / classes / counts[labels])
        # the background counts as much as one intent does, however many texts it has
        each = len(x) / classes
        mass[len(x) :] = min(1.0, each / len(data.background))
        # and so do those that somebody has given, each at most as much as an example
        mass[len(x) : len(x) + data.given] = min(1.0, GIVEN * each / max(data.given, 1))
        targets = np.concatenate([labels, np.full(len(data.background), classes)])
        softmax = fit_softmax(rows, targets, mass, PENALTY, steps)
        weights = np.concatenate([whitening @ softmax[:-1], softmax[-1:]])
        near = x[:, : x.shape[1] // data.parts] * np.float32(data.parts)
        centres = [prototypes(near[(labels == i) & data.real]) for i in range(classes)]
        offsets = np.cumsum([0, *map(len, centres)])
        width = near.shape[1] if data.compares else 0
        outside = unit(data.background, centre, data.parts)[:, :width] * np.float32(data.parts)
        return cls(np.array(data.parts), centre, weights.astype(np.float32), np.concatenate(centres), offsets, outside)

    def read(self, vector: NDArray[np.float32], before: Reading | None = None) -> Reading:
        """Scores and signals of one text; what an earlier stage scored counts a little."""
        x = self.placed(vector)
        logits: NDArray[np.float32] = self._slopes.dot(x)
        logits += self._bias
        mean = float(logits[-1])
        logits = logits[:-1]
        if before is not None:
            logits += before.logits * BEFORE
            mean += before.mean * BEFORE
        intents = logits[:-1]
        best = int(intents.argmax())
        top = float(intents[best])
        shares = np.exp(intents - top)
        shares[best] = 0
        others = float(shares.dot(self._ones))
        runner_up = int(shares.argmax()) if self.classes > 1 else best
        margin = top - float(logits[-1])
        nearest = max(self._prototypes[best].dot(x[self._near]).tolist(), default=-1.0)
        if self.outside.shape[1]:
            nearest -= OUTSIDE * float(self.outside.dot(x[self._near]).max())
        odds = -log(others + exp(min(-margin, 50.0)) + 1e-6)
        return Reading(logits, mean, best, runner_up, others, (odds, margin, top - mean + log(1 + others), nearest))

    def odds(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Of several texts, the log odds of the best intent of each: the first of a reading's signals."""
        logits = unit(vectors, self.centre, len(self._spans)) @ self._slopes.T + self._bias
        intents = logits[:, : self.classes]
        top = intents.max(axis=1)
        others = np.exp(intents - top[:, None]).sum(axis=1) - 1
        against = np.exp(np.minimum(logits[:, self.classes] - top, 50))
        return np.asarray(-np.log(np.maximum(others, 0) + against + 1e-6), np.float32)

    def cosines(self, vector: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
        """Of a text to others, by what the first parts of their vectors say."""
        mine = self.placed(vector)[self._near] * np.float32(self.parts)
        return np.stack([self.placed(other)[self._near] for other in others]) @ mine

    def placed(self, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        """Centred, each part of the same length, the whole of length one."""
        x: NDArray[np.float32] = vector - self.centre
        if not vector[-1]:
            placed_vector: NDArray[np.float32] = unit(vector[None], self.centre, len(self._spans))[0]
            return placed_vector
        for span in self._spans:
            part = x[span]
            part *= 1 / (sqrt(float(part.dot(part)) * len(self._spans)) + 1e-9)
        return x

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """What `from_arrays` needs, to be kept on disk."""
        return {name: getattr(self, name) for name in HEAD_ARRAYS}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.generic]]) -> Head:
        """The head that `arrays` came from."""
        return cls(*(arrays[name] for name in HEAD_ARRAYS))  # type: ignore[arg-type]


def centre_of(x: NDArray[np.float32], parts: int) -> NDArray[np.float32]:
    """The mean of each part, of those vectors that have it."""
    split = x.reshape(len(x), parts, -1)
    present = split.any(axis=2, keepdims=True)
    return np.asarray((split.sum(axis=0) / np.maximum(present.sum(axis=0), 1)).reshape(-1), np.float32)


def unit(x: NDArray[np.float32], centre: NDArray[np.float32], parts: int) -> NDArray[np.float32]:
    """Centred, each part of the same length, the whole of length one. A part of zeros is none: it says nothing."""
    split = x.reshape(len(x), parts, -1)
    present = split.any(axis=2, keepdims=True)
    split = (split - centre.reshape(parts, -1)) * present
    lengths = np.linalg.norm(split, axis=2, keepdims=True) * np.sqrt(np.maximum(present.sum(axis=1, keepdims=True), 1))
    return np.asarray((split / (lengths + 1e-9)).reshape(len(x), -1), np.float32)


def _basis(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Orthonormal columns that span the rows. Few rows need few: what is learned is the same, in a tenth of the time."""
    if len(rows) >= rows.shape[1]:
        return np.eye(rows.shape[1], dtype=np.float32)
    return np.ascontiguousarray(np.linalg.qr(rows.T)[0], np.float32)


def _whitening(residuals: NDArray[np.float32], degrees: int, dimension: int) -> NDArray[np.float32]:
    """A matrix that turns the shrunk covariance of the residuals into the unit matrix.

    `dimension` is that of the space that the residuals were taken from.
    """
    size = residuals.shape[1]
    covariance = residuals.T @ residuals / max(degrees, 1)
    average = float(np.trace(covariance)) / dimension
    if average < 1e-9:  # one example an intent: nothing varies
        return np.eye(size, dtype=np.float32) * np.float32(np.sqrt(dimension))
    shrunk = (1 - SHRINKAGE) * covariance + SHRINKAGE * average * np.eye(size, dtype=np.float32)
    return np.ascontiguousarray(np.linalg.inv(np.linalg.cholesky(shrunk)).T, np.float32)
