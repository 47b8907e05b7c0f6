"""What was learned, kept on disk: the same examples are learned once."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

import numpy as np

from extproc.intent.calibration import Calibrator, Curve
from extproc.intent.head import HEAD_ARRAYS, Head
from extproc.intent.material import Shifts
from extproc.intent.training import StageModel, Trained
from extproc.intent.words import Words

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

KEPT_FILES = 8
CURVES = ("choice", "far", "near")
_in_use: WeakValueDictionary[Path, Trained] = WeakValueDictionary()
"""By their files, whose names hold the digest of all that was learned from: a reloaded `mesh.yaml` with the same examples
takes the heads of the one before, which are 30 MB for 15,000 examples.
"""


def save(trained: Trained, path: Path) -> None:
    """Keep what was learned; the oldest of more than a few files are removed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, NDArray[np.generic]] = {
        "words.weights": trained.words.weights,
        "words.places": trained.words.places,
        "words.own": trained.words.own,
        "late": trained.late,
        "stages": np.array(list(trained.stages)),
    }
    for name, stage in trained.stages.items():
        arrays |= {f"{name}.{key}": value for key, value in stage.head.arrays().items()}
        arrays |= {f"{name}.{curve}": getattr(stage.calibrator, curve).state for curve in CURVES}
        arrays[f"{name}.thresholds"] = stage.thresholds
        arrays[f"{name}.refusal"] = np.array(trained.refusals.get(name, 0.0))
    if trained.shifts is not None:
        arrays |= {"shifts.names": trained.shifts.names, "shifts.shifts": trained.shifts.shifts}
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    with temporary.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
    temporary.replace(path)
    _in_use[path] = trained
    kept = sorted(path.parent.glob("heads-*.npz"), key=lambda file: file.stat().st_mtime, reverse=True)
    for old in kept[KEPT_FILES:]:
        old.unlink(missing_ok=True)


def read(path: Path) -> Trained:
    """Raises OSError, ValueError or KeyError when the file is not one of ours."""
    known = _in_use.get(path)
    if known is None:
        known = _in_use[path] = _read(path)
    return known


def _read(path: Path) -> Trained:
    with np.load(path, allow_pickle=False) as arrays:
        stages = {}
        for name in arrays["stages"].tolist():
            head = Head.from_arrays({key: arrays[f"{name}.{key}"] for key in HEAD_ARRAYS})
            curves = (Curve.of_state(arrays[f"{name}.{key}"]) for key in CURVES)
            stages[name] = StageModel(head, Calibrator(*curves), arrays[f"{name}.thresholds"])
        words = Words(*(arrays[f"words.{key}"] for key in ("weights", "places", "own")))
        refusals = {name: float(arrays[f"{name}.refusal"]) for name in stages}
        shifts = Shifts(arrays["shifts.names"], arrays["shifts.shifts"]) if "shifts.names" in arrays else None
        return Trained(stages, words, arrays["late"], refusals, shifts)
