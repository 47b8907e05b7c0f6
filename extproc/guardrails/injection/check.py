"""The detector as a guardrail: the first stage at once, the second in a thread of its own."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeVarTuple

from extproc.embedding.encoder import Encoder
from extproc.guardrails.check import Finding
from extproc.guardrails.injection.detector import BYTES_PER_WINDOW, SIDE_OF, Detector, Pending
from extproc.guardrails.injection.model import SIDES
from extproc.slices import Lease

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from extproc.config.guardrails import InjectionGuard
    from extproc.guardrails.check import Question
    from extproc.guardrails.injection.detector import Score
    from extproc.guardrails.injection.model import Side
    from extproc.guardrails.passages import Passage

Arguments = TypeVarTuple("Arguments")
DEFAULT_FALSE_ALARMS: Final = 0.01
SHORT: Final = 16 * 1024
"""Characters up to which the first stage reads on the event loop: some milliseconds."""
FEW: Final = 4
"""Windows that the encoder may read of any request, beside one for each BYTES_PER_WINDOW."""


class InjectionCheck:
    """One entry of the section."""

    masked = False

    def __init__(self, guard: InjectionGuard, detector: Detector | None = None) -> None:
        self.places = frozenset(guard.look_at)
        if detector is None:
            encoder = Encoder.load()  # now, so that no request waits for it and all workers have it in common
            detector = Detector(lambda: encoder)
        self.detector = detector
        rate = guard.false_alarms or DEFAULT_FALSE_ALARMS
        self.thresholds: dict[Side, float] = {
            side: guard.threshold if guard.threshold is not None else detector.threshold(side, rate) for side in SIDES
        }
        """The score from which on a text is taken for an attack."""
        self._pool: ThreadPoolExecutor | None = None
        """Begun with the first request: threads do not outlive the fork of a worker."""

    def look(self, question: Question, deadline: float) -> Finding | Awaitable[Finding]:
        """See Check."""
        passages = question.passages
        if sum(len(passage.text) for passage in passages) > SHORT:
            return self._later(passages, deadline)
        scores, pending = self._first(passages)
        return self._second(scores, pending, deadline) if pending else self._finding(scores)

    def close(self) -> None:
        """End the thread."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def _first(self, passages: Sequence[Passage]) -> tuple[list[tuple[Side, Score]], list[tuple[Side, Pending]]]:
        scores: list[tuple[Side, Score]] = []
        pending: list[tuple[Side, Pending]] = []
        for passage in passages:
            side = SIDE_OF[passage.place]
            found = self.detector.first(passage.text, side)
            if isinstance(found, Pending):
                pending.append((side, found))
            else:
                scores.append((side, found))
        if len(pending) > FEW:
            pending.sort(key=lambda one: -one[1].candidates[0].score)
            allowed = FEW + sum(len(passage.text) for passage in passages) // BYTES_PER_WINDOW
            scores += [(side, self.detector.without_second(one)) for side, one in pending[allowed:]]
            del pending[allowed:]
        return scores, pending

    async def _second(
        self, scores: list[tuple[Side, Score]], pending: list[tuple[Side, Pending]], deadline: float
    ) -> Finding:
        return await self._in_thread(deadline, self._seconds, scores, pending, deadline)

    async def _later(self, passages: Sequence[Passage], deadline: float) -> Finding:
        return await self._in_thread(deadline, self._both, passages, deadline)

    async def _in_thread(self, deadline: float, work: Callable[[*Arguments], Finding], *args: *Arguments) -> Finding:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, thread_name_prefix="guardrails")
        lease = Lease(deadline)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, lease.run, work, *args)
        finally:
            lease.end()

    def _both(self, passages: Sequence[Passage], deadline: float) -> Finding:
        return self._seconds(*self._first(passages), deadline)

    def _seconds(
        self, scores: list[tuple[Side, Score]], pending: list[tuple[Side, Pending]], deadline: float
    ) -> Finding:
        return self._finding([*scores, *((side, self.detector.second(one, deadline)) for side, one in pending)])

    def _finding(self, scores: Sequence[tuple[Side, Score]]) -> Finding:
        bound = "encoder_bound" if any(score.bound for _, score in scores) else ""
        over = [score.score for side, score in scores if score.score >= self.thresholds[side]]
        best = max(over or [score.score for _, score in scores], default=0.0)
        return Finding(best, bool(over), bound=bound)
