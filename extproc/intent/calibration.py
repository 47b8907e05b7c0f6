"""From a head's signals to a probability that means what it says, and from `target_precision` to thresholds.

Both are learned by cross-validation on the examples alone. A fold holds out a part of every intent's examples (how often
is the best intent right?) and some intents whole (what does a text look like that belongs to none, but nearly?); the
bundled background texts stand for what is far from all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp
from operator import mul
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

NEAR_SHARE, FAR_SHARE = 0.1, 0.1
"""Shares of the traffic that are reckoned to belong to no intent, but nearly, and to none by far."""
PRIOR_ROWS = 12.0
"""The shipped weights count as much as this many rows: with a handful of examples they are what decides."""
PRIOR_WEIGHT = 0.6
"""Of each signal, per standard deviation."""
PRIOR_OFFSET = 1.5
"""Of the middle of the right ones."""
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
    far: NDArray[np.bool_]
    """Background texts and those that the user says belong to no intent."""

    def plus(self, other: Trial) -> Trial:
        """The rows of both."""
        return Trial(
            *(
                np.concatenate([getattr(self, name), getattr(other, name)])
                for name in ("signals", "best", "right", "in_scope", "far")
            )
        )

    @property
    def mass(self) -> NDArray[np.float64]:
        """Weights of the rows that give each kind its share of the traffic; 1 on average."""
        kinds = (
            (self.far, FAR_SHARE),
            (~self.in_scope & ~self.far, NEAR_SHARE),
            (self.in_scope, 1 - NEAR_SHARE - FAR_SHARE),
        )
        present = [(kind, share) for kind, share in kinds if kind.any()]
        weights = np.zeros(len(self.right))
        for kind, share in present:
            weights[kind] = share / kind.sum()
        return weights * len(weights) / sum(share for _, share in present)


class Curve:
    """A logistic curve over standardised signals; a signal never counts against its own direction."""

    def __init__(self, middle: NDArray[np.float64], spread: NDArray[np.float64], weights: NDArray[np.float64]) -> None:
        self.middle, self.spread, self.weights = middle, spread, weights
        self._slopes = (weights[:-1] / spread).astype(np.float32)
        self._offset = float(weights[-1] - (weights[:-1] * middle / spread).sum())
        self._plain = tuple(map(float, self._slopes))

    @classmethod
    def fit(cls, signals: NDArray[np.float32], positive: NDArray[np.bool_], mass: NDArray[np.float64]) -> Curve:
        """Weighted logistic regression, drawn to the prior; negative weights are set to zero, one by one."""
        count = signals.shape[1]
        reference = signals[positive] if positive.any() else signals
        middle = reference.mean(axis=0).astype(np.float64)
        spread = np.maximum(reference.std(axis=0).astype(np.float64), 1e-3)
        x = np.concatenate([(signals - middle) / spread, np.ones((len(positive), 1))], axis=1)
        prior = np.array([PRIOR_WEIGHT] * count + [PRIOR_OFFSET])
        used = np.ones(count + 1, bool)
        while True:
            weights = np.zeros(count + 1)
            weights[used] = _logistic(x[:, used], positive, mass, prior[used])
            worst = int(weights[:-1].argmin())
            if weights[worst] >= 0:
                return cls(middle, spread, weights)
            used[worst] = False

    def at(self, signals: NDArray[np.float32]) -> NDArray[np.float64]:
        """The probability, for one row of signals or for many."""
        z = np.asarray(signals @ self._slopes + self._offset, np.float64)
        return np.asarray(1 / (1 + np.exp(-z.clip(-30, 30))), np.float64)

    def of_one(self, signals: Sequence[float]) -> float:
        """The same for one text: an array of three numbers costs more than the numbers."""
        z = self._offset + sum(map(mul, self._plain, signals))
        return 1 / (1 + exp(-max(-30.0, min(30.0, z))))

    @property
    def state(self) -> NDArray[np.float64]:
        """Middle, spread and weights in one array, to be kept on disk."""
        return np.concatenate([self.middle, self.spread, self.weights])

    @classmethod
    def of_state(cls, state: NDArray[np.float64]) -> Curve:
        """The curve that `state` came from."""
        count = (len(state) - 1) // 3
        return cls(state[:count], state[count : 2 * count], state[2 * count :])


class Calibrator:
    """Probability that the best intent is right: that the text belongs to any intent, times that it is this one.

    Two curves, because high odds between two intents say nothing about a text that belongs to neither: a sum of signals
    lets the one make up for the other, a product does not.
    """

    def __init__(self, scope: Curve, choice: Curve) -> None:
        self.scope, self.choice = scope, choice

    @classmethod
    def fit(cls, trial: Trial) -> Calibrator:
        """The odds decide between intents; energy, nearness and the rest, whether it is any."""
        inside = trial.in_scope
        scope = Curve.fit(trial.signals[:, 1:], inside, trial.mass)
        choice = Curve.fit(trial.signals[inside][:, :1], trial.right[inside], np.ones(int(inside.sum())))
        return cls(scope, choice)

    def probability(self, signals: NDArray[np.float32]) -> float:
        """Of being right, for one text."""
        plain = signals.tolist()
        return self.scope.of_one(plain[1:]) * self.choice.of_one(plain[:1])

    def probabilities(self, signals: NDArray[np.float32]) -> NDArray[np.float64]:
        """Of being right, for many."""
        return self.scope.at(signals[:, 1:]) * self.choice.at(signals[:, :1])


def _logistic(
    x: NDArray[np.float64], positive: NDArray[np.bool_], mass: NDArray[np.float64], prior: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Newton's method; the prior is a quadratic pull of `PRIOR_ROWS` rows' curvature."""
    weights, pull = prior.copy(), PRIOR_ROWS * 0.25
    for _ in range(30):
        p = 1 / (1 + np.exp(-(x @ weights).clip(-30, 30)))
        gradient = x.T @ (mass * (p - positive)) + pull * (weights - prior)
        curvature = (x * (mass * np.maximum(p * (1 - p), 1e-6))[:, None]).T @ x + pull * np.eye(len(weights))
        step = np.linalg.solve(curvature, gradient)
        weights = weights - step * min(1.0, 2 / (np.abs(step).max() + 1e-12))
        if np.abs(step).max() < 1e-6:
            break
    return np.asarray(weights, np.float64)


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
