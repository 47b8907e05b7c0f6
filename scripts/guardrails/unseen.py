"""Texts of the project's own that nothing is ever trained or tuned on: what the shipped detector says of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from extproc.embedding.encoder import Encoder
from extproc.guardrails.injection.detector import Detector
from extproc.guardrails.injection.model import SIDES, read
from guardrails.fit import auroc

if TYPE_CHECKING:
    from extproc.guardrails.injection.model import Side

FOLDER = Path(__file__).parent / "unseen"


def lines(name: str) -> list[str]:
    """One text a line; in it a backslash and an `n` are the end of a line."""
    return [line.replace("\\n", "\n") for line in (FOLDER / name).read_text(encoding="utf-8").splitlines() if line]


def measured(asset: Path) -> dict[str, Any]:
    """AUROC, attacks found and harmless look-alikes left alone, by side, at the threshold for one false alarm in a hundred."""
    encoder = Encoder.load()
    detector = Detector(lambda: encoder, read(asset))

    def scores(kind: str, side: Side) -> np.ndarray:
        return np.array([detector.score(text, side).score for text in lines(f"{kind}_{side}.txt")])

    told = {}
    for side in SIDES:
        attacks, harmless = scores("attacks", side), scores("harmless", side)
        limit = detector.threshold(side, 0.01)
        told[side] = {
            "attacks": len(attacks),
            "harmless": len(harmless),
            "auroc": round(auroc(attacks, harmless), 4),
            "attack_recall": round(float((attacks >= limit).mean()), 4),
            "benign_accuracy": round(float((harmless < limit).mean()), 4),
        }
    return told
