"""Logistic regression by L-BFGS, over hashed features and over the encoder's numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from extproc.guardrails.injection.ngrams import BUCKETS, Grams
from extproc.guardrails.injection.windows import norm

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

MEMORY = 10
TOLERANCE = 1e-5


def minimise(loss: Callable, start: NDArray, steps: int) -> NDArray:
    """The place of the least loss; `loss` gives value and gradient."""
    at = start
    value, gradient = loss(at)
    moves: list = []
    for _ in range(steps):
        direction = gradient.copy()
        shares = []
        for step, change in reversed(moves):
            share = (step @ direction) / (step @ change)
            shares.append(share)
            direction -= share * change
        if moves:
            step, change = moves[-1]
            direction *= (step @ change) / (change @ change)
        else:
            direction *= 10 / max(np.abs(gradient).sum(), 1e-9)
        for (step, change), share in zip(moves, reversed(shares), strict=True):
            direction += (share - (change @ direction) / (step @ change)) * step
        slope, length = gradient @ direction, 1.0
        while True:
            new = at - length * direction
            new_value, new_gradient = loss(new)
            if new_value <= value - 1e-4 * length * slope or length < 1e-4:
                break
            length /= 2
        step, change = new - at, new_gradient - gradient
        if step @ change > 1e-10:
            moves = [*moves[-MEMORY + 1 :], (step, change)]
        done = abs(value - new_value) < TOLERANCE * abs(new_value)
        at, value, gradient = new, new_value, new_gradient
        if done:
            break
    return at


def dense(x: NDArray, y: NDArray, mass: NDArray, penalty: float, steps: int = 80) -> NDArray:
    """Weights and, last, the bias."""
    wide = np.concatenate([x, np.ones((len(x), 1), x.dtype)], 1)

    def loss(w: NDArray) -> tuple[float, NDArray]:
        z = wide @ w
        value = (mass * (np.logaddexp(0, z) - y * z)).sum() + 0.5 * penalty * (w[:-1] @ w[:-1])
        gradient = wide.T @ (mass * (1 / (1 + np.exp(-z)) - y)).astype(wide.dtype)
        gradient[:-1] += penalty * w[:-1]
        return float(value), gradient

    return minimise(loss, np.zeros(wide.shape[1], wide.dtype), steps)


class Hashed:
    """The hashed features of texts."""

    def __init__(self, texts: Sequence[bytes]) -> None:
        self._buckets = [Grams(text).buckets() for text in texts]
        self._shares = np.array([1 / norm(len(text)) for text in texts])

    def fit(self, chosen: NDArray, y: NDArray, mass: NDArray, penalty: float, steps: int = 50) -> NDArray:
        """Weights by bucket and, last, the bias."""
        lists = [self._buckets[i] for i in chosen]
        sizes = np.array([len(one) for one in lists])
        every, ends = np.concatenate(lists), np.cumsum(sizes)
        shares = self._shares[chosen]

        def loss(w: NDArray) -> tuple[float, NDArray]:
            sums = np.concatenate([[0], np.cumsum(w[every], dtype=np.float64)])
            z = w[-1] + shares * (sums[ends] - sums[ends - sizes])
            value = (mass * (np.logaddexp(0, z) - y * z)).sum() + 0.5 * penalty * (w[:-1] @ w[:-1])
            wrong = mass * (1 / (1 + np.exp(-z)) - y)
            gradient = np.bincount(every, np.repeat(wrong * shares, sizes), BUCKETS + 1)
            gradient[-1] = wrong.sum()
            gradient[:-1] += penalty * w[:-1]
            return float(value), gradient

        return minimise(loss, np.zeros(BUCKETS + 1), steps)


def auroc(positive: NDArray, negative: NDArray) -> float:
    """How likely an attack scores higher than a harmless text."""
    both = np.concatenate([positive, negative])
    order = both.argsort(kind="stable")
    ranks = np.empty(len(both))
    ranks[order] = np.arange(len(both))
    for value in np.unique(both[np.isin(both, positive) & np.isin(both, negative)]):  # ties count half
        same = both == value
        ranks[same] = ranks[same].mean()
    return float((ranks[: len(positive)].mean() - (len(positive) - 1) / 2) / len(negative))
