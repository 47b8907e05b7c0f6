"""The learned stages: the static table, the transformer for what it is not sure of, and where it is there the multilingual
encoder, for what neither is sure of and for what is not in English.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from extproc.embedding.encoders import Encoders
from extproc.embedding.places import cache_folder
from extproc.intent import kept, training
from extproc.intent.heap import give_back
from extproc.intent.in_loop import SMALL
from extproc.intent.material import Material, finish, foreign_language, joined, signals_of, start, whole, wide_views
from extproc.intent.neighbours import Sight, neighbours
from extproc.intent.score import IntentScore, Neighbour, Stage, StageReport
from extproc.intent.table import StaticTable, table_of
from extproc.intent.wording import (
    NEGATOR,
    coordinated,
    is_long,
    leans_back,
    negated_words,
    neutral,
    parts,
    wanted,
    words_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from extproc.embedding.encoder import Encoder
    from extproc.intent.examples import Examples
    from extproc.intent.head import Reading
    from extproc.intent.material import Budget
    from extproc.intent.training import StageModel, Trained


SHORT_WORD = 3
"""Letters of the longest word that no decision rests on."""
PART_DOUBT = 0.7
"""Of the doubt that a threshold leaves, what may remain of a part of a text: many parts have many chances."""
MOST_READ = 8
"""Parts of a text that the transformer reads at most."""
MOST_COORDINATED = 400
"""Characters up to which a text may ask for several things at once; a longer one is looked at in sentences."""
LEANING = 0.9
"""What is left of the score of what a turn leans back on."""
NEGATED = 0.3
"""What is left of the score of a text that negates what it rests on."""


class StaticView(NamedTuple):
    """What the static stage knows about a text; the transformer stage builds on it."""

    ids: list[int]
    reading: Reading
    score: IntentScore
    decided: bool
    """The transformer need not be asked: the stage is sure of an intent, or that there is none."""
    text: str = ""
    """For an encoder with tokens of its own."""
    language: str = ""
    """The language other than English that it is surely in."""
    wide: bool = False
    """Only the multilingual encoder has a say."""
    negated: frozenset[str] = frozenset()
    """Words that it negates."""
    several: tuple[str, ...] = ()
    """The things that it asks for, if they seem to be several."""
    parts: tuple[str, ...] = ()
    """Its sentences, if it is a long one."""
    before: tuple[str, ...] = ()
    """What was said before it, if it makes sense with that only."""

    def size(self, budget: int) -> int:
        """What it costs beside others, in tokens; what takes several passes is not small."""
        size = min(len(self.ids), budget)
        return max(size, SMALL + 1) if self.parts or self.several or self.before or self.wide else size

    @property
    def foreign(self) -> bool:
        """In another language than English."""
        return bool(self.language)


@dataclass(frozen=True, slots=True)
class _Told:
    """What a stage says, for people."""

    sight: Sight
    score: IntentScore
    microseconds: float


class Cascade:
    """Both stages, learned or read from the cache. Nothing here is asynchronous; only `transform` takes milliseconds."""

    def __init__(
        self, encoders: Encoder | Encoders, table: StaticTable, examples: Examples, trained: Trained, budget: Budget
    ) -> None:
        self.encoders = _both(encoders)
        self.encoder, self.wide_encoder = self.encoders
        self.last: Stage = "wide" if self.wide_encoder is not None else "transformer"
        self.table = table
        self.examples = examples
        self.trained = trained
        self.budget = budget
        self._declining = frozenset(
            examples.intents[label]
            for text, label in zip(examples.texts, examples.labels, strict=True)
            if wanted(text) is not None
        )
        """Intents that an example says no in: no is what they mean."""
        self._affirmed = _affirmed(examples)
        self._outside = frozenset(text.casefold() for text in examples.outside)
        """Texts of which somebody has said that they belong to no intent."""

    @classmethod
    def build(
        cls,
        encoders: Encoder | Encoders,
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
        encoders = _both(encoders)
        table = table_of(encoders.main, room, report)
        key = f"{training.REVISION} {encoders.name} {budget} {target} {examples.digest}"
        path = room / f"heads-{sha256(key.encode()).hexdigest()[:24]}.npz"
        if folder is not None:
            try:
                return cls(encoders, table, examples, kept.read(path), budget)
            except (OSError, ValueError, KeyError):
                pass
        trained = training.train(encoders, table, examples, budget, target, report)
        give_back()
        if folder is not None:
            try:
                kept.save(trained, path)
            except OSError as error:
                report(
                    f"the heads cannot be kept in {room} ({error.strerror}); they are learned again at the next start"
                )
        return cls(encoders, table, examples, trained, budget)

    def tokenize(self, text: str) -> list[int]:
        """The ids that both stages read."""
        return self.encoder.tokenize(text, self.budget.static)

    def look(self, text: str, before: Sequence[str] = ()) -> StaticView:
        """The static stage: tens of microseconds. Its score has an intent only where it is sure of one.

        What is declined in a text is not read, nor are addresses. `before` is what was said before it, the last words last.
        """
        plain = neutral(text)
        view = self._look(plain)
        if " ".join(text.casefold().split()) in self._outside:
            score = replace(view.score, intent=None, stage="abstain", reason="negated")
            return view._replace(score=score, decided=True)
        kept = wanted(plain)
        if kept is not None and view.score.best not in self._declining:
            if not any(map(str.isalpha, kept)):
                score = replace(view.score, intent=None, stage="abstain", reason="negated")
                return view._replace(score=score, decided=True)
            plain, view = kept, self._look(kept)
        view = self._guarded(view._replace(negated=frozenset(negated_words(plain))))
        if view.score.intent is not None and view.score.stage == "static":
            return view
        strange = (
            view.decided and not view.wide
        )  # at a glance: only more of it, or what was said before, can change that
        several = tuple(coordinated(plain)) if len(plain) <= MOST_COORDINATED and not strange else ()
        sentences = tuple(parts(plain)) if is_long(plain) else ()
        back = tuple(before) if before and leans_back(plain) else ()
        if not (several or len(sentences) > 1 or back):
            return view
        return view._replace(parts=sentences, several=several, before=back, decided=False)

    def _look(self, text: str) -> StaticView:
        """What is not in English is the multilingual encoder's, where it is there."""
        ids = self.tokenize(text)
        language = foreign_language(text)
        if self.wide_encoder is not None and (language or (text.strip() and self._says_nothing(ids))):
            reading = self.trained.stages["static"].head.read(self.table.embed(ids))
            score = IntentScore(None, 0.0, "abstain", "unsure", best=self.examples.intents[reading.best])
            return StaticView(ids, reading, score, decided=False, text=text, language=language, wide=True)
        return self.static(ids, language)._replace(text=text)

    def static(self, ids: list[int], language: str = "") -> StaticView:
        """The same of a text that is tokenized already."""
        stage = self.trained.stages["static"]
        reading = stage.head.read(self.table.embed(ids))
        if self._says_nothing(ids):
            return StaticView(ids, reading, IntentScore(None, 0.0, "abstain", "empty"), decided=True)
        score = self._score(stage, (reading,), ids, "static", foreign=bool(language))
        if score.intent is None and score.score < self.trained.refusals["static"]:
            return StaticView(ids, reading, replace(score, reason="foreign"), decided=True, language=language)
        return StaticView(ids, reading, score, decided=score.intent is not None, language=language)

    def _says_nothing(self, ids: list[int]) -> bool:
        """No word that the model knows: any two such texts, as two emojis, are the same to it."""
        unknown = self.encoder.unknown
        return not ids or (ids[0] == unknown and ids.count(ids[0]) == len(ids))

    def shortened(self, view: StaticView) -> list[int]:
        """The ids that the transformer reads."""
        return self.encoder.shorten(view.ids, self.budget.transformer)

    def transform(self, views: Sequence[StaticView]) -> list[IntentScore]:
        """The transformer, one pass for all: milliseconds, so on the event loop for a short text only.

        What nobody is sure of as a whole is looked at in parts, or with what was said before it.
        """
        scores = [self._guard(view, score) for view, score in zip(views, self._pass(views), strict=True)]
        return [self._closer(view, score) for view, score in zip(views, scores, strict=True)]

    def _closer(self, view: StaticView, score: IntentScore) -> IntentScore:
        """A second look, where there is something to look at."""
        if view.several:
            score = self._several(score, self._judged(view.several), view.several)
        if len(view.parts) > 1 and score.reason != "early":
            judged = [(i, found) for i, found in enumerate(self._judged(view.parts)) if found is not None]
            sure = [(i, found) for i, found in judged if found.score >= 1 - (1 - found.threshold) * PART_DOUBT]
            best = max(sure, key=lambda one: (one[1].score, -one[0]))[1] if sure else score
            if sure and (score.intent is None or best.score > score.score):
                names = [found.intent for _, found in sure if found.intent is not None]
                ordered = tuple(dict.fromkeys([best.intent or "", *names]))
                score = replace(best, reason="part", intents=ordered)
        if score.intent is None:
            for said in reversed(view.before):
                (found,) = self._judged((said,))
                if found is not None:
                    return replace(found, score=found.score * LEANING, reason="conversation")
        return score

    def _several(self, whole: IntentScore, judged: Sequence[IntentScore | None], texts: Sequence[str]) -> IntentScore:
        """All intents of a text that asks for several things, in its order; one that only the whole shows stands first."""
        found = [score for score in judged if score is not None]
        names = tuple(dict.fromkeys(score.intent for score in found if score.intent is not None))
        if len(names) < 2 and (whole.intent is not None or len(texts) > len(found)):
            return whole
        if not names:
            return whole
        first = next(score for score in found if score.intent == names[0])
        return replace(first, intents=names, reason="part" if whole.intent is None else whole.reason)

    def _judged(self, texts: Sequence[str]) -> list[IntentScore | None]:
        """What is accepted of some texts. The static stage sees all of them, the transformer those that it finds likeliest."""
        views = [self._guarded(self._look(text)._replace(negated=frozenset(negated_words(text)))) for text in texts]
        scores: list[IntentScore | None] = [view.score if view.score.intent is not None else None for view in views]
        open_ = [i for i, view in enumerate(views) if not view.decided and wanted(texts[i]) is None]
        likeliest = sorted(open_, key=lambda i: (-views[i].score.score, i))[:MOST_READ]
        if likeliest:
            chosen = sorted(likeliest)
            for i, score in zip(chosen, self._pass([views[i] for i in chosen]), strict=True):
                guarded = self._guard(views[i], score)
                scores[i] = guarded if guarded.intent is not None else None
        return scores

    def _guarded(self, view: StaticView) -> StaticView:
        score = self._guard(view, view.score)
        return view if score is view.score else view._replace(score=score, decided=True)

    def _guard(self, view: StaticView, score: IntentScore) -> IntentScore:
        """No intent by a word that the text negates, if examples of the intent have it without."""
        if score.intent is None or not view.negated or not view.negated & self._affirmed.get(score.intent, frozenset()):
            return score
        return replace(score, intent=None, score=score.score * NEGATED, stage="abstain", reason="negated", intents=())

    def _pass(self, views: Sequence[StaticView]) -> list[IntentScore]:
        """Of whole texts. Who is sure of an intent halfway through the layers does not go on."""
        batch = [self.shortened(view) for view in views]
        if not self.encoder.has_halves:
            scores = [view.score for view in views]
            early: list[tuple[Reading, ...]] = [() for _ in views]
            unsure = list(range(len(views)))
            vectors = self.encoder.embed(batch)
        else:
            halfway, begun = start(self.encoder, batch)
            judged = [self.judge_early(view, vector) for view, vector in zip(views, begun, strict=True)]
            scores, early = [score for score, _ in judged], [(reading,) for _, reading in judged]
            unsure = [i for i, score in enumerate(scores) if score.reason == "unsure" or views[i].wide]
            vectors = finish(self.encoder, halfway, unsure) if unsure else begun[:0]
        left = []
        for i, vector in zip(unsure, vectors, strict=True):
            scores[i], reading = self.judge(views[i], early[i], vector)
            if views[i].wide or (scores[i].reason == "unsure" and views[i].text):
                left.append((i, vector, (*early[i], reading)))
        if left and self.wide_encoder is not None:
            seen = self.see_wide([views[i] for i, _, _ in left])
            for (i, vector, before), more in zip(left, seen, strict=True):
                view = joined(more[None], vector[None], [views[i].language])[0]
                scores[i] = self.judge_wide(views[i], before, view)[0]
        return scores

    def see_wide(self, views: Sequence[StaticView]) -> NDArray[np.float32]:
        """What the multilingual encoder makes of texts, but for the languages that they are in."""
        assert self.wide_encoder is not None
        assert self.trained.shifts is not None
        batch = [self.wide_encoder.tokenize(view.text, self.budget.transformer) for view in views]
        shifts = np.stack([self.trained.shifts.of_language(view.language) for view in views])
        return np.asarray(wide_views(self.wide_encoder, batch)["wide"] - shifts)

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
            lambda texts: Material.of(self.encoders, self.table, texts, self.budget),
        )
        return tuple(self._report(one, near[one.sight.stage]) for one in told)

    def _stages(self, view: StaticView) -> list[_Told]:
        """The stages of the transformer."""
        began = perf_counter()
        batch = [self.shortened(view)]
        told: list[_Told] = []

        def tell(stage: Stage, vector: NDArray[np.float32], judged: tuple[IntentScore, Reading]) -> None:
            nonlocal began
            now = perf_counter()
            told.append(_Told(self._sight(stage, vector, judged[1]), judged[0], (now - began) * 1e6))
            began = now

        if self.encoder.has_halves:
            halfway, vectors = start(self.encoder, batch)
            tell("early", vectors[0], self.judge_early(view, vectors[0]))
            vector = finish(self.encoder, halfway, [0])[0]
        else:
            vector = self.encoder.embed(batch)[0]
        before = tuple(one.sight.reading for one in told)
        tell("transformer", vector, self.judge(view, before, vector))
        if self.wide_encoder is not None:
            vector = joined(self.see_wide([view]), vector[None], [view.language])[0]
            tell("wide", vector, self.judge_wide(view, tuple(one.sight.reading for one in told), vector))
        return told

    def _sight(self, stage: Stage, vector: NDArray[np.float32], reading: Reading) -> Sight:
        return Sight(stage, self.trained.stages[stage].head, vector, reading)

    def judge_early(self, view: StaticView, vector: NDArray[np.float32]) -> tuple[IntentScore, Reading]:
        """The decision halfway through the transformer; it counts where it is sure."""
        stage = self.trained.stages["early"]
        reading = stage.head.read(vector)
        score = self._score(stage, (view.reading, reading), view.ids, "transformer", foreign=view.foreign)
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
        score = self._score(stage, (view.reading, *early, reading), view.ids, "transformer", foreign=view.foreign)
        if score.intent is None and score.score < self.trained.refusals.get("transformer", 0.0):
            return replace(score, reason="foreign"), reading
        return score, reading

    def judge_wide(
        self, view: StaticView, before: tuple[Reading, ...], vector: NDArray[np.float32]
    ) -> tuple[IntentScore, Reading]:
        """The decision of the multilingual encoder, on what all stages say."""
        stage = self.trained.stages["wide"]
        early = before[:1] if self.encoder.has_halves else ()
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


def _both(encoders: Encoder | Encoders) -> Encoders:
    return encoders if isinstance(encoders, Encoders) else Encoders(encoders)


def _affirmed(examples: Examples) -> dict[str, frozenset[str]]:
    """Intent -> words of its examples that none of them says no with."""
    said: dict[str, set[str]] = {name: set() for name in examples.intents}
    denied: dict[str, set[str]] = {name: set() for name in examples.intents}
    for text, label in zip(examples.texts, examples.labels, strict=True):
        words = {word for word in words_of(text) if len(word) > SHORT_WORD}
        (denied if NEGATOR.search(text) else said)[examples.intents[label]] |= words
    return {name: frozenset(said[name] - denied[name]) for name in said}
