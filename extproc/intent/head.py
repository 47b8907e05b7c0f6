"""A head: from the vector of a text to a score for every intent, learned from examples in seconds.

The vectors are centred, scaled to length one and whitened by how examples of *one* intent vary among themselves
(shrunk far towards a sphere): a direction in which all intents vary alike says nothing. In that space a softmax
regression is good from three examples an intent to thousands, with one penalty. The same space gives the second
opinion that a softmax lacks: how near the text is to the mean of the intent, and to the nearest of its examples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from extproc.intent.softmax import fit_softmax

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

SHRINKAGE = 0.9
PENALTY = 100.0
STEPS = 40
EXAMPLES_KEPT = 50
"""Examples of one intent that a text is compared with; of more, these many evenly spaced."""
SIGNALS = ("odds", "logit", "mean", "nearest")
"""What a head says about its best intent; see `Reading`."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A head's view of one text."""

    logits: NDArray[np.float32]
    """Of every intent, and of the background last."""
    best: int
    runner_up: int
    """Equal to `best` when there is one intent only."""
    signals: NDArray[np.float32]
    """In the order of `SIGNALS`: the log odds of the best intent, its logit above the average, its likelihood by
    distance to the mean of its examples, its cosine to the nearest of them."""


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


class Head:
    """Linear scores and the examples they were learned from."""

    def __init__(
        self,
        centre: NDArray[np.float32],
        weights: NDArray[np.float32],
        examples: NDArray[np.float32],
        offsets: NDArray[np.int64],
    ) -> None:
        self.centre = centre
        self.weights = weights
        """(dimension + 1, 2 x intents + 1): softmax weights of the intents and of the background, then those of the
        distance to an intent's mean; the last row is the bias."""
        self.examples = examples
        """Centred, of length one, grouped by intent."""
        self.offsets = offsets
        """`examples[offsets[i]:offsets[i + 1]]` are those of intent `i`."""
        self.classes = len(offsets) - 1
        self._logit_weights = np.ascontiguousarray(weights[:-1, : self.classes + 1])
        self._logit_bias = weights[-1, : self.classes + 1]
        self._mean_weights = np.ascontiguousarray(weights[:-1, self.classes + 1 :].T)
        self._mean_bias = weights[-1, self.classes + 1 :]

    @classmethod
    def fit(cls, data: Lesson, steps: int = STEPS) -> Head:
        """Learn from labelled vectors and a background that belongs to no intent."""
        vectors, labels = data.vectors, data.labels
        classes = int(labels.max()) + 1
        centre = np.concatenate([vectors, data.background]).mean(axis=0)
        x = _unit(vectors - centre)
        rows = np.concatenate([x, _unit(data.background - centre)])
        basis = _basis(rows)
        means = np.stack([x[labels == i].mean(axis=0) for i in range(classes)])
        whitening = basis @ _whitening((x - means[labels]) @ basis, len(x) - classes, x.shape[1])
        rows = np.concatenate([rows @ whitening, np.ones((len(rows), 1), np.float32)], axis=1)
        # the background counts as much as one intent does, however many texts it has
        mass = np.ones(len(rows), np.float32)
        mass[len(x) :] = min(1.0, len(x) / classes / len(data.background))
        targets = np.concatenate([labels, np.full(len(data.background), classes)])
        softmax = fit_softmax(rows, targets, mass, PENALTY, steps)
        white_means = means @ whitening
        near_bias = -0.5 * (white_means * white_means).sum(axis=1)
        weights = np.concatenate(
            [
                whitening @ np.concatenate([softmax[:-1], white_means.T], axis=1),
                np.concatenate([softmax[-1], near_bias])[None],
            ]
        )
        kept = [_evenly(np.flatnonzero((labels == i) & data.real)) for i in range(classes)]
        offsets = np.cumsum([0, *map(len, kept)])
        return cls(centre, weights.astype(np.float32), x[np.concatenate(kept)], offsets)

    def read(self, vector: NDArray[np.float32]) -> Reading:
        """Scores and signals of one text."""
        x = self._placed(vector)
        logits: NDArray[np.float32] = x @ self._logit_weights + self._logit_bias
        best = int(logits[:-1].argmax())
        top = float(logits[best])
        rest = np.exp(logits - top)
        rest[best] = 0
        others = float(rest.sum())
        runner_up = int(rest[:-1].argmax()) if self.classes > 1 else best
        mine = self.examples[self.offsets[best] : self.offsets[best + 1]]
        signals = np.array(
            (
                -np.log(others + 1e-6),
                top - float(logits.mean()),
                self._mean_weights[best] @ x + self._mean_bias[best],
                (mine @ x).max(initial=-1.0),
            ),
            np.float32,
        )
        return Reading(logits, best, runner_up, signals)

    def cosines(self, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        """Of a text to every example that is kept."""
        return self.examples @ self._placed(vector)

    def _placed(self, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        """Centred, of length one."""
        x = vector - self.centre
        x /= np.float32(np.sqrt(x @ x) + 1e-9)
        return x

    @staticmethod
    def members(count: int) -> NDArray[np.int64]:
        """Which of an intent's `count` examples are kept."""
        return _evenly(np.arange(count))

    def log_share(self, reading: Reading, intent: int) -> float:
        """Log of the softmax probability of an intent."""
        shifted = reading.logits - reading.logits.max()
        return float(shifted[intent] - np.log(np.exp(shifted).sum()))

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """What `from_arrays` needs, to be kept on disk."""
        return {"centre": self.centre, "weights": self.weights, "examples": self.examples, "offsets": self.offsets}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.generic]]) -> Head:
        """The head that `arrays` came from."""
        return cls(*(arrays[name] for name in ("centre", "weights", "examples", "offsets")))  # type: ignore[arg-type]


def _unit(x: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(x / (np.linalg.norm(x, axis=1, keepdims=True) + 1e-9), np.float32)


def _evenly(index: NDArray[np.int64]) -> NDArray[np.int64]:
    if len(index) <= EXAMPLES_KEPT:
        return index
    return index[np.linspace(0, len(index) - 1, EXAMPLES_KEPT).astype(np.int64)]


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
