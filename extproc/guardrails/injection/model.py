"""What `scripts/train_guardrails.py` has learned about attacks: the weights of both stages, and their calibration."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import exp, log
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from extproc.guardrails.injection.windows import Scanned, scan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

Side = Literal["direct", "indirect"]
"""direct: a text in which somebody may ask for things; indirect: one that is data, in which an instruction is an attack."""
SIDES: Final[tuple[Side, ...]] = ("direct", "indirect")
ASSET: Final = Path(__file__).parents[2] / "assets" / "guardrails" / "injection.npz"
_FULL_ROOT: Final = 17.0
"""Root of the bytes of a window that loses all of it."""
_LEAST_LOSS: Final = 0.25
LAYERS: Final = ("mean_0", "mean_3")
"""Of the encoder, beside the largest of each of the middle layer's numbers: what half a pass gives."""


@dataclass(frozen=True, slots=True)
class SideModel:
    """What holds for one side."""

    weights: NDArray[np.float32]
    """Of the first stage, by bucket."""
    bias: float
    head: NDArray[np.float32]
    """Of the second stage, by feature; the last is the bias."""
    alone: NDArray[np.float64]
    """How the first stage's logit makes one of its own; the last is the bias."""
    both: NDArray[np.float64]
    """The same for the logits of both stages."""
    counts: NDArray[np.float64]
    """Logs of numbers of windows, ..."""
    offsets: NDArray[np.float64]
    """... and what a logit loses at so many: the likeliest of many harmless windows looks likelier than one alone."""
    calibration: NDArray[np.float64]
    """Slope and shift that make a probability of what is left."""
    asks_from: float
    """The first stage's logit from which on the second is asked."""
    rates: NDArray[np.float64]
    """Shares of harmless texts, ..."""
    scores: NDArray[np.float64]
    """... and the score that so many of them reach."""

    def scan(self, text: bytes) -> Scanned:
        """The windows of a text."""
        return scan(text, self.weights, self.bias)

    def loss(self, sizes: NDArray[np.intp] | int, windows: int) -> NDArray[np.float64]:
        """What the logits of windows of so many bytes lose, in a text of so many windows.

        The likeliest of many harmless windows looks likelier than one alone, and the more so the longer windows are: what speaks
        for an attack by chance adds up, and the score grows with the root of the length.
        """
        offset = float(np.interp(log(windows), self.counts, self.offsets))
        return offset * np.clip(np.sqrt(sizes) / _FULL_ROOT, _LEAST_LOSS, 1.0)

    def by_first(self, logit: float, windows: int, size: int) -> float:
        """The score of a text of which the first stage alone was asked."""
        a, b = self.alone
        return self._score(a * logit + b, windows, size)

    def by_both(self, logit: float, features: NDArray[np.float32], windows: int, size: int) -> float:
        """The score of a text whose window was read by the second stage too."""
        second = float(features @ self.head[:-1] + self.head[-1])
        a, b, c = self.both
        return self._score(a * logit + b * second + c, windows, size)

    def _score(self, logit: float, windows: int, size: int) -> float:
        slope, shift = self.calibration
        return _probability(slope * (logit - float(self.loss(size, windows))) + shift)

    def threshold(self, false_alarms: float) -> float:
        """The score that this share of harmless texts reaches."""
        return float(np.interp(log(false_alarms), np.log(self.rates), self.scores))


def _probability(logit: float) -> float:
    return 1 / (1 + exp(-max(-60.0, min(60.0, logit))))


def features(
    means: Sequence[NDArray[np.float32]], states: NDArray[np.float32], sizes: Sequence[int]
) -> NDArray[np.float32]:
    """What the second stage reads of each text: the means of LAYERS, and the largest numbers of the middle layer."""
    largest = np.stack([states[row, :size].max(axis=0) for row, size in enumerate(sizes)])
    return np.concatenate([*means, largest], axis=1)


@cache
def shipped() -> dict[Side, SideModel]:
    """The model that is part of the package."""
    return read(ASSET)


def read(path: Path) -> dict[Side, SideModel]:
    """A model as it was written."""
    with np.load(path, allow_pickle=False) as arrays:
        return {side: _side(side, dict(arrays)) for side in SIDES}


def _side(side: Side, arrays: dict[str, NDArray[np.float64]]) -> SideModel:
    def one(name: str) -> NDArray[np.float64]:
        return arrays[f"{side}_{name}"]

    weights = one("weights").astype(np.float32) * np.float32(one("scale"))
    return SideModel(
        weights,
        float(one("bias")),
        one("head").astype(np.float32),
        one("alone"),
        one("both"),
        one("counts"),
        one("offsets"),
        one("calibration"),
        float(one("asks_from")),
        one("rates"),
        one("scores"),
    )
