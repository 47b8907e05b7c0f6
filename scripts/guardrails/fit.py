"""Logistic regression over hashed features and over few numbers, and small networks over the encoder's numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from extproc.guardrails.injection.ngrams import BUCKETS, Grams
from extproc.guardrails.injection.windows import norm

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

UNITS, NETWORKS, EPOCHS, BATCH = 64, 3, 10, 256
RATE, DECAY, DROPPED = 1e-3, 1e-3, 0.2
STEP, FEW, LEAST_SEEN = 0.1, 64, 1e-3
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
        gradient = wide.T @ (mass * (1 / (1 + np.exp(-np.clip(z, -60, 60))) - y)).astype(wide.dtype)
        gradient[:-1] += penalty * w[:-1]
        return float(value), gradient

    return minimise(loss, np.zeros(wide.shape[1], wide.dtype), steps)


class Network:
    """A hidden layer and an output: what several networks say on average is one network with all their units."""

    def __init__(self, x: NDArray, y: NDArray, mass: NDArray, seed: int) -> None:
        centre, spread = x.mean(0), x.std(0) + 1e-6
        even = (x - centre) / spread
        mass = (mass / mass.mean()).astype(np.float32)
        made = [_network(even, y.astype(np.float32), mass, np.random.default_rng(seed + n)) for n in range(NETWORKS)]
        hidden = np.concatenate([one[0] for one in made], axis=1) / spread[:, None]
        self.hidden = hidden.astype(np.float16)
        """By feature and unit."""
        self.shifts = (np.concatenate([one[1] for one in made]) - centre @ hidden).astype(np.float32)
        """By unit."""
        outputs = np.concatenate([one[2] for one in made]) / NETWORKS
        self.outputs = np.append(outputs, np.mean([one[3] for one in made])).astype(np.float32)
        """By unit; the last is the bias."""


def _network(x: NDArray, y: NDArray, mass: NDArray, rng: np.random.Generator) -> list[NDArray]:
    rows, width = x.shape
    weights = [
        rng.normal(0, width**-0.5, (width, UNITS)).astype(np.float32),
        np.zeros(UNITS, np.float32),
        rng.normal(0, UNITS**-0.5, UNITS).astype(np.float32),
        np.zeros(1, np.float32),
    ]
    means, squares, step = [np.zeros_like(w) for w in weights], [np.zeros_like(w) for w in weights], 0
    for epoch in range(EPOCHS):
        order, rate = rng.permutation(rows), RATE * (1 - epoch / EPOCHS)
        for at in range(0, rows, BATCH):
            some = order[at : at + BATCH]
            seen = x[some] * (rng.random((len(some), width), dtype=np.float32) >= DROPPED) / np.float32(1 - DROPPED)
            units = np.maximum(seen @ weights[0] + weights[1], 0)
            wrong = mass[some] * (1 / (1 + np.exp(-(units @ weights[2] + weights[3]))) - y[some]) / np.float32(BATCH)
            back = np.outer(wrong, weights[2]) * (units > 0)
            step += 1
            for n, gradient in enumerate((seen.T @ back, back.sum(0), units.T @ wrong, wrong.sum(keepdims=True))):
                means[n] = 0.9 * means[n] + 0.1 * gradient
                squares[n] = 0.999 * squares[n] + 0.001 * gradient**2
                move = means[n] / (1 - 0.9**step) / (np.sqrt(squares[n] / (1 - 0.999**step)) + 1e-8)
                weights[n] = weights[n] - np.float32(rate) * (move + DECAY * weights[n] * (n in (0, 2)))
    return weights


class Hashed:
    """The hashed features of texts."""

    def __init__(self, texts: Sequence[bytes]) -> None:
        self._buckets = [Grams(text).buckets() for text in texts]
        self._shares = np.array([1 / norm(len(text)) for text in texts])

    def fit(self, y: NDArray, mass: NDArray, penalty: float, seed: int, passes: int) -> NDArray:
        """Weights by bucket and, last, the bias: by AdaGrad over small batches, a tenth of the work of whole passes."""
        rng = np.random.default_rng(seed)
        sizes = np.array([len(one) for one in self._buckets])
        shares = self._shares.astype(np.float32)
        w, seen = np.zeros(BUCKETS + 1, np.float32), np.full(BUCKETS + 1, LEAST_SEEN, np.float32)
        for epoch in range(passes):
            order, rate = rng.permutation(len(sizes)), STEP * (1 - epoch / passes)
            for at in range(0, len(sizes), FEW):
                some = order[at : at + FEW]
                every, long = np.concatenate([self._buckets[i] for i in some]), sizes[some]
                owner = np.repeat(np.arange(len(some)), long)
                z = w[-1] + shares[some] * np.bincount(owner, w[every], len(some))
                wrong = (mass[some] * (1 / (1 + np.exp(-z)) - y[some])).astype(np.float32)
                gradient = np.bincount(every, (wrong * shares[some])[owner], BUCKETS + 1).astype(np.float32)
                gradient[-1] = wrong.sum()
                gradient[:-1] += np.float32(penalty * len(some) / len(sizes)) * w[:-1]
                seen += gradient * gradient
                w -= np.float32(rate) * gradient / np.sqrt(seen)
        return w.astype(np.float64)

    def logits(self, w: NDArray) -> NDArray:
        """What weights make of each text."""
        sums = np.array([w[one].sum() for one in self._buckets])
        return w[-1] + self._shares * sums


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
