"""What each stage says of a text, asked or not: for people, not for the hot path."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from extproc.intent.material import Material, finish, joined, start
from extproc.intent.neighbours import Sight, neighbours
from extproc.intent.score import StageReport

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from extproc.intent.cascade import Cascade
    from extproc.intent.head import Reading
    from extproc.intent.score import IntentScore, Neighbour, Stage
    from extproc.intent.view import StaticView


@dataclass(frozen=True, slots=True)
class _Told:
    """What a stage says, for people."""

    sight: Sight
    score: IntentScore
    microseconds: float


def reports(cascade: Cascade, view: StaticView, static_us: float) -> tuple[StageReport, ...]:
    """What each stage says, asked or not, for people."""
    vector = cascade.table.embed(view.ids)
    told = [_Told(_sight(cascade, "static", vector, view.reading), view.score, static_us), *_stages(cascade, view)]
    near = neighbours(
        [one.sight for one in told],
        cascade.examples,
        lambda texts: Material.of(cascade.encoders, cascade.table, texts, cascade.budget),
    )
    return tuple(_report(cascade, one, near[one.sight.stage]) for one in told)


def last_score(cascade: Cascade, view: StaticView) -> IntentScore:
    """What the last stage says, asked or not."""
    return _stages(cascade, view)[-1].score


def _stages(cascade: Cascade, view: StaticView) -> list[_Told]:
    """The stages of the transformer."""
    began = perf_counter()
    batch = [cascade.shortened(view)]
    told: list[_Told] = []

    def tell(stage: Stage, vector: NDArray[np.float32], judged: tuple[IntentScore, Reading]) -> None:
        nonlocal began
        now = perf_counter()
        told.append(_Told(_sight(cascade, stage, vector, judged[1]), judged[0], (now - began) * 1e6))
        began = now

    if cascade.encoder.has_halves:
        halfway, vectors = start(cascade.encoder, batch)
        tell("early", vectors[0], cascade.judging.early(view, vectors[0]))
        vector = finish(cascade.encoder, halfway, [0])[0]
    else:
        vector = cascade.encoder.embed(batch)[0]
    before = tuple(one.sight.reading for one in told)
    tell("transformer", vector, cascade.judging.transformer(view, before, vector))
    if cascade.wide_encoder is not None:
        vector = joined(cascade.see_wide([view]), vector[None], [view.language])[0]
        tell("wide", vector, cascade.judging.wide(view, tuple(one.sight.reading for one in told), vector))
    return told


def _sight(cascade: Cascade, stage: Stage, vector: NDArray[np.float32], reading: Reading) -> Sight:
    return Sight(stage, cascade.trained.stages[stage].head, vector, reading)


def _report(cascade: Cascade, told: _Told, nearest: tuple[Neighbour, ...]) -> StageReport:
    logits, score = told.sight.reading.logits, told.score
    shares = np.exp(logits - logits.max())
    shares /= shares.sum()
    order = np.argsort(-shares[:-1], kind="stable")
    return StageReport(
        stage=told.sight.stage,
        best=score.best or "",
        score=score.score,
        threshold=score.threshold,
        scores={cascade.examples.intents[i]: float(shares[i]) for i in order},
        nearest=nearest,
        microseconds=told.microseconds,
    )
