"""The computing thread: loads the model, runs the scheduler, hands events to the event loop. Knows nothing of HTTP."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from typing import TYPE_CHECKING

from inference.errors import InferenceError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from inference.generation import Event, Generation
    from inference.metrics import Metrics
    from inference.scheduler import Scheduler


class Worker:
    """Runs the scheduler on a thread of its own. `submit` may be called from the event loop only."""

    def __init__(self, loop: asyncio.AbstractEventLoop, metrics: Metrics, max_queue: int, slots: int) -> None:
        self._loop = loop
        self._metrics = metrics
        self._capacity = max_queue + slots
        self._inbox: deque[Generation] = deque()
        self._wake = threading.Event()
        self._stopping = False
        self._active = 0
        self._drained = asyncio.Event()
        self._drained.set()
        self._thread: threading.Thread | None = None

    def start(self, load: Callable[[], Scheduler], on_loaded: Callable[[BaseException | None], None]) -> None:
        """Load on the thread, say so on the event loop, then run until `stop`."""

        def run() -> None:
            try:
                scheduler = load()
            except BaseException as error:  # noqa: BLE001 - whatever it is, the server must hear of it
                self._loop.call_soon_threadsafe(on_loaded, error)
                return
            self._loop.call_soon_threadsafe(on_loaded, None)
            self._run(scheduler)

        self._thread = threading.Thread(target=run, name="inference", daemon=True)
        self._thread.start()

    @property
    def active(self) -> int:
        """Sequences that were accepted and have not ended."""
        return self._active

    def submit(self, generations: Sequence[Generation]) -> None:
        """Accept sequences, or raise UnavailableError at once if slots and queue are full."""
        if self._active + len(generations) > self._capacity:
            self._metrics.rejected.inc()
            raise UnavailableError(
                f"all slots are busy and {self._active} requests are in progress or waiting, of {self._capacity}",
                code="overloaded",
            )
        self._active += len(generations)
        self._drained.clear()
        self._inbox.extend(generations)
        self._wake.set()

    def cancel(self, generations: Sequence[Generation]) -> None:
        """Give up on sequences: their slots are free after the step that runs now."""
        for generation in generations:
            generation.cancelled = True

    def finished(self, count: int) -> None:
        """Say that sequences have ended, whatever the reason."""
        self._active -= count
        if not self._active:
            self._drained.set()

    async def drained(self) -> None:
        """Wait until nothing is in progress."""
        await self._drained.wait()

    def stop(self) -> None:
        """End everything that runs with an error, and the thread with it."""
        self._stopping = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout=10)

    def _run(self, scheduler: Scheduler) -> None:
        while not self._stopping:
            if scheduler.idle and not self._inbox:
                self._wake.wait()
                self._wake.clear()
            while self._inbox:
                scheduler.submit(self._inbox.popleft())
            try:
                events = scheduler.step()
            except Exception as error:  # noqa: BLE001 - a fault of ours ends these requests, not the server
                events = scheduler.fail_all(InferenceError(f"internal error ({type(error).__name__})"))
            if events:
                self._loop.call_soon_threadsafe(_deliver, events)
        events = scheduler.fail_all(UnavailableError("the server is going down", code="shutting_down"))
        self._loop.call_soon_threadsafe(_deliver, events)


def _deliver(events: Sequence[tuple[Generation, Event]]) -> None:
    for generation, event in events:
        generation.channel.put(generation.index, event)
