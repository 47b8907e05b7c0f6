"""Learning both stages from the examples, at start: heads, calibration, thresholds. Deterministic."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from extproc.intent.calibration import Calibrator, Trial
from extproc.intent.head import Head
from extproc.intent.material import Budget, Material, Shifts, background_of, far_from, readings_of, signals_so_far
from extproc.intent.thresholds import ladder, refusals, thresholds
from extproc.intent.validation import cross_validate, lesson_of, trial_of
from extproc.intent.words import Words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from extproc.embedding.encoders import Encoders
    from extproc.intent.examples import Examples
    from extproc.intent.table import StaticTable
    from extproc.intent.validation import Row

REVISION = 19
"""Raise it when a change here makes kept heads wrong."""
UNSEEN = 0.6
"""An unseen text's signals, of those of an example that the head was fitted to."""


@dataclass(frozen=True, slots=True)
class StageModel:
    """What one stage has learned."""

    head: Head
    calibrator: Calibrator
    thresholds: NDArray[np.float64]


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Trained:
    """What all stages have learned."""

    stages: dict[str, StageModel]
    """In the order in which they are asked."""
    words: Words
    late: NDArray[np.float64]
    """Thresholds of the static stage for when there is no time for the transformer."""
    refusals: dict[str, float]
    """Stage -> under this score it says that a text belongs to no intent, and no later one is asked."""
    shifts: Shifts | None = None
    """What being in another language does to a vector, where there is an encoder that knows some."""


class Rehearsal(NamedTuple):
    """What the last stage makes of texts that it has not learned from."""

    trial: Trial
    scores: NDArray[np.float64]


def train(
    encoders: Encoders,
    table: StaticTable,
    examples: Examples,
    budget: Budget,
    target: float,
    report: Callable[[str], None],
) -> tuple[Trained, Rehearsal]:
    """Learn everything. 20 examples take a quarter of a second, 1,500 about 8, 15,000 about a minute."""

    def material(texts: Sequence[str]) -> Material:
        return Material.of(encoders, table, texts, budget, report)

    titled = [i for i, title in enumerate(examples.titles) if title]
    inside = material([*examples.texts, *(examples.titles[i] for i in titled)])
    labels = np.concatenate([examples.labels, np.array(titled, np.int64)])
    real = np.arange(len(labels)) < len(examples.texts)
    background = (*examples.background, *(examples.languages if encoders.wide else ()))
    outside = background_of(encoders, table, background, budget)
    outside = (
        replace(material(examples.outside), given=len(examples.outside)).and_(outside) if examples.outside else outside
    )
    last = next(reversed(inside.parts))
    shifts = None
    if last == "wide":
        given = len(examples.outside)
        shifts = Shifts.of(
            outside.only(np.arange(given, len(outside.ids))),
            inside.vectors["wide"].shape[1] - inside.vectors["transformer"].shape[1],
        )
        shifts.take_off(inside)
        outside = replace(outside, vectors=outside.vectors | {"wide": outside.vectors["wide"].copy()})
        shifts.take_off(outside)
    far = far_from(
        inside.vectors[last][real], examples.labels, outside.vectors[last], len(examples.outside), inside.parts[last]
    )
    outside = outside.only(far)
    validation = cross_validate(table.weights, inside, labels, real, outside, report)
    if validation.refuted.any():
        report(
            f"{validation.refuted.sum()} example(s) read like another intent's and are not learned; `tune` names them"
        )
    believed = ~validation.refuted
    words = Words.of(table.weights, [inside.ids[i] for i in np.flatnonzero(believed)], labels[believed])
    all_outside = np.ones(len(far), bool)
    intents = len(examples.intents)
    heads = {
        stage: Head.fit(lesson_of(stage, inside, labels, real, believed, outside, all_outside))
        for stage in inside.parts
    }
    trials = _with_guesses(validation.trials, heads, words, inside, examples)
    # what the stages before the last one say of other languages than theirs is not asked for where the last one knows them
    known = {stage: trial if stage == "wide" else at_home(trial) for stage, trial in trials.items()}
    calibrators = {stage: Calibrator.fit(trial, i + 1) for i, (stage, trial) in enumerate(known.items())}
    scores = {stage: calibrators[stage].probabilities(trial.signals) for stage, trial in trials.items()}
    accepting = ladder(trials, scores, intents, target)
    trained = Trained(
        {stage: StageModel(head, calibrators[stage], accepting[stage]) for stage, head in heads.items()},
        words=words,
        late=thresholds(known["static"], calibrators["static"].probabilities(known["static"].signals), intents, target),
        refusals=refusals(trials, scores),
        shifts=shifts,
    )
    return trained, Rehearsal(trials[last], scores[last])


def at_home(trial: Trial) -> Trial:
    """What the English encoder makes of other languages says nothing about what it makes of English."""
    home = ~trial.foreign
    return trial.only(home) if (trial.in_scope & home).any() else trial


def _with_guesses(
    trials: dict[str, Trial],
    heads: dict[str, Head],
    words: Words,
    inside: Material,
    examples: Examples,
) -> dict[str, Trial]:
    """What another text of an intent with one example would look like. It cannot be measured, so it is guessed: as that
    example looks to the finished head, but weaker by a part that larger intents show.
    """
    counts = np.bincount(examples.labels, minlength=len(examples.intents))
    single = [i for i, label in enumerate(examples.labels) if counts[label] == 1]
    if not single:
        return trials
    rows: dict[str, list[Row]] = {stage: [] for stage in trials}
    for i in single:
        readings = readings_of(heads, inside.vectors, i)
        signals = signals_so_far(readings, words, inside.ids[i], foreign=bool(inside.languages[i]))
        for stage, told in zip(trials, signals, strict=True):
            rows[stage].append(
                (
                    tuple(value * UNSEEN for value in told),
                    int(examples.labels[i]),
                    True,
                    True,
                    False,
                    int(examples.labels[i]),
                    bool(inside.foreign[i]),
                )
            )
    return {stage: trial.plus(trial_of(rows[stage])) for stage, trial in trials.items()}
