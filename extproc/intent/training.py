"""Learning both stages from the examples, at start: heads, calibration, thresholds. Deterministic, and kept on disk."""

from __future__ import annotations

import os
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from extproc.encoder import Encoder, mean_pool
from extproc.intent.calibration import Calibrator, Curve, Trial, thresholds
from extproc.intent.head import HEAD_ARRAYS, Head, Lesson

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from extproc.intent.examples import Examples
    from extproc.intent.table import StaticTable

REVISION = 3
"""Raise it when a change here makes kept heads wrong."""
FOLDS = 5
LARGE = 4000
"""From this many examples on, two of the folds are enough."""
LARGE_FOLDS = 2
FOLD_STEPS = 20
NEAR_INTENTS = 4
"""From this many intents on, a fold holds out whole intents too."""
STATIC_SHARE_OF_ERRORS = 0.15
"""The static stage may use up this share of the errors that `target_precision` allows: the transformer can do better."""
UNSEEN = 0.6
"""An unseen text's signals, of those of an example that the head was fitted to."""
REPORT_FROM = 2000
"""Texts from which on embedding them takes long enough to say so."""
_BATCH = 16
KEPT_FILES = 8


@dataclass(frozen=True, slots=True)
class StageModel:
    """What one stage has learned."""

    head: Head
    calibrator: Calibrator
    thresholds: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Trained:
    """What both stages have learned."""

    static: StageModel
    transformer: StageModel
    known: NDArray[np.bool_]
    """Token -> it stands in an example."""
    late: NDArray[np.float64]
    """Thresholds of the static stage for when there is no time for the transformer."""


def vectors_of(encoder: Encoder, batch: Sequence[Sequence[int]]) -> NDArray[np.float32]:
    """The transformer stage's view of texts: the last layer and, where the encoder shows it, the last but one or two."""
    if not encoder.hidden_layers:
        return encoder.embed(batch)
    (last, earlier), mask = encoder.run(batch, [encoder.outputs[0], encoder.hidden_layers[-1]])
    return np.concatenate([mean_pool(last, mask), mean_pool(earlier, mask)], axis=1)


def embed_all(encoder: Encoder, ids: Sequence[Sequence[int]], report: Callable[[str], None]) -> NDArray[np.float32]:
    """Vectors of many texts, those of like length together."""
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    out: NDArray[np.float32] | None = None
    told = perf_counter()
    for start in range(0, len(order), _BATCH):
        part = order[start : start + _BATCH]
        vectors = vectors_of(encoder, [ids[i] for i in part])
        if out is None:
            out = np.zeros((len(ids), vectors.shape[1]), np.float32)
        out[part] = vectors
        if len(ids) >= REPORT_FROM and perf_counter() - told > 2:
            told = perf_counter()
            report(f"embedding the examples: {start} of {len(ids)}")
    assert out is not None
    return out


@dataclass(frozen=True, slots=True)
class _Material:
    """Examples (and titles) with their vectors; the background likewise."""

    ids: list[list[int]]
    static: NDArray[np.float32]
    transformer: NDArray[np.float32]
    parts: dict[str, int]
    """Stage -> of how many vectors side by side its vectors are made."""


def train(
    encoder: Encoder, table: StaticTable, examples: Examples, budget: int, target: float, report: Callable[[str], None]
) -> Trained:
    """Learn everything. 20 examples take a quarter of a second, 1,500 about 8, 15,000 about a minute."""

    def material(texts: Sequence[str]) -> _Material:
        ids = [encoder.tokenize(text, budget) for text in texts]
        parts = {"static": table.scales.shape[1], "transformer": 2 if encoder.hidden_layers else 1}
        return _Material(ids, np.stack([table.embed(row) for row in ids]), embed_all(encoder, ids, report), parts)

    titled = [i for i, title in enumerate(examples.titles) if title]
    inside = material([*examples.texts, *(examples.titles[i] for i in titled)])
    labels = np.concatenate([examples.labels, np.array(titled, np.int64)])
    real = np.arange(len(labels)) < len(examples.texts)
    outside = material([*examples.outside, *examples.background])
    far = _far(inside.transformer[real], examples.labels, outside.transformer, len(examples.outside))
    outside = _Material([outside.ids[i] for i in far], outside.static[far], outside.transformer[far], outside.parts)
    trials = _cross_validate(table, inside, labels, real, outside, report)
    known = _known(table, inside.ids)
    everything = np.ones(len(labels), bool)
    all_outside = np.ones(len(far), bool)
    stages = []
    intents = len(examples.intents)
    for name, trial in zip(("static", "transformer"), trials, strict=True):
        head = Head.fit(_lesson(name, inside, labels, real, everything, outside, all_outside))
        guessed = _guess(name, head, table, known, inside, examples)
        seen = trial if guessed is None else trial.plus(guessed)
        calibrator = Calibrator.fit(seen)
        stages.append((head, calibrator, seen, calibrator.probabilities(seen.signals)))
    strict = 1 - (1 - target) * STATIC_SHARE_OF_ERRORS
    (head_s, cal_s, trial_s, scores_s), (head_t, cal_t, trial_t, scores_t) = stages
    return Trained(
        static=StageModel(head_s, cal_s, thresholds(trial_s, scores_s, intents, strict)),
        transformer=StageModel(head_t, cal_t, thresholds(trial_t, scores_t, intents, target)),
        known=known,
        late=thresholds(trial_s, scores_s, intents, target),
    )


def _guess(
    stage: str, head: Head, table: StaticTable, known: NDArray[np.bool_], inside: _Material, examples: Examples
) -> Trial | None:
    """What another text of an intent with one example would look like. It cannot be measured, so it is guessed: as that
    example looks to the finished head, but weaker by a part that larger intents show.
    """
    counts = np.bincount(examples.labels, minlength=len(examples.intents))
    single = [i for i, label in enumerate(examples.labels) if counts[label] == 1]
    if not single:
        return None
    rows = []
    for i in single:
        reading = head.read(getattr(inside, stage)[i])
        signals = reading.signals
        if stage == "static":
            signals = static_signals(signals, coverage(table, known, inside.ids[i]))
        rows.append((signals * np.float32(UNSEEN), int(examples.labels[i]), True, True, False))
    return _trial(rows)


def _far(
    vectors: NDArray[np.float32], labels: NDArray[np.int64], outside: NDArray[np.float32], given: int
) -> NDArray[np.int64]:
    """Which outside texts to keep: all that the user gave, and of the background those that are not near an example.

    Near: nearer than one in ten examples is to the next one of its own intent.
    """
    sample = np.linspace(0, len(vectors) - 1, min(len(vectors), 1500)).astype(np.int64)
    centre = np.concatenate([vectors, outside]).mean(axis=0)
    x, y = vectors[sample] - centre, outside - centre
    x /= np.linalg.norm(x, axis=1, keepdims=True) + 1e-9
    y /= np.linalg.norm(y, axis=1, keepdims=True) + 1e-9
    among = x @ x.T
    among[labels[sample][:, None] != labels[sample][None, :]] = -1
    np.fill_diagonal(among, -1)
    nearest = among.max(axis=1)
    nearest = nearest[nearest > -1]
    limit = float(np.quantile(nearest, 0.1)) if len(nearest) else 0.6
    near = (y @ x.T).max(axis=1) > max(limit, 0.3)
    near[:given] = False
    kept = np.flatnonzero(~near)
    return kept if len(kept) >= FOLDS else np.arange(len(outside))


def _known(table: StaticTable, ids: Sequence[Sequence[int]]) -> NDArray[np.bool_]:
    known = np.zeros(len(table.rows), bool)
    for row in ids:
        known[row] = True
    return known


def coverage(table: StaticTable, known: NDArray[np.bool_], ids: Sequence[int]) -> float:
    """Share of a text, by weight, whose tokens stand in an example."""
    if not ids:
        return 0.0
    index = np.asarray(ids)
    weights = table.weights[index]
    return float(weights @ known[index]) / (float(weights.sum()) + 1e-9)


def _lesson(
    stage: str,
    inside: _Material,
    labels: NDArray[np.int64],
    real: NDArray[np.bool_],
    chosen: NDArray[np.bool_],
    outside: _Material,
    chosen_outside: NDArray[np.bool_],
) -> Lesson:
    return Lesson(
        vectors=getattr(inside, stage)[chosen],
        labels=labels[chosen],
        real=real[chosen],
        background=getattr(outside, stage)[chosen_outside],
        parts=inside.parts[stage],
    )


def _cross_validate(
    table: StaticTable,
    inside: _Material,
    labels: NDArray[np.int64],
    real: NDArray[np.bool_],
    outside: _Material,
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
    return _trial(rows[0]), _trial(rows[1])


def _run_fold(
    table: StaticTable,
    inside: _Material,
    labels: NDArray[np.int64],
    real: NDArray[np.bool_],
    outside: _Material,
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
        Head.fit(_lesson(stage, inside, renumbered, real, learn, outside, ~outside_held), FOLD_STEPS)
        for stage in ("static", "transformer")
    ]
    known = _known(table, [inside.ids[i] for i in np.flatnonzero(learn)])
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


def _trial(rows: list[tuple[NDArray[np.float32], int, bool, bool, bool]]) -> Trial:
    signals, *columns = zip(*rows, strict=True)
    return Trial(np.stack(signals), *map(np.array, columns))


def static_signals(signals: NDArray[np.float32], covered: float) -> NDArray[np.float32]:
    """The head's signals and the share of the text that the examples have words for."""
    return np.array((*signals.tolist(), covered), np.float32)


def save(trained: Trained, path: Path) -> None:
    """Keep what was learned; the oldest of more than a few files are removed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, NDArray[np.generic]] = {"known": trained.known, "late": trained.late}
    for name, stage in (("static", trained.static), ("transformer", trained.transformer)):
        arrays |= {f"{name}.{key}": value for key, value in stage.head.arrays().items()}
        arrays[f"{name}.scope"], arrays[f"{name}.choice"] = stage.calibrator.scope.state, stage.calibrator.choice.state
        arrays[f"{name}.thresholds"] = stage.thresholds
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    with temporary.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
    temporary.replace(path)
    kept = sorted(path.parent.glob("heads-*.npz"), key=lambda file: file.stat().st_mtime, reverse=True)
    for old in kept[KEPT_FILES:]:
        old.unlink(missing_ok=True)


def read(path: Path) -> Trained:
    """Raises OSError, ValueError or KeyError when the file is not one of ours."""
    with np.load(path, allow_pickle=False) as arrays:
        stages = {}
        for name in ("static", "transformer"):
            head = Head.from_arrays({key: arrays[f"{name}.{key}"] for key in HEAD_ARRAYS})
            curves = (Curve.of_state(arrays[f"{name}.{key}"]) for key in ("scope", "choice"))
            stages[name] = StageModel(head, Calibrator(*curves), arrays[f"{name}.thresholds"])
        return Trained(stages["static"], stages["transformer"], arrays["known"], arrays["late"])
