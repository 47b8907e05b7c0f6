"""Softmax regression by L-BFGS, in numpy: a few hundred lines of scipy and scikit-learn less to ship."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MEMORY = 10
"""Last steps from which L-BFGS guesses the curvature: the usual number."""
TOLERANCE = 1e-5
"""Stop when a step changes the loss by less than this share of it."""


def fit_softmax(
    x: NDArray[np.float32], labels: NDArray[np.int64], mass: NDArray[np.float32], penalty: float, steps: int
) -> NDArray[np.float32]:
    """Weights (feature, class) of least cross-entropy plus `penalty / 2` times their squares; the last row is the bias.

    `x` ends with a column of ones, which is not penalised; `mass` is how much each row counts. Deterministic: it starts
    from zero.
    """
    classes = int(labels.max()) + 1
    transposed = np.ascontiguousarray(x.T)
    every = np.arange(len(x))

    def loss_and_gradient(w: NDArray[np.float32]) -> tuple[float, NDArray[np.float32]]:
        scores = x @ w
        scores -= scores.max(axis=1, keepdims=True)
        right = scores[every, labels].copy()
        np.exp(scores, out=scores)
        sums = scores.sum(axis=1)
        loss = float((mass * (np.log(sums) - right)).sum())
        scores /= sums[:, None]
        scores[every, labels] -= 1
        scores *= mass[:, None]
        penalised = w.copy()
        penalised[-1] = 0
        value = (loss + 0.5 * penalty * float((penalised * penalised).sum())) / len(x)
        return value, (transposed @ scores + penalty * penalised) / len(x)

    w = np.zeros((x.shape[1], classes), np.float32)
    value, gradient = loss_and_gradient(w)
    moves: list[tuple[NDArray[np.float32], NDArray[np.float32]]] = []
    for _ in range(steps):
        direction = _two_loops(gradient, moves)
        slope = float((gradient * direction).sum())
        length = 1.0
        while True:
            candidate = w - length * direction
            new_value, new_gradient = loss_and_gradient(candidate)
            if new_value <= value - 1e-4 * length * slope or length < 1e-4:
                break
            length /= 2
        step, change = candidate - w, new_gradient - gradient
        if float((step * change).sum()) > 1e-10:
            moves = [*moves[-MEMORY + 1 :], (step, change)]
        done = abs(value - new_value) <= TOLERANCE * abs(new_value)
        w, value, gradient = candidate, new_value, new_gradient
        if done:
            break
    return w


def _two_loops(
    gradient: NDArray[np.float32], moves: list[tuple[NDArray[np.float32], NDArray[np.float32]]]
) -> NDArray[np.float32]:
    """The inverse Hessian times the gradient, from the last moves (Nocedal's two-loop recursion)."""
    direction = gradient.copy()
    if not moves:
        return direction * np.float32(10 / max(float(np.abs(gradient).sum()), 1e-9))
    shares = []
    for step, change in reversed(moves):
        share = float((step * direction).sum()) / float((step * change).sum())
        shares.append(share)
        direction -= np.float32(share) * change
    step, change = moves[-1]
    direction *= np.float32(float((step * change).sum()) / float((change * change).sum()))
    for (step, change), share in zip(moves, reversed(shares), strict=True):
        back = float((change * direction).sum()) / float((step * change).sum())
        direction += np.float32(share - back) * step
    return direction
