"""The two learned stages: the static table, and the transformer for what it is not sure of."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from extproc.intent import kept, training
from extproc.intent.heap import give_back
from extproc.intent.material import Material, finish, signals_of, start, whole
from extproc.intent.neighbours import Sight, neighbours
from extproc.intent.score import IntentScore, Neighbour, Stage, StageReport
from extproc.intent.table import StaticTable, table_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from extproc.embedding.encoder import Encoder
    from extproc.intent.examples import Examples
    from extproc.intent.head import Reading
    from extproc.intent.material import Budget
    from extproc.intent.training import StageModel, Trained


def cache_folder() -> Path:
    """Where tables and heads are kept between starts: INTENTMESH_CACHE, else the user's cache directory."""
    given = os.environ.get("INTENTMESH_CACHE")
    if given:
        return Path(given)
    try:
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:  # a container's user without a home
        home = Path(tempfile.gettempdir())
    return home / "intentmesh"


class StaticView(NamedTuple):
    """What the static stage knows about a text; the transformer stage builds on it."""

    ids: list[int]
    reading: Reading
    score: IntentScore
    decided: bool
    """The transformer need not be asked: the stage is sure of an intent, or that there is none."""


@dataclass(frozen=True, slots=True)
class _Told:
    """What a stage says, for people."""

    sight: Sight
    score: IntentScore
    microseconds: float


class Cascade:
    """Both stages, learned or read from the cache. Nothing here is asynchronous; only `transform` takes milliseconds."""

    def __init__(
        self, encoder: Encoder, table: StaticTable, examples: Examples, trained: Trained, budget: Budget
    ) -> None:
        self.encoder = encoder
        self.table = table
        self.examples = examples
        self.trained = trained
        self.budget = budget

    @classmethod
    def build(
        cls,
        encoder: Encoder,
        examples: Examples,
        budget: Budget,
        target: float,
        report: Callable[[str], None],
        folder: Path | None,
    ) -> Cascade:
        """Learn from the examples, or read what was learned from the very same ones before. `folder` None: keep nothing."""
        # One process is one core. BLAS would start a thread per core of the *host* for products that take microseconds,
        # and its results would depend on how many there are.
        threadpool_limits(limits=1, user_api="blas")
        room = folder or cache_folder()
        table = table_of(encoder, room, report)
        key = f"{training.REVISION} {encoder.name} {budget} {target} {examples.digest}"
        path = room / f"heads-{sha256(key.encode()).hexdigest()[:24]}.npz"
        if folder is not None:
            try:
                return cls(encoder, table, examples, kept.read(path), budget)
            except (OSError, ValueError, KeyError):
                pass
        trained = training.train(encoder, table, examples, budget, target, report)
        give_back()
        if folder is not None:
            try:
                kept.save(trained, path)
            except OSError as error:
                report(
                    f"the heads cannot be kept in {room} ({error.strerror}); they are learned again at the next start"
                )
        return cls(encoder, table, examples, trained, budget)

    def tokenize(self, text: str) -> list[int]:
        """The ids that both stages read."""
        return self.encoder.tokenize(text, self.budget.static)

    def static(self, ids: list[int]) -> StaticView:
        """The static stage: tens of microseconds. Its score has an intent only where it is sure of one."""
        stage = self.trained.stages["static"]
        reading = stage.head.read(self.table.embed(ids))
        if self._says_nothing(ids):
            return StaticView(ids, reading, IntentScore(None, 0.0, "abstain", "empty"), decided=True)
        score = self._score(stage, (reading,), ids, "static")
        if score.intent is None and score.score < self.trained.refusals["static"]:
            return StaticView(ids, reading, replace(score, reason="foreign"), decided=True)
        return StaticView(ids, reading, score, decided=score.intent is not None)

    def _says_nothing(self, ids: list[int]) -> bool:
        """No word that the model knows: any two such texts, as two emojis, are the same to it."""
        unknown = self.encoder.unknown
        return not ids or (ids[0] == unknown and ids.count(ids[0]) == len(ids))

    def shortened(self, view: StaticView) -> list[int]:
        """The ids that the transformer reads."""
        return self.encoder.shorten(view.ids, self.budget.transformer)

    def transform(self, views: Sequence[StaticView]) -> list[IntentScore]:
        """The transformer, one pass for all: milliseconds, so on the event loop for a short text only.

        Who is sure of an intent halfway through its layers does not go on.
        """
        batch = [self.shortened(view) for view in views]
        if not self.encoder.has_halves:
            vectors = self.encoder.embed(batch)
            return [self.judge(view, (), vector)[0] for view, vector in zip(views, vectors, strict=True)]
        halfway, vectors = start(self.encoder, batch)
        early = [self.judge_early(view, vector) for view, vector in zip(views, vectors, strict=True)]
        scores = [score for score, _ in early]
        unsure = [i for i, score in enumerate(scores) if score.reason == "unsure"]
        if unsure:
            for i, vector in zip(unsure, finish(self.encoder, halfway, unsure), strict=True):
                scores[i] = self.judge(views[i], (early[i][1],), vector)[0]
        return scores

    def alone(self, text: str) -> Reading:
        """What a transformer with nothing before it would do, and be timed at."""
        ids = self.encoder.shorten(self.tokenize(text), self.budget.transformer)
        return self.trained.stages["transformer"].head.read(whole(self.encoder, [ids])[0])

    def whole(self, view: StaticView) -> IntentScore:
        """What the last layer says, asked or not."""
        return self._stages(view)[-1].score

    def reports(self, view: StaticView, static_us: float) -> tuple[StageReport, ...]:
        """What each stage says, asked or not, for people."""
        vector = self.table.embed(view.ids)
        told = [_Told(self._sight("static", vector, view.reading), view.score, static_us), *self._stages(view)]
        near = neighbours(
            [one.sight for one in told],
            self.examples,
            lambda texts: Material.of(self.encoder, self.table, texts, self.budget),
        )
        return tuple(self._report(one, near[one.sight.stage]) for one in told)

    def _stages(self, view: StaticView) -> list[_Told]:
        """The stages of the transformer."""
        began = perf_counter()
        batch = [self.shortened(view)]
        if not self.encoder.has_halves:
            vector = self.encoder.embed(batch)[0]
            score, reading = self.judge(view, (), vector)
            return [_Told(self._sight("transformer", vector, reading), score, (perf_counter() - began) * 1e6)]
        halfway, vectors = start(self.encoder, batch)
        score, early = self.judge_early(view, vectors[0])
        middle = perf_counter()
        vector = finish(self.encoder, halfway, [0])[0]
        last, reading = self.judge(view, (early,), vector)
        return [
            _Told(self._sight("early", vectors[0], early), score, (middle - began) * 1e6),
            _Told(self._sight("transformer", vector, reading), last, (perf_counter() - middle) * 1e6),
        ]

    def _sight(self, stage: Stage, vector: NDArray[np.float32], reading: Reading) -> Sight:
        return Sight(stage, self.trained.stages[stage].head, vector, reading)

    def judge_early(self, view: StaticView, vector: NDArray[np.float32]) -> tuple[IntentScore, Reading]:
        """The decision halfway through the transformer; it counts where it is sure."""
        stage = self.trained.stages["early"]
        reading = stage.head.read(vector)
        score = self._score(stage, (view.reading, reading), view.ids, "transformer")
        if score.intent is not None:
            return replace(score, reason="early"), reading
        if score.score < self.trained.refusals["early"]:
            return replace(score, reason="foreign"), reading
        return score, reading

    def judge(
        self, view: StaticView, early: tuple[Reading, ...], vector: NDArray[np.float32]
    ) -> tuple[IntentScore, Reading]:
        """The decision after the last layer, on what all stages say."""
        stage = self.trained.stages["transformer"]
        reading = stage.head.read(vector, *early)
        return self._score(stage, (view.reading, *early, reading), view.ids, "transformer"), reading

    def late(self, view: StaticView, reason: str) -> IntentScore:
        """The best answer without the transformer: the static stage's, at the threshold that the user asked for."""
        score, best = view.score, view.reading.best
        threshold = float(self.trained.late[best])
        accepted = score.score >= threshold
        return IntentScore(
            intent=score.best if accepted else None,
            score=score.score,
            stage="static" if accepted else "abstain",
            reason=reason,
            best=score.best,
            runner_up=score.runner_up,
            threshold=threshold,
        )

    def _score(self, stage: StageModel, readings: Sequence[Reading], ids: Sequence[int], name: Stage) -> IntentScore:
        reading = readings[-1]
        signals = signals_of(readings, self.trained.words.shares(ids, reading.best))
        probability = stage.calibrator.probability(signals)
        threshold = float(stage.thresholds[reading.best])
        accepted = probability >= threshold
        best = self.examples.intents[reading.best]
        return IntentScore(
            intent=best if accepted else None,
            score=probability,
            stage=name if accepted else "abstain",
            reason="confident" if accepted else "unsure",
            best=best,
            runner_up=self.examples.intents[reading.runner_up] if reading.runner_up != reading.best else None,
            threshold=threshold,
        )

    def _report(self, told: _Told, nearest: tuple[Neighbour, ...]) -> StageReport:
        logits, score = told.sight.reading.logits, told.score
        shares = np.exp(logits - logits.max())
        shares /= shares.sum()
        order = np.argsort(-shares[:-1], kind="stable")
        return StageReport(
            stage=told.sight.stage,
            best=score.best or "",
            score=score.score,
            threshold=score.threshold,
            scores={self.examples.intents[i]: float(shares[i]) for i in order},
            nearest=nearest,
            microseconds=told.microseconds,
        )
