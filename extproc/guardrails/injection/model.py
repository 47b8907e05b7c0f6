"""What `scripts/train_guardrails.py` has learned about attacks: the weights of both stages, and their calibration."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import exp, log, sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from extproc.guardrails.injection.windows import scan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from extproc.guardrails.injection.windows import Scanned

Side = Literal["direct", "indirect"]
"""direct: a text in which somebody may ask for things; indirect: one that is data, in which an instruction is an attack."""
SIDES: Final[tuple[Side, ...]] = ("direct", "indirect")
ASSET: Final = Path(__file__).parents[2] / "assets" / "guardrails" / "injection.npz"
_FULL_ROOT: Final = 23.0
"""Root of the bytes of the longest window, nearly."""
LAYERS: Final = ("mean_0", "mean_3")
"""Of the encoder, beside the largest of each of the middle layer's numbers: what half a pass gives."""


@dataclass(frozen=True, slots=True)
class SideModel:
    """What holds for one side."""

    weights: NDArray[np.float32]
    """Of the first stage, by bucket."""
    bias: float
    hidden: NDArray[np.float32]
    """Of the second stage: by feature and unit, ..."""
    shifts: NDArray[np.float32]
    """... by unit, ..."""
    outputs: NDArray[np.float32]
    """... and by unit again; the last is the bias."""
    alone: NDArray[np.float64]
    """How a window's marks (see `marks`) make one logit where the first stage alone was asked; the last is the bias."""
    both: NDArray[np.float64]
    """The same with the second stage's logit, which is the first of them."""
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

    def by_first(self, marks: NDArray[np.float64], windows: int) -> NDArray[np.float64]:
        """Of windows of a text that has so many, of which the first stage alone was asked: their scores."""
        return self._score(marks @ self.alone[:-1] + self.alone[-1], windows)

    def second(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """The second stage's logits of windows."""
        units = np.maximum(features @ self.hidden + self.shifts, 0.0)
        logits: NDArray[np.float64] = (units @ self.outputs[:-1] + self.outputs[-1]).astype(np.float64)
        return logits

    def by_both(self, features: NDArray[np.float32], marks: NDArray[np.float64], windows: int) -> float:
        """The score of a window that was read by the second stage too."""
        logit = self.second(features) * self.both[0] + marks @ self.both[1:-1] + self.both[-1]
        return float(self._score(logit, windows))

    def _score(self, logits: NDArray[np.float64], windows: int) -> NDArray[np.float64]:
        slope, shift = self.calibration
        lost = self.offsets[0] if windows == 1 else np.interp(log(windows), self.counts, self.offsets)
        return probability(slope * (logits - lost) + shift)

    def by_first_at_once(self, logit: float, size: int) -> float:
        """`by_first` of a text that is one window of so many bytes: quicker."""
        of_logit, _, of_length, bias = self.alone.tolist()
        slope, shift = self.calibration.tolist()
        made = slope * (of_logit * logit + of_length * sqrt(size) / _FULL_ROOT + bias - float(self.offsets[0])) + shift
        return 1 / (1 + exp(-max(-60.0, min(60.0, made))))

    def threshold(self, false_alarms: float) -> float:
        """The score that this share of harmless texts reaches."""
        return float(np.interp(log(false_alarms), np.log(self.rates), self.scores))


def probability(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of logits."""
    return 1 / (1 + np.exp(-np.clip(logits, -60.0, 60.0)))


def marks(scanned: Scanned) -> NDArray[np.float64]:
    """What the first stage knows of each window: its logit, what the rest of the text sounds like, and how long it is."""
    lengths = np.sqrt(scanned.ends - scanned.starts) / _FULL_ROOT
    return np.stack([scanned.scores, scanned.rests, lengths], axis=1, dtype=np.float64)


def marks_of_one(logit: float, size: int) -> NDArray[np.float64]:
    """`marks` of a text that is one window of so many bytes: quicker."""
    return np.array([logit, 0.0, sqrt(size) / _FULL_ROOT])


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
        weights=weights,
        bias=float(one("bias")),
        hidden=one("hidden").astype(np.float32),
        shifts=one("shifts").astype(np.float32),
        outputs=one("outputs").astype(np.float32),
        alone=one("alone"),
        both=one("both"),
        counts=one("counts"),
        offsets=one("offsets"),
        calibration=one("calibration"),
        asks_from=float(one("asks_from")),
        rates=one("rates"),
        scores=one("scores"),
    )
