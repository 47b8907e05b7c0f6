"""What `scripts/train_guardrails.py` has learned about attacks: the weights of both stages, and their calibration."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from math import exp, log, sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

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
_MANY: Final = log(64)
"""Log of the number of windows from which on a text is a long one."""


class Scale(NamedTuple):
    """From logits to probabilities: the likeliest of many harmless windows looks likelier than one alone."""

    counts: NDArray[np.float64]
    """Logs of numbers of windows, ..."""
    offsets: NDArray[np.float64]
    """... and what a logit loses at so many."""
    slope: float
    shift: float

    def probabilities(self, logits: Sequence[float], windows: int) -> list[float]:
        """Of windows of a text that has so many."""
        lost = float(self.offsets[0] if windows == 1 else np.interp(log(windows), self.counts, self.offsets))
        even = (self.slope * (logit - lost) + self.shift for logit in logits)
        return [1 / (1 + exp(-max(-60.0, min(60.0, logit)))) for logit in even]


class Beside(NamedTuple):
    """What else a text has, beside the window that is judged."""

    often: float
    """From 0 for one window to 1 for many."""
    third: float
    """The first stage's logit of its third likeliest window, of those that do not overlap, ..."""
    sixth: float
    """... and of the sixth: a text of which all sounds like orders is a manual; an attack stands out."""


ALONE: Final = Beside(0.0, 0.0, 0.0)
"""Of a text that is one window."""


def often(windows: int) -> float:
    """See Beside."""
    return min(1.0, log(windows) / _MANY)


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
    first: NDArray[np.float64]
    """How a window's features (see `together`) make one logit where the first stage alone was asked; the last is the bias."""
    both: NDArray[np.float64]
    """The same where the second was asked too."""
    first_scale: Scale
    both_scale: Scale
    asks_from: tuple[float, float]
    """The first stage's score from which on the second is asked, of a text that is one window, and of one with many."""
    rates: NDArray[np.float64]
    """Shares of harmless texts, ..."""
    scores: NDArray[np.float64]
    """... and the score that so many of them reach."""
    at_once: tuple[float, float, float] = field(init=False)
    """What the first stage's logit, the root of the length and nothing make of a text that is one window, as a logit."""

    def __post_init__(self) -> None:
        _, offsets, slope, shift = self.first_scale
        of_logit, of_length, bias = (slope * float(self.first[at]) for at in (0, 2, -1))
        made = (of_logit, of_length / _FULL_ROOT, bias - slope * float(offsets[0]) + shift)
        object.__setattr__(self, "at_once", made)

    def scan(self, text: bytes) -> Scanned:
        """The windows of a text."""
        return scan(text, self.weights, self.bias)

    def order(self, marks: NDArray[np.float64], windows: int) -> NDArray[np.intp]:
        """The windows of a text, the likeliest first."""
        size = marks.shape[1]
        likeness = marks @ (self.first[:size] + often(windows) * self.first[size : 2 * size])
        return np.argsort(-likeness, kind="stable")

    def by_first(self, marks: NDArray[np.float64], beside: Beside, windows: int) -> list[float]:
        """The scores of windows of a text that has so many, where the first stage alone was asked."""
        logits = together(marks, beside) @ self.first[:-1] + self.first[-1]
        return self.first_scale.probabilities(logits.tolist(), windows)

    def by_first_at_once(self, logit: float, size: int) -> float:
        """`by_first` of a text that is one window of so many bytes: quicker."""
        of_logit, of_root, shift = self.at_once
        return 1 / (1 + exp(-max(-60.0, min(60.0, of_logit * logit + of_root * sqrt(size) + shift))))

    def second(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """The second stage's logits of windows."""
        units = np.maximum(features @ self.hidden + self.shifts, 0.0)
        logits: NDArray[np.float64] = (units @ self.outputs[:-1] + self.outputs[-1]).astype(np.float64)
        return logits

    def by_both(self, features: NDArray[np.float32], marks: NDArray[np.float64], beside: Beside, windows: int) -> float:
        """The score of a window that was read by the second stage too."""
        known = np.append(marks, self.second(features))[None]
        logits = together(known, beside) @ self.both[:-1] + self.both[-1]
        return self.both_scale.probabilities(logits.tolist(), windows)[0]

    def asks(self, score: float, beside: Beside) -> bool:
        """Whether the second stage is asked about a window with this score of the first."""
        few, many = self.asks_from
        return score >= few + (many - few) * beside.often

    def threshold(self, false_alarms: float) -> float:
        """The score that this share of harmless texts reaches."""
        return float(np.interp(log(false_alarms), np.log(self.rates), self.scores))


def together(marks: NDArray[np.float64], beside: Beside) -> NDArray[np.float64]:
    """The features of windows, a row each: their marks, which count otherwise among many, and what stands beside them."""
    much = beside.often
    others = np.full((len(marks), 2), (much * beside.third, much * beside.sixth))
    return np.concatenate([marks, much * marks, others], axis=1)


def marks(scanned: Scanned) -> NDArray[np.float64]:
    """What the first stage knows of each window: its logit, what the rest of the text sounds like, and how long it is."""
    lengths = np.sqrt(scanned.ends - scanned.starts) / _FULL_ROOT
    return np.stack([scanned.scores, scanned.rests, lengths], axis=1, dtype=np.float64)


def marks_of_one(logit: float, size: int) -> NDArray[np.float64]:
    """`marks` of a text that is one window of so many bytes: quicker."""
    return np.array([[logit, 0.0, sqrt(size) / _FULL_ROOT]])


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
        first=one("first"),
        both=one("both"),
        first_scale=Scale(one("first_counts"), one("first_offsets"), *one("first_calibration").tolist()),
        both_scale=Scale(one("both_counts"), one("both_offsets"), *one("both_calibration").tolist()),
        asks_from=(float(one("asks_from")[0]), float(one("asks_from")[1])),
        rates=one("rates"),
        scores=one("scores"),
    )
