"""From what heads say to decisions: each stage has its calibration and its thresholds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from extproc.intent.material import signals_of
from extproc.intent.score import IntentScore

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from extproc.intent.head import Reading
    from extproc.intent.score import Stage
    from extproc.intent.training import StageModel, Trained
    from extproc.intent.view import StaticView


@dataclass(frozen=True, slots=True)
class Judging:
    """What all stages have learned, applied to one text at a time."""

    trained: Trained
    intents: tuple[str, ...]
    halves: bool
    """The transformer is asked halfway through its layers too."""

    def static(
        self, reading: Reading, ids: Sequence[int], language: str = "", *, doubtful: bool = False
    ) -> tuple[IntentScore, bool]:
        """Of the table, and whether nobody else need be asked."""
        score = self._score(self.trained.stages["static"], (reading,), ids, "static", foreign=bool(language))
        if score.intent is None and not doubtful and score.score < self.trained.refusals["static"]:
            return replace(score, reason="foreign"), True
        return score, score.intent is not None

    def early(self, view: StaticView, vector: NDArray[np.float32]) -> tuple[IntentScore, Reading]:
        """The decision halfway through the transformer; it counts where it is sure."""
        stage = self.trained.stages["early"]
        reading = stage.head.read(vector)
        score = self._score(stage, (view.reading, reading), view.ids, "transformer", foreign=view.foreign)
        if score.intent is not None:
            return replace(score, reason="early"), reading
        if not view.doubtful and score.score < self.trained.refusals["early"]:
            return replace(score, reason="foreign"), reading
        return score, reading

    def transformer(
        self, view: StaticView, early: tuple[Reading, ...], vector: NDArray[np.float32]
    ) -> tuple[IntentScore, Reading]:
        """The decision after the last layer, on what all stages say."""
        stage = self.trained.stages["transformer"]
        reading = stage.head.read(vector, *early)
        score = self._score(stage, (view.reading, *early, reading), view.ids, "transformer", foreign=view.foreign)
        if score.intent is None and not view.doubtful and score.score < self.trained.refusals.get("transformer", 0.0):
            return replace(score, reason="foreign"), reading
        return score, reading

    def wide(
        self, view: StaticView, before: tuple[Reading, ...], vector: NDArray[np.float32]
    ) -> tuple[IntentScore, Reading]:
        """The decision of the multilingual encoder, on what all stages say."""
        stage = self.trained.stages["wide"]
        early = before[:1] if self.halves else ()
        reading = stage.head.read(vector, *early)
        return self._score(stage, (view.reading, *before, reading), view.ids, "wide", foreign=view.foreign), reading

    def late(self, view: StaticView, reason: str) -> IntentScore:
        """The best answer without the transformer: the static stage's, at the threshold that the user asked for."""
        score, best = view.score, view.reading.best
        if score.best is None or view.wide:
            return replace(score, reason=reason)
        threshold = float(self.trained.late[int(view.foreign), best])
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

    def _score(
        self, stage: StageModel, readings: Sequence[Reading], ids: Sequence[int], name: Stage, *, foreign: bool
    ) -> IntentScore:
        reading = readings[-1]
        shares = self.trained.words.shares(ids, reading.best)
        signals = signals_of(readings, shares, alone=foreign and name == "wide")
        probability = stage.calibrator.probability(signals)
        threshold = float(stage.thresholds[int(foreign), reading.best])
        accepted = probability >= threshold
        best = self.intents[reading.best]
        return IntentScore(
            intent=best if accepted else None,
            score=probability,
            stage=name if accepted else "abstain",
            reason="confident" if accepted else "unsure",
            best=best,
            runner_up=self.intents[reading.runner_up] if reading.runner_up != reading.best else None,
            threshold=threshold,
        )
