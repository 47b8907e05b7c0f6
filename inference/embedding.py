"""The scheduler of an embedding model: several texts in one step, one vector each."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

from inference.engine import Batch
from inference.errors import EngineError, InferenceError
from inference.generation import Failure, Usage, Vector

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inference.engine import Engine
    from inference.generation import Embedding, Event
    from inference.metrics import Metrics


class EmbeddingScheduler:
    """All texts of one engine. Everything here runs on the computing thread."""

    def __init__(self, engine: Engine, metrics: Metrics, *, slots: int, batch_tokens: int) -> None:
        self.waiting: deque[Embedding] = deque()
        self._engine = engine
        self._metrics = metrics
        self._slots = slots
        self._batch = Batch(batch_tokens)

    @property
    def idle(self) -> bool:
        """Nothing to do."""
        return not self.waiting

    @property
    def room(self) -> int:
        """How many texts could begin with the next step."""
        return self._slots - len(self.waiting)

    @property
    def load(self) -> int:
        """How many texts wait for the next step."""
        return len(self.waiting)

    def overlap(self, _: Sequence[int]) -> int:
        """Nothing is kept between texts."""
        return 0

    def submit(self, embedding: Embedding) -> None:
        """Queue a text."""
        self.waiting.append(embedding)

    def step(self) -> list[tuple[Embedding, Event]]:
        """Compute as many texts as one step holds."""
        self._batch.clear()
        taken: list[Embedding] = []
        while self.waiting and len(taken) < self._slots:
            embedding = self.waiting[0]
            if embedding.cancelled:
                self._metrics.cancelled.inc()
                self.waiting.popleft()
                continue
            if len(embedding.prompt) > self._batch.room:
                break
            self._batch.add_text(embedding.prompt, len(taken))
            taken.append(self.waiting.popleft())
        self._metrics.observe_lane(0, busy=len(taken), cached_tokens=0)
        if not taken:
            return []
        started = time.perf_counter()
        try:
            self._engine.decode(self._batch)
        except EngineError as error:
            return [(embedding, Failure(error)) for embedding in taken]
        finally:
            for sequence in range(len(taken)):
                self._engine.forget(sequence)
            self._metrics.observe_lane(0, busy=0, cached_tokens=0)
        ended = time.perf_counter()
        self._metrics.observe_step(ended - started, self._batch.size)
        for embedding in taken:
            self._metrics.queue_seconds.observe(started - embedding.submitted)
            self._metrics.observe_first_token(ended - embedding.submitted)
            self._metrics.observe_finish(Usage(len(embedding.prompt), 0, 0), 0)
        return [(embedding, Vector(self._engine.pooled(n), len(embedding.prompt))) for n, embedding in enumerate(taken)]

    def fail_all(self, error: InferenceError) -> list[tuple[Embedding, Event]]:
        """End everything that waits with this error."""
        failed: list[tuple[Embedding, Event]] = [(embedding, Failure(error)) for embedding in self.waiting]
        self.waiting.clear()
        return failed
