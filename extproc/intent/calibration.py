"""From a head's signals to a probability that means what it says, and from `target_precision` to thresholds.

Both are learned by cross-validation on the examples alone. A fold holds out a part of every intent's examples (how often
is the best intent right?) and some intents whole (what does a text look like that belongs to none, but nearly?); the
bundled background texts stand for what is far from all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

OUT_OF_SCOPE_SHARE = 0.2
"""Share of the traffic that is reckoned to belong to no intent."""
PRIOR_ROWS = 12.0
"""The shipped weights count as much as this many rows: with a handful of examples they are what decides."""
PRIOR_WEIGHT = 0.6
"""Of each signal, per standard deviation."""
INTENT_PRIOR_ROWS = 30.0
"""The precision of one intent is drawn towards that of all of them by as much as this many rows."""
NEVER = 1.01
"""A threshold that no score reaches."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What cross-validation saw: one row per held-out text."""

    signals: NDArray[np.float32]
    best: NDArray[np.int64]
    """Number of the intent that the head chose; -1 rows are never made."""
    right: NDArray[np.bool_]
    """False also for every text that belongs to no intent."""
    in_scope: NDArray[np.bool_]

    @property
    def mass(self) -> NDArray[np.float64]:
        """Weights of the rows that give out-of-scope texts their share; 1 on average."""
        outside = ~self.in_scope
        if not outside.any() or outside.all():
            return np.ones(len(self.right))
        share = np.where(outside, OUT_OF_SCOPE_SHARE / outside.sum(), (1 - OUT_OF_SCOPE_SHARE) / (~outside).sum())
        return np.asarray(share * len(self.right), np.float64)


class Calibrator:
    """A logistic curve over standardised signals; a signal never counts against its own direction."""

    def __init__(self, middle: NDArray[np.float64], spread: NDArray[np.float64], weights: NDArray[np.float64]) -> None:
        self.middle, self.spread, self.weights = middle, spread, weights
        self._slopes = (weights[:-1] / spread).astype(np.float32)
        self._offset = float(weights[-1] - (weights[:-1] * middle / spread).sum())

    @classmethod
    def fit(cls, trial: Trial) -> Calibrator:
        """Weighted logistic regression, drawn to the prior; negative weights are set to zero, one by one."""
        count = trial.signals.shape[1]
        inside = trial.signals[trial.in_scope] if trial.in_scope.any() else trial.signals
        middle = inside.mean(axis=0).astype(np.float64)
        spread = np.maximum(inside.std(axis=0).astype(np.float64), 1e-3)
        x = np.concatenate([(trial.signals - middle) / spread, np.ones((len(trial.right), 1))], axis=1)
        prior = np.array([PRIOR_WEIGHT] * count + [1.5])
        used = np.ones(count + 1, bool)
        while True:
            weights = np.zeros(count + 1)
            weights[used] = _logistic(x[:, used], trial.right, trial.mass, prior[used])
            worst = int(weights[:-1].argmin())
            if weights[worst] >= 0:
                return cls(middle, spread, weights)
            used[worst] = False

    def probability(self, signals: NDArray[np.float32]) -> float:
        """Of being right, for one text."""
        z = float(signals @ self._slopes) + self._offset
        return float(1 / (1 + np.exp(-z))) if z > -30 else 0.0

    def probabilities(self, signals: NDArray[np.float32]) -> NDArray[np.float64]:
        """Of being right, for many."""
        z = np.clip(signals @ self._slopes + self._offset, -30, 30).astype(np.float64)
        return np.asarray(1 / (1 + np.exp(-z)), np.float64)

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """What `from_arrays` needs, to be kept on disk."""
        return {"middle": self.middle, "spread": self.spread, "weights": self.weights}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.generic]]) -> Calibrator:
        """The calibrator that `arrays` came from."""
        return cls(*(arrays[name].astype(np.float64) for name in ("middle", "spread", "weights")))


def _logistic(
    x: NDArray[np.float64], right: NDArray[np.bool_], mass: NDArray[np.float64], prior: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Newton's method; the prior is a quadratic pull of `PRIOR_ROWS` rows' curvature."""
    weights, pull = prior.copy(), PRIOR_ROWS * 0.25
    for _ in range(30):
        p = 1 / (1 + np.exp(-np.clip(x @ weights, -30, 30)))
        gradient = x.T @ (mass * (p - right)) + pull * (weights - prior)
        curvature = (x * (mass * np.maximum(p * (1 - p), 1e-6))[:, None]).T @ x + pull * np.eye(len(weights))
        step = np.linalg.solve(curvature, gradient)
        weights = weights - step * min(1.0, 2 / (np.abs(step).max() + 1e-12))
        if np.abs(step).max() < 1e-6:
            break
    return weights


def thresholds(trial: Trial, scores: NDArray[np.float64], intents: int, target: float) -> NDArray[np.float64]:
    """For every intent the smallest score from which on `target` of what is accepted is right.

    An intent has few rows, so its precision is drawn towards that of all intents at the same score.
    """
    if not len(scores):
        return np.full(intents, target)
    mass = trial.mass
    order = np.argsort(-scores, kind="stable")
    right_mass = np.cumsum((mass * trial.right)[order])
    all_mass = np.cumsum(mass[order])
    overall = right_mass / all_mass
    ranked = scores[order]
    found = np.full(intents, _smallest(ranked, overall, target))
    for intent in range(intents):
        mine = trial.best[order] == intent
        if not mine.any():
            continue
        own_right, own_all = np.cumsum((mass * trial.right)[order][mine]), np.cumsum(mass[order][mine])
        drawn = (own_right + INTENT_PRIOR_ROWS * overall[mine]) / (own_all + INTENT_PRIOR_ROWS)
        found[intent] = _smallest(ranked[mine], drawn, target, otherwise=found[intent])
    return found


def _smallest(
    ranked: NDArray[np.float64], precision: NDArray[np.float64], target: float, otherwise: float | None = None
) -> float:
    """The last score, from the top, at which the precision is still on target; never under an even chance."""
    good = np.flatnonzero(precision >= target)
    if not len(good):
        return max(target, float(ranked[0])) if otherwise is None else otherwise
    return max(float(ranked[good[-1]]), 0.5)
