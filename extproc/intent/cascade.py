"""The two learned stages: the static table, and the transformer for what it is not sure of."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from extproc.intent import kept, training
from extproc.intent.material import static_signals, vectors_of
from extproc.intent.score import IntentScore, Neighbour, Stage, StageReport
from extproc.intent.table import StaticTable, table_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from extproc.encoder import Encoder
    from extproc.intent.examples import Examples
    from extproc.intent.head import Head, Reading
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


@dataclass(frozen=True, slots=True)
class StaticView:
    """What the static stage knows about a text; the transformer stage builds on it."""

    ids: list[int]
    reading: Reading
    score: IntentScore
    decided: bool
    """The transformer need not be asked: the stage is sure of an intent, or that there is none."""


class Cascade:
    """Both stages, learned or read from the cache. Nothing here is asynchronous; only `transform` takes milliseconds."""

    def __init__(self, encoder: Encoder, table: StaticTable, examples: Examples, trained: Trained, budget: int) -> None:
        self.encoder = encoder
        self.table = table
        self.examples = examples
        self.trained = trained
        self.budget = budget
        self._known = trained.known.astype(np.float32)

    @classmethod
    def build(
        cls,
        encoder: Encoder,
        examples: Examples,
        budget: int,
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
        return self.encoder.tokenize(text, self.budget)

    def static(self, ids: list[int]) -> StaticView:
        """The static stage: tens of microseconds. Its score has an intent only where it is sure of one."""
        stage = self.trained.static
        index = np.array(ids, np.int64)
        reading = stage.head.read(self.table.embed(index))
        weights = self.table.weights[index]
        covered = float(weights @ self._known[index]) / (float(weights.sum()) + 1e-9)
        if self._says_nothing(ids):
            return StaticView(ids, reading, IntentScore(None, 0.0, "abstain", "empty"), decided=True)
        score = self._score(stage, reading, static_signals(reading.signals, covered), "static")
        if score.intent is None and score.score < self.trained.refusal:
            return StaticView(ids, reading, replace(score, reason="foreign"), decided=True)
        return StaticView(ids, reading, score, decided=score.intent is not None)

    def _says_nothing(self, ids: list[int]) -> bool:
        """No word that the model knows: any two such texts, as two emojis, are the same to it."""
        unknown = self.encoder.unknown
        return not ids or (ids[0] == unknown and ids.count(ids[0]) == len(ids))

    def transform(self, views: Sequence[StaticView]) -> list[IntentScore]:
        """The transformer stage, one pass for all: milliseconds, so never on the event loop."""
        vectors = vectors_of(self.encoder, [view.ids for view in views])
        return [self.judge(vector)[0] for vector in vectors]

    def judge(self, vector: NDArray[np.float32]) -> tuple[IntentScore, Reading]:
        """The transformer stage's decision on a text whose vector is there already."""
        stage = self.trained.transformer
        reading = stage.head.read(vector)
        return self._score(stage, reading, reading.signals, "transformer"), reading

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

    def _score(self, stage: StageModel, reading: Reading, signals: NDArray[np.float32], name: Stage) -> IntentScore:
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

    def report(
        self,
        stage: Stage,
        head: Head,
        reading: Reading,
        score: IntentScore,
        microseconds: float,
        x: NDArray[np.float32],
    ) -> StageReport:
        """One stage's view for people."""
        shares = np.exp(reading.logits - reading.logits.max())
        shares /= shares.sum()
        order = np.argsort(-shares[:-1], kind="stable")
        return StageReport(
            stage=stage,
            best=score.best or "",
            score=score.score,
            threshold=score.threshold,
            scores={self.examples.intents[i]: float(shares[i]) for i in order},
            nearest=self.nearest(head, x),
            microseconds=microseconds,
        )

    def nearest(self, head: Head, vector: NDArray[np.float32], count: int = 3) -> tuple[Neighbour, ...]:
        """The examples that a text is closest to, of all intents."""
        cosines = head.cosines(vector)
        found = []
        for row in np.argsort(-cosines, kind="stable")[:count]:
            intent = int(np.searchsorted(head.offsets, row, side="right") - 1)
            members = np.flatnonzero(self.examples.labels == intent)
            place = head.members(len(members))[row - head.offsets[intent]]
            found.append(
                Neighbour(self.examples.intents[intent], self.examples.texts[members[place]], float(cosines[row]))
            )
        return tuple(found)
