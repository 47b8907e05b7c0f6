"""Learning both stages from the examples, at start: heads, calibration, thresholds. Deterministic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from extproc.intent.calibration import Calibrator, Trial
from extproc.intent.head import Head
from extproc.intent.material import Material, coverage, embed_all, far_from, known_tokens, static_signals
from extproc.intent.thresholds import early_thresholds, refusal, thresholds
from extproc.intent.validation import cross_validate, lesson_of, trial_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from extproc.encoder import Encoder
    from extproc.intent.examples import Examples
    from extproc.intent.table import StaticTable

REVISION = 5
"""Raise it when a change here makes kept heads wrong."""
UNSEEN = 0.6
"""An unseen text's signals, of those of an example that the head was fitted to."""


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
    refusal: float
    """Under this score the static stage says that a text belongs to no intent, and the transformer is not asked."""


def train(
    encoder: Encoder, table: StaticTable, examples: Examples, budget: int, target: float, report: Callable[[str], None]
) -> Trained:
    """Learn everything. 20 examples take a quarter of a second, 1,500 about 8, 15,000 about a minute."""

    def material(texts: Sequence[str]) -> Material:
        ids = [encoder.tokenize(text, budget) for text in texts]
        parts = {"static": table.scales.shape[1], "transformer": 2 if encoder.hidden_layers else 1}
        return Material(ids, np.stack([table.embed(row) for row in ids]), embed_all(encoder, ids, report), parts)

    titled = [i for i, title in enumerate(examples.titles) if title]
    inside = material([*examples.texts, *(examples.titles[i] for i in titled)])
    labels = np.concatenate([examples.labels, np.array(titled, np.int64)])
    real = np.arange(len(labels)) < len(examples.texts)
    outside = material([*examples.outside, *examples.background])
    far = far_from(inside.transformer[real], examples.labels, outside.transformer, len(examples.outside))
    outside = Material([outside.ids[i] for i in far], outside.static[far], outside.transformer[far], outside.parts)
    validation = cross_validate(table, inside, labels, real, outside, report)
    if validation.refuted.any():
        report(
            f"{validation.refuted.sum()} example(s) read like another intent's and are not learned; `tune` names them"
        )
    known = known_tokens(table, inside.ids)
    believed = ~validation.refuted
    all_outside = np.ones(len(far), bool)
    stages = []
    intents = len(examples.intents)
    for name, trial in (("static", validation.static), ("transformer", validation.transformer)):
        head = Head.fit(lesson_of(name, inside, labels, real, believed, outside, all_outside))
        guessed = _guess(name, head, table, known, inside, examples)
        seen = trial if guessed is None else trial.plus(guessed)
        calibrator = Calibrator.fit(seen)
        stages.append((head, calibrator, seen, calibrator.probabilities(seen.signals)))
    (head_s, cal_s, trial_s, scores_s), (head_t, cal_t, trial_t, scores_t) = stages
    accepting = thresholds(trial_t, scores_t, intents, target)
    accepted = scores_t >= accepting[trial_t.best]
    return Trained(
        static=StageModel(head_s, cal_s, early_thresholds(trial_s, scores_s, trial_t, accepted, intents, target)),
        transformer=StageModel(head_t, cal_t, accepting),
        known=known,
        late=thresholds(trial_s, scores_s, intents, target),
        refusal=refusal(scores_s, trial_t),
    )


def _guess(
    stage: str, head: Head, table: StaticTable, known: NDArray[np.bool_], inside: Material, examples: Examples
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
    return trial_of(rows)
