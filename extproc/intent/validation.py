"""Cross-validation: every example as both stages would see it, had they not learned from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from extproc.intent.calibration import Trial
from extproc.intent.head import Head, Lesson
from extproc.intent.material import REPORT_FROM, Material, coverage, known_tokens, static_signals

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from extproc.intent.table import StaticTable

FOLDS = 5
LARGE = 4000
"""From this many examples on, two of the folds are enough."""
LARGE_FOLDS = 2
FOLD_STEPS = 20
NEAR_INTENTS = 4
"""From this many intents on, a fold holds out whole intents too."""


def cross_validate(
    table: StaticTable,
    inside: Material,
    labels: NDArray[np.int64],
    real: NDArray[np.bool_],
    outside: Material,
    report: Callable[[str], None],
) -> tuple[Trial, Trial]:
    """Held-out texts as both stages see them, over all folds."""
    intents = int(labels.max()) + 1
    place = np.zeros(len(labels), np.int64)  # which one of its intent's examples a text is
    counts = np.zeros(intents, np.int64)
    for i, label in enumerate(labels):
        place[i] = counts[label]
        counts[label] += 1
    folds = LARGE_FOLDS if len(labels) >= LARGE else FOLDS
    rows: list[list[tuple[NDArray[np.float32], int, bool, bool, bool]]] = [[], []]
    for fold in range(folds):
        if len(labels) >= REPORT_FROM:
            report(f"cross-validation: fold {fold + 1} of {folds}")
        # an intent with fewer examples than folds is held out one by one, as often as it has examples
        turns = np.minimum(counts[labels], FOLDS)
        held = real & (place % turns == fold) & (counts[labels] > 1)
        gone = (labels % FOLDS == fold) if intents >= NEAR_INTENTS else np.zeros(len(labels), bool)
        outside_held = np.arange(len(outside.ids)) % folds == fold
        _run_fold(table, inside, labels, real, outside, held, gone, outside_held, rows)
    return trial_of(rows[0]), trial_of(rows[1])


def _run_fold(
    table: StaticTable,
    inside: Material,
    labels: NDArray[np.int64],
    real: NDArray[np.bool_],
    outside: Material,
    held: NDArray[np.bool_],
    gone: NDArray[np.bool_],
    outside_held: NDArray[np.bool_],
    rows: list[list[tuple[NDArray[np.float32], int, bool, bool, bool]]],
) -> None:
    learn = ~held & ~gone
    left, compact = np.unique(labels[learn], return_inverse=True)
    renumbered = np.zeros(len(labels), np.int64)
    renumbered[learn] = compact
    heads = [
        Head.fit(lesson_of(stage, inside, renumbered, real, learn, outside, ~outside_held), FOLD_STEPS)
        for stage in ("static", "transformer")
    ]
    known = known_tokens(table, [inside.ids[i] for i in np.flatnonzero(learn)])
    tests = [(inside, i) for i in np.flatnonzero(held & ~gone)]
    tests += [(inside, i) for i in np.flatnonzero(gone & real)]
    tests += [(outside, i) for i in np.flatnonzero(outside_held)]
    for source, i in tests:
        in_scope = source is inside and not gone[i]
        first = heads[0].read(source.static[i])
        second = heads[1].read(source.transformer[i])
        readings = (
            (static_signals(first.signals, coverage(table, known, source.ids[i])), first.best),
            (second.signals, second.best),
        )
        for stage_rows, (signals, best) in zip(rows, readings, strict=True):
            right = in_scope and bool(left[best] == labels[i])
            stage_rows.append((signals, int(left[best]), right, in_scope, source is outside))


def trial_of(rows: list[tuple[NDArray[np.float32], int, bool, bool, bool]]) -> Trial:
    """Rows of (signals, best intent, right, in scope, far) as columns."""
    signals, *columns = zip(*rows, strict=True)
    return Trial(np.stack(signals), *map(np.array, columns))


def lesson_of(
    stage: str,
    inside: Material,
    labels: NDArray[np.int64],
    real: NDArray[np.bool_],
    chosen: NDArray[np.bool_],
    outside: Material,
    chosen_outside: NDArray[np.bool_],
) -> Lesson:
    """What a stage's head learns of the chosen texts."""
    return Lesson(
        vectors=getattr(inside, stage)[chosen],
        labels=labels[chosen],
        real=real[chosen],
        background=getattr(outside, stage)[chosen_outside],
        parts=inside.parts[stage],
    )
