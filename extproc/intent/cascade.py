"""The learned stages: the static table, the transformer for what it is not sure of, and where it is there the multilingual
encoder, for what neither is sure of and for what is not in English.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final

import numpy as np
from threadpoolctl import threadpool_limits

from extproc import heap
from extproc.embedding.encoders import Encoders
from extproc.embedding.places import cache_folder
from extproc.intent import kept, training
from extproc.intent.judging import Judging
from extproc.intent.material import finish, foreign_language, joined, start, whole, wide_views
from extproc.intent.negation import Negation, refused
from extproc.intent.score import IntentScore
from extproc.intent.second_look import closer, opened
from extproc.intent.table import table_of
from extproc.intent.typos import Typos
from extproc.intent.view import StaticView
from extproc.intent.wording import DECLINING, declines_in_part, may_decline, negated_words, neutral, wanted
from extproc.language import ENGLISH, LIKELY, SURE, guess

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from extproc.embedding.encoder import Encoder
    from extproc.intent.examples import Examples
    from extproc.intent.head import Reading
    from extproc.intent.material import Budget
    from extproc.intent.score import Stage
    from extproc.intent.table import StaticTable
    from extproc.intent.training import Trained

MOST_DECLINING: Final = 4096
"""Characters of a text up to which it is looked for what it declines: 32 KB took the loop 16 ms."""

NOTHING: Final = 0
"""The token of a text without any, where several are looked at in one."""


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
        self.judging = Judging(trained, examples.intents, self.encoder.has_halves)
        self._negation = Negation(examples)
        limits = [trained.late, *(stage.thresholds for stage in trained.stages.values())]
        self._asks_language = self.wide_encoder is not None or any((home != abroad).any() for home, abroad in limits)
        """Whether anything here depends on the language of a text."""
        self._declining = self.encoder.first_ids(DECLINING)
        self._typos = Typos.of(examples, self.encoder)

    @property
    def negation(self) -> Negation:
        """What its examples say no to."""
        return self._negation

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
        trained, _ = training.train(encoders, table, examples, budget, target, report)
        heap.give_back()
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
        if self.negation.is_outside(text):
            return view._replace(score=refused(view.score), decided=True)
        # what is declined in each sentence of a longer one is seen when it is looked at in parts
        in_parts = len(plain) > MOST_DECLINING or (view.score.intent is None and self._too_long(view))
        if not in_parts and self._may_decline(plain, view.ids):
            kept = wanted(plain)
            if kept is not None and view.score.best not in self.negation.declining:
                if not any(map(str.isalpha, kept)):
                    return view._replace(score=refused(view.score), decided=True)
                plain, view = kept, self._look(kept)
            view = self.negation.guarded(view._replace(negated=frozenset(negated_words(plain))))
        if view.score.intent is not None and view.score.stage == "static":
            return view
        return opened(view, plain, before)

    def _too_long(self, view: StaticView) -> bool:
        """Whether the transformer would read its head and its tail only."""
        return len(view.ids) > self.budget.transformer

    def _may_decline(self, text: str, ids: list[int]) -> bool:
        """`may_decline`, by the ids where they tell: of a short text in ASCII they are all that it says."""
        signs = self._declining
        if signs is None or len(text) > self.budget.static or not (text.isascii() and text.isprintable()):
            return may_decline(text)
        return not signs.isdisjoint(ids) or declines_in_part(text.lower())

    def glance(self, texts: Sequence[str]) -> list[tuple[float, int]]:
        """The static stage, of several texts at once: log odds of the best intent of each, and how many tokens it has."""
        ids = [self.tokenize(text) or [NOTHING] for text in texts]
        odds = self.trained.stages["static"].head.odds(self.table.embed_all(ids)).tolist()
        return list(zip(odds, map(len, ids), strict=True))

    def look_closely(self, text: str) -> StaticView:
        """At a part of a text."""
        return self.negation.guarded(self._look(text)._replace(negated=frozenset(negated_words(text))))

    def _look(self, text: str) -> StaticView:
        """What is not in English is the multilingual encoder's, where it is there."""
        ids = self.tokenize(text)
        language, doubtful = self._language(text) if self._asks_language else ("", False)
        # of a text that is cut, a slip more or less is nothing; its parts are looked at by themselves
        if len(ids) < self.budget.static and self._typos.may_have(ids):
            right = self._typos.corrected(text, english=not (language or foreign_language(text)))
            if right is not text:
                text, ids = right, self.tokenize(right)
        if self.wide_encoder is not None and (language or (text.strip() and self._says_nothing(ids))):
            reading = self.trained.stages["static"].head.read(self.table.embed(ids))
            score = IntentScore(None, 0.0, "abstain", "unsure", best=self.examples.intents[reading.best])
            return StaticView(ids, reading, score, decided=False, text=text, language=language, wide=True)
        return self.static(ids, language, text, doubtful=doubtful)

    def _language(self, text: str) -> tuple[str, bool]:
        """The language other than English that a text is surely in, and whether it may be in one."""
        language, likely = guess(text)
        foreign = language != ENGLISH
        doubtful = self.wide_encoder is not None and (foreign or likely < LIKELY)
        return language if foreign and likely >= SURE else "", doubtful

    def static(self, ids: list[int], language: str = "", text: str = "", *, doubtful: bool = False) -> StaticView:
        """The same of a text that is tokenized already."""
        reading = self.trained.stages["static"].head.read(self.table.embed(ids))
        if self._says_nothing(ids):
            return StaticView(ids, reading, IntentScore(None, 0.0, "abstain", "empty"), decided=True, text=text)
        score, decided = self.judging.static(reading, ids, language, doubtful=doubtful)
        return StaticView(ids, reading, score, decided, text, language, doubtful)

    def _says_nothing(self, ids: list[int]) -> bool:
        """No word that the model knows: any two such texts, as two emojis, are the same to it."""
        unknown = self.encoder.unknown
        return not ids or (ids[0] == unknown and ids.count(ids[0]) == len(ids))

    def shortened(self, view: StaticView) -> list[int]:
        """The ids that the transformer reads."""
        return self.encoder.shorten(view.ids, self.budget.transformer)

    def transform(self, views: Sequence[StaticView]) -> list[IntentScore]:
        """The transformer, one pass for all: milliseconds, so on the event loop for a short text only.

        What nobody is sure of as a whole is looked at in parts, or with what was said before it; what is too long to be read as
        a whole, in parts only.
        """
        read = [i for i, view in enumerate(views) if not (view.parts and self._too_long(view))]
        whole: list[IntentScore | None] = [None] * len(views)
        if read:
            for i, score in zip(read, self.read([views[i] for i in read]), strict=True):
                whole[i] = self.negation.guard(views[i], score)
        return [closer(self, view, score) for view, score in zip(views, whole, strict=True)]

    def read(self, views: Sequence[StaticView], least: float = 0.0) -> list[IntentScore]:
        """Of whole texts. Who is sure of an intent halfway through the layers does not go on, nor what is less likely than
        `least` then.
        """
        batch = [self.shortened(view) for view in views]
        if not self.encoder.has_halves:
            scores = [view.score for view in views]
            early: list[tuple[Reading, ...]] = [() for _ in views]
            unsure = list(range(len(views)))
            vectors = self.encoder.embed(batch)
        else:
            halfway, begun = start(self.encoder, batch)
            judged = [self.judging.early(view, vector) for view, vector in zip(views, begun, strict=True)]
            scores, early = [score for score, _ in judged], [(reading,) for _, reading in judged]
            unsure = [
                i
                for i, score in enumerate(scores)
                if (views[i].wide and not views[i].foreign)
                or (not views[i].wide and score.reason == "unsure" and (score.score >= least or views[i].doubtful))
            ]
            vectors = finish(self.encoder, halfway, unsure) if unsure else begun[:0]
        left = []
        for i, vector in zip(unsure, vectors, strict=True):
            scores[i], reading = self.judging.transformer(views[i], early[i], vector)
            if views[i].wide or (scores[i].reason == "unsure" and views[i].text):
                left.append((i, vector, (*early[i], reading)))
        if self.encoder.has_halves:
            # of what is surely in another language the first half counts a little, and the second one for nothing
            nothing = np.zeros_like(self.trained.stages["transformer"].head.centre)
            left += [(i, nothing, early[i] * 2) for i, view in enumerate(views) if view.wide and view.foreign]
        if left and self.wide_encoder is not None:
            seen = self.see_wide([views[i] for i, _, _ in left])
            for (i, vector, before), more in zip(left, seen, strict=True):
                view = joined(more[None], vector[None], [views[i].language])[0]
                scores[i] = self.judging.wide(views[i], before, view)[0]
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

    def late(self, view: StaticView, reason: str) -> IntentScore:
        """The best answer without the transformer."""
        return self.judging.late(view, reason)


def _both(encoders: Encoder | Encoders) -> Encoders:
    return encoders if isinstance(encoders, Encoders) else Encoders(encoders)
