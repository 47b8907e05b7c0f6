"""From a head's signals to a probability that means what it says.

It is learned by cross-validation on the examples alone. A fold holds out a part of every intent's examples (how often
is the best intent right?) and some intents whole (what does a text look like that belongs to none, but nearly?); the
bundled background texts stand for what is far from all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, isnan
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
"""Of each signal of the stage itself, per standard deviation. What other stages say has to show what it is worth."""
PRIOR_OFFSET = 1.5
"""Of the middle of the right ones."""
STEEPEST = 30.0
"""Log odds beyond which nothing is told apart."""


@dataclass(frozen=True, slots=True)
class Signal:
    """What is known of a signal beforehand."""

    least_spread: float
    """A handful of texts may be alike by chance, and the next one is not of another world for that."""
    weight: float
    """Per standard deviation, before anything was seen."""


def signals_after(stages: int, count: int) -> list[Signal]:
    """The signals in the order of `material.signals_of`."""
    odds, share = Signal(1.0, PRIOR_WEIGHT), Signal(0.1, PRIOR_WEIGHT)
    others = [Signal(1.0, 0.0), Signal(0.1, 0.0)] * (stages - 1)
    known = [odds, *[Signal(1.0, 0.0)] * (stages - 1), odds, odds, share, *others]
    return known + [Signal(0.1, PRIOR_WEIGHT / 2)] * (count - len(known))


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
    label: NDArray[np.int64]
    """Number of the intent that the text is an example of; -1 for those that are far."""
    foreign: NDArray[np.bool_]
    """In another language than English."""

    def plus(self, other: Trial) -> Trial:
        """The rows of both."""
        return Trial(*(np.concatenate([getattr(self, name), getattr(other, name)]) for name in COLUMNS))

    def only(self, chosen: NDArray[np.bool_]) -> Trial:
        """Some of the rows."""
        return Trial(*(getattr(self, name)[chosen] for name in COLUMNS))

    @property
    def mass(self) -> NDArray[np.float64]:
        """Weights of the rows that give each kind its share of the traffic, and each intent as much as the others, however many
        examples it has; 1 on average.
        """
        kinds = (
            (self.far, FAR_SHARE),
            (~self.in_scope & ~self.far, NEAR_SHARE),
            (self.in_scope, 1 - NEAR_SHARE - FAR_SHARE),
        )
        present = [(kind, share) for kind, share in kinds if kind.any()]
        weights = np.zeros(len(self.right))
        for kind, share in present:
            mine = 1 / np.bincount(self.label[kind] + 1)[self.label[kind] + 1]
            weights[kind] = share * mine / mine.sum()
        return weights * len(weights) / sum(share for _, share in present)


COLUMNS = tuple(Trial.__slots__)


class Curve:
    """A logistic curve over standardised signals; a signal never counts against its own direction."""

    def __init__(self, middle: NDArray[np.float64], spread: NDArray[np.float64], weights: NDArray[np.float64]) -> None:
        self.middle, self.spread, self.weights = middle, spread, weights
        self._slopes = (weights[:-1] / spread).astype(np.float32)
        self._offset = float(weights[-1] - (weights[:-1] * middle / spread).sum())
        self._plain = tuple(map(float, self._slopes))

    @classmethod
    def fit(
        cls,
        signals: NDArray[np.float32],
        known: Sequence[Signal],
        positive: NDArray[np.bool_],
        mass: NDArray[np.float64],
    ) -> Curve:
        """Weighted logistic regression, drawn to the prior; negative weights are set to zero, one by one."""
        count = signals.shape[1]
        reference = signals[positive] if positive.any() else signals
        told = np.ma.masked_invalid(reference.astype(np.float64))
        middle = told.mean(axis=0).filled(0.0)
        spread = np.maximum(told.std(axis=0).filled(0.0), [signal.least_spread for signal in known])
        x = np.concatenate([np.nan_to_num((signals - middle) / spread), np.ones((len(positive), 1))], axis=1)
        prior = np.array([*(signal.weight for signal in known), PRIOR_OFFSET])
        used = np.ones(count + 1, bool)
        while True:
            weights = np.zeros(count + 1)
            weights[used] = _logistic(x[:, used], positive, mass, prior[used])
            worst = int(weights[:-1].argmin())
            if weights[worst] >= 0:
                return cls(middle, spread, weights)
            used[worst] = False

    @classmethod
    def certain(cls, count: int) -> Curve:
        """The curve of what was never seen to be otherwise."""
        return cls(np.zeros(count), np.ones(count), np.array([0.0] * count + [STEEPEST]))

    def height(self, signals: NDArray[np.float32]) -> NDArray[np.float64]:
        """The log odds, for many rows of signals. One that is not known speaks neither for nor against."""
        signals = np.where(np.isnan(signals), self.middle.astype(np.float32), signals)
        return np.asarray(signals @ self._slopes + self._offset, np.float64).clip(-STEEPEST, STEEPEST)

    def at(self, signals: NDArray[np.float32]) -> NDArray[np.float64]:
        """The probability, for many rows of signals."""
        return np.asarray(1 / (1 + np.exp(-self.height(signals))), np.float64)

    def odds_against(self, signals: Sequence[float]) -> float:
        """For one text: an array of three numbers costs more than the numbers."""
        return exp(-max(-STEEPEST, min(STEEPEST, self._offset + sum(map(mul, self._plain, signals)))))

    def of_one(self, signals: Sequence[float]) -> float:
        """The probability, for one text."""
        return 1 / (1 + self.odds_against(signals))

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

    A text can belong to none in two ways. What is far from everything resembles the background; what is near is told by
    energy and nearness alone, and the background would only blur it. Each way has its curve, and their odds add up. A
    third curve says how likely the best of the intents is the right one: high odds between two intents say nothing about
    a text that belongs to neither.
    """

    def __init__(self, choice: Curve, far: Curve, near: Curve) -> None:
        self.choice, self.far, self.near = choice, far, near
        self._stages = len(choice.middle)

    @classmethod
    def fit(cls, trial: Trial, stages: int = 1) -> Calibrator:
        """Signals are in the order of `material.signals_of`: after so many stages, as many tell the choice of an intent."""
        inside = trial.in_scope
        known = signals_after(stages, trial.signals.shape[1])
        mass = trial.mass[inside]
        mass *= len(mass) / mass.sum()
        choice = Curve.fit(trial.signals[inside][:, :stages], known[:stages], trial.right[inside], mass)
        outside = ((trial.far, stages), (~inside & ~trial.far, stages + 1))
        return cls(choice, *(_against(trial, known, kind, first) for kind, first in outside))

    def probability(self, signals: Sequence[float]) -> float:
        """Of being right, for one text."""
        stages = self._stages
        if isnan(signals[-1]):
            return float(self.probabilities(np.array([signals], np.float32))[0])
        against = self.far.odds_against(signals[stages:]) + self.near.odds_against(signals[stages + 1 :])
        return self.choice.of_one(signals[:stages]) / (1 + against)

    def probabilities(self, signals: NDArray[np.float32]) -> NDArray[np.float64]:
        """Of being right, for many."""
        stages = self._stages
        against = np.exp(-self.far.height(signals[:, stages:])) + np.exp(-self.near.height(signals[:, stages + 1 :]))
        return np.asarray(self.choice.at(signals[:, :stages]) / (1 + against), np.float64)


def _against(trial: Trial, known: Sequence[Signal], kind: NDArray[np.bool_], first: int) -> Curve:
    """In scope against one kind of texts that are not, by the signals from `first` on."""
    if not kind.any():
        return Curve.certain(trial.signals.shape[1] - first)
    rows = trial.in_scope | kind
    return Curve.fit(trial.signals[rows][:, first:], known[first:], trial.in_scope[rows], trial.mass[rows])


def _logistic(
    x: NDArray[np.float64], positive: NDArray[np.bool_], mass: NDArray[np.float64], prior: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Newton's method; the prior is a quadratic pull of `PRIOR_ROWS` rows' curvature."""
    weights, pull = prior.copy(), PRIOR_ROWS * 0.25  # the curvature of a row at even odds, its largest
    for _ in range(30):
        p = 1 / (1 + np.exp(-(x @ weights).clip(-30, 30)))
        gradient = x.T @ (mass * (p - positive)) + pull * (weights - prior)
        curvature = (x * (mass * np.maximum(p * (1 - p), 1e-6))[:, None]).T @ x + pull * np.eye(len(weights))
        step = np.linalg.solve(curvature, gradient)
        weights = weights - step * min(1.0, 2 / (np.abs(step).max() + 1e-12))
        if np.abs(step).max() < 1e-6:
            break
    return np.asarray(weights, np.float64)
