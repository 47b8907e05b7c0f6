"""The classifier: rules, recent decisions, static stage, transformer, abstain. Each hands on what it is not sure of."""

from __future__ import annotations

import os
from collections import OrderedDict
from dataclasses import replace
from hashlib import blake2b
from time import monotonic, perf_counter
from typing import TYPE_CHECKING, NamedTuple

from extproc.embedding.encoders import Encoders
from extproc.embedding.places import cache_folder
from extproc.identity import ANONYMOUS, Caller, sender_of
from extproc.intent.batching import Batcher, BusyError
from extproc.intent.cascade import Cascade
from extproc.intent.examples import Examples
from extproc.intent.material import Budget
from extproc.intent.reporting import reports
from extproc.intent.rules import Rules
from extproc.intent.score import Explanation, IntentScore
from extproc.intent.wording import leans_back

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from extproc.config import Mesh
    from extproc.embedding.encoder import Encoder
    from extproc.intent.view import StaticView

READ_CHARACTERS = 40_000
"""Of a longer text, so many characters from each end are looked at, by rules and digest as by models."""


class Asked(NamedTuple):
    """What became of a question: a score, or a text that waits for the transformer or is with it."""

    score: IntentScore | None
    waiting: Waiting | None = None

    def cancel(self) -> None:
        """Nobody wants to know any more."""
        if self.waiting is not None:
            self.waiting.future.cancel()
            self.waiting.end()


class Waiting(NamedTuple):
    """A text on its way through the transformer."""

    key: bytes
    view: StaticView
    future: asyncio.Future[IntentScore | None]
    """None: it was not there by the deadline."""
    timer: asyncio.TimerHandle | None

    def end(self) -> None:
        """The deadline is of no matter any more."""
        if self.timer is not None:
            self.timer.cancel()


def _expire(future: asyncio.Future[IntentScore | None]) -> None:
    if not future.done():
        future.set_result(None)


def _quiet(_message: str) -> None:
    return


class Classifier:
    """Built once for one `mesh.yaml`; safe for many streams of one event loop."""

    def __init__(
        self,
        mesh: Mesh,
        encoders: Encoder | Encoders | None = None,
        report: Callable[[str], None] = _quiet,
        folder: Path | None = None,
        *,
        keep: bool = True,
    ) -> None:
        """Learn from the examples. `report` hears of steps that take long; `folder` is where heads are kept between
        starts (default: the user's cache), `keep=False` keeps none.
        """
        settings = mesh.classifier
        self._rules = Rules(mesh.intents)
        self._recent: OrderedDict[bytes, IntentScore] = OrderedDict()
        self._capacity = settings.cache_size
        self._secret = os.urandom(32)
        examples = Examples.of_mesh(mesh)
        self.encoders: Encoder | Encoders | None = None
        self.cascade: Cascade | None = None
        self._batcher: Batcher[StaticView, IntentScore | None] | None = None
        if examples.texts:
            self.encoders = encoders = encoders or Encoders.load(settings.encoder, settings.threads)
            budget = Budget(settings.token_budget, settings.transformer_tokens)
            room = (folder or cache_folder()) if keep else None
            self.cascade = Cascade.build(encoders, examples, budget, settings.target_precision, report, room)
            self._batcher = Batcher(
                self.cascade.transform, lambda view: view.size(budget.transformer), settings.max_batch
            )

    def ask(
        self,
        text: str,
        headers: Mapping[str, str],
        deadline: float | None = None,
        caller: Caller = ANONYMOUS,
        before: Sequence[str] = (),
    ) -> Asked:
        """The intent of a text; where it takes more than a short pass of the transformer, that begins, and `answer` waits for it.

        `deadline` is a time of `time.monotonic`: near it, the best cheaper answer is given. `before` is what was said before the
        text, the last words last: a short answer is read with it.
        """
        first = self._first(text, headers, caller, before)
        if isinstance(first, IntentScore):
            return Asked(first)
        key, view = first
        assert self.cascade is not None
        assert self._batcher is not None
        if deadline is not None and deadline - monotonic() < self._batcher.expected_s():
            return Asked(self.cascade.late(view, "deadline"))
        try:
            future = self._batcher.submit(view)
        except BusyError:
            return Asked(self.cascade.late(view, "busy"))
        # no `asyncio.timeout`, which would want a task of its own for every question
        timer = None if deadline is None else future.get_loop().call_later(deadline - monotonic(), _expire, future)
        return Asked(None, Waiting(key, view, future, timer))

    async def answer(self, asked: Asked) -> IntentScore:
        """The score: there already, the transformer's, or at the deadline the best cheaper one."""
        waiting = asked.waiting
        if waiting is None:
            assert asked.score is not None
            return asked.score
        assert self.cascade is not None
        try:
            score = await waiting.future
        finally:
            waiting.end()
        if score is None:
            return self.cascade.late(waiting.view, "deadline")
        self._remember(waiting.key, score)
        return score

    def classify_now(
        self, text: str, headers: Mapping[str, str] | None = None, before: Sequence[str] = ()
    ) -> IntentScore:
        """The score, for callers that have no event loop: commands, measurements."""
        first = self._first(text, headers or {}, ANONYMOUS, before)
        if isinstance(first, IntentScore):
            return first
        key, view = first
        assert self.cascade is not None
        (score,) = self.cascade.transform([view])
        self._remember(key, score)
        return score

    def explain(self, text: str, headers: Mapping[str, str] | None = None, before: Sequence[str] = ()) -> Explanation:
        """The decision, and what every stage thinks of the text, whether it was asked or not."""
        matched = self._rules.match(text, headers or {})
        cascade = self.cascade
        if cascade is None or not text.strip():
            decision = self.classify_now(text, headers)
            return Explanation(decision, 0)
        start = perf_counter()
        view = cascade.look(_ends(text), before)
        middle = perf_counter()
        (decision,) = [view.score] if view.decided else cascade.transform([view])
        if matched is not None:
            decision = _by_rule(*matched)
        return Explanation(decision, len(view.ids), reports(cascade, view, (middle - start) * 1e6))

    def watch_batches(self, on_pass: Callable[[int, int], None]) -> None:
        """Tell of each pass of the transformer: how many texts it takes, how many wait still. Called where it runs."""
        if self._batcher is not None:
            self._batcher.on_pass = on_pass

    def close(self) -> None:
        """End the transformer's thread."""
        if self._batcher is not None:
            self._batcher.close()

    def _first(
        self, text: str, headers: Mapping[str, str], caller: Caller, before: Sequence[str]
    ) -> IntentScore | tuple[bytes, StaticView]:
        """Everything before the transformer: a decision, or what the transformer is to be asked."""
        matched = self._rules.match(text, headers)
        if matched is not None:
            return _by_rule(*matched)
        if self.cascade is None:
            return IntentScore(None, 0.0, "abstain", "no-examples")
        read = _ends(text)
        if not read or read.isspace():
            return IntentScore(None, 0.0, "abstain", "empty")
        before = tuple(map(_ends, before)) if before and leans_back(read) else ()
        key = self._digest(read, sender_of(caller, headers), before) if self._capacity else b""
        recent = self._recent.get(key)
        if recent is not None:
            self._recent.move_to_end(key)
            return recent
        view = self.cascade.look(read, before)
        if view.decided:
            self._remember(key, view.score)
            return view.score
        return key, view

    def _digest(self, text: str, caller: str, before: Sequence[str]) -> bytes:
        hashed = blake2b(caller.encode(errors="surrogatepass") + b"\0", digest_size=16, key=self._secret)
        for said in before:
            hashed.update(said.encode(errors="surrogatepass") + b"\0")
        hashed.update(text.encode(errors="surrogatepass"))
        return hashed.digest()

    def _remember(self, key: bytes, score: IntentScore) -> None:
        """Bounded, least recently used first out. Digests only: a text is never kept."""
        if self._capacity:
            self._recent[key] = replace(score, cached=True)
            if len(self._recent) > self._capacity:
                self._recent.popitem(last=False)


def _by_rule(intent: str, kind: str) -> IntentScore:
    return IntentScore(intent, 1.0, "rule", kind, best=intent)


def _ends(text: str) -> str:
    if len(text) <= 2 * READ_CHARACTERS:
        return text
    return text[:READ_CHARACTERS] + text[-READ_CHARACTERS:]
