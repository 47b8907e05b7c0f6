"""What a text is about, by a handful of examples: topics that are denied, and those that are allowed where nothing else is.

The classifier of intents does the work, with heads of its own. Denied topics are looked for sentence by sentence; whether a text
keeps to what is allowed is asked of its beginning and its end.
"""

from __future__ import annotations

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVarTuple

from extproc.embedding.encoder import Encoder
from extproc.embedding.places import cache_folder
from extproc.guardrails.check import Finding
from extproc.intent.cascade import Cascade
from extproc.intent.examples import Examples
from extproc.intent.material import Budget
from extproc.slices import Lease, checkpoint, in_slices

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from extproc.config.guardrails import AnswerTopicsGuard, TopicsGuard
    from extproc.guardrails.answers import Span
    from extproc.guardrails.check import Question
    from extproc.intent.score import IntentScore
    from extproc.intent.view import StaticView

Arguments = TypeVarTuple("Arguments")
SHORT: Final = 8 * 1024
"""Characters up to which the quick stage reads on the event loop."""
STRETCH: Final = 160
"""Characters up to which short sentences are read together."""
MOST_STRETCHES: Final = 2000
"""Of one request, some 30 microseconds each."""
MOST_READ: Final = 16
"""Stretches of one request that the encoder reads: those that look most like a denied topic."""
_DENIED, _ALLOWED = "denied ", "allowed "
_SENTENCE: Final = re.compile(r"[^.!?\n]{1,600}[.!?\n]*|[.!?\n]+")
_FEWEST_WORDS: Final = 3
"""In fewer words of an answer there is no topic."""


class Verdict(NamedTuple):
    """What one stretch is about."""

    topic: str
    """A denied one, or `other` where only some are allowed; empty: nothing speaks against it."""
    score: float


class Topics:
    """The topics of one guardrail, learned from its examples or read from the cache."""

    def __init__(
        self, denied: Mapping[str, Sequence[str]], allowed: Mapping[str, Sequence[str]], precision: float
    ) -> None:
        texts = {f"{_DENIED}{name}": list(examples) for name, examples in denied.items()}
        texts |= {f"{_ALLOWED}{name}": list(examples) for name, examples in allowed.items()}
        self.only = bool(allowed)
        """Something is allowed, and so all else is not."""
        self._cascade = Cascade.build(
            Encoder.load(), Examples.of_texts(texts), Budget(), precision, lambda _: None, cache_folder()
        )

    def view(self, text: str) -> StaticView:
        """What the quick stage says of a stretch."""
        return self._cascade.static(self._cascade.tokenize(text))

    def likeness(self, view: StaticView) -> float:
        """How much a stretch looks like a denied topic at first sight."""
        best = view.score.best
        return view.score.score if best is not None and best.startswith(_DENIED) else 0.0

    def verdict(self, view: StaticView) -> Verdict:
        """What is to be said, after the encoder where that is needed."""
        (score,) = [view.score] if view.decided else self._cascade.transform([view])
        return self._told(score)

    def _told(self, score: IntentScore) -> Verdict:
        if score.intent is not None and score.intent.startswith(_DENIED):
            return Verdict(score.intent.removeprefix(_DENIED), score.score)
        if self.only and score.intent is None and score.reason != "empty":
            return Verdict("other", 1 - score.score)
        return Verdict("", 0.0)


class TopicsCheck:
    """One entry of the section, on requests."""

    masked = False

    def __init__(self, guard: TopicsGuard) -> None:
        self.places = frozenset(guard.look_at)
        self._topics = Topics(guard.denied, guard.allowed, guard.precision)
        self._pool: ThreadPoolExecutor | None = None
        """Begun with the first request: threads do not outlive the fork of a worker."""

    def look(self, question: Question, deadline: float) -> Finding | Awaitable[Finding]:
        """See Check."""
        texts = [passage.text for passage in question.passages if passage.text.strip()]
        if sum(map(len, texts)) > SHORT:
            return self._in_thread(deadline, self._found, texts)
        views, bound = self._views(texts)
        if all(view.decided for view in views):
            return self._finding(views, bound)
        return self._in_thread(deadline, self._finding, views, bound)

    def close(self) -> None:
        """End the thread."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def _views(self, texts: list[str]) -> tuple[list[StaticView], str]:
        """What the quick stage says of every stretch that counts; and what was left out, for the ledger."""
        topics = self._topics
        stretches = texts if topics.only else [piece for text in texts for piece in _stretches(text)]
        bound = "topics_bound" if len(stretches) > MOST_STRETCHES else ""
        if bound:
            stretches = [*stretches[: MOST_STRETCHES // 2], *stretches[-MOST_STRETCHES // 2 :]]
        views = [topics.view(stretch) for stretch in in_slices(stretches, 64)]
        undecided = [view for view in views if not view.decided]
        if len(undecided) > MOST_READ:
            undecided.sort(key=topics.likeness, reverse=True)
            views = [*(view for view in views if view.decided), *undecided[:MOST_READ]]
            bound = "topics_bound"
        return views, bound

    def _found(self, texts: list[str]) -> Finding:
        return self._finding(*self._views(texts))

    async def _in_thread(
        self, deadline: float, work: Callable[[*Arguments], Finding], *arguments: *Arguments
    ) -> Finding:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, thread_name_prefix="topics")
        lease = Lease(deadline)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, lease.run, work, *arguments)
        finally:
            lease.end()

    def _finding(self, views: Sequence[StaticView], bound: str) -> Finding:
        best = Verdict("", 0.0)
        for view in views:
            checkpoint()
            verdict = self._topics.verdict(view)
            if (bool(verdict.topic), verdict.score) > (bool(best.topic), best.score):
                best = verdict
        return Finding(best.score, bool(best.topic), best.topic, bound)


class AnswerTopics:
    """The same for answers, sentence by sentence. See Inspects."""

    def __init__(self, guard: AnswerTopicsGuard) -> None:
        self._topics = Topics(guard.denied, {}, guard.precision)

    def inspector(self) -> AnswerTopics:
        """No sentence is judged by those before it."""
        return self

    def look(self, sentence: str) -> Sequence[Span]:
        """See Inspector."""
        if len(sentence.split()) < _FEWEST_WORDS:
            return ()
        denied = self._topics.verdict(self._topics.view(sentence)).topic
        return [(0, len(sentence))] if denied else ()


def _stretches(text: str) -> list[str]:
    """Sentences, short ones together."""
    stretches, begun = [], 0
    for match in _SENTENCE.finditer(text):
        if match.end() - begun >= STRETCH or match.end() == len(text):
            stretches.append(text[begun : match.end()])
            begun = match.end()
    return [one for one in stretches if not one.isspace()]
