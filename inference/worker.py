"""The computing thread: loads the model, runs the scheduler, hands events to the event loop. Knows nothing of HTTP."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from typing import TYPE_CHECKING, Any, Protocol

from inference.errors import InferenceError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from inference.generation import Event, Task
    from inference.metrics import Metrics


class Steps(Protocol):
    """A scheduler: of generated text or of embeddings."""

    @property
    def idle(self) -> bool:
        """Nothing to do."""

    def submit(self, task: Any, /) -> None:
        """Queue a task."""

    def step(self) -> Sequence[tuple[Task, Event]]:
        """Compute one step."""

    def fail_all(self, error: InferenceError) -> Sequence[tuple[Task, Event]]:
        """End everything with this error."""


class Worker:
    """Runs the scheduler on a thread of its own. `submit` may be called from the event loop only."""

    def __init__(self, loop: asyncio.AbstractEventLoop, metrics: Metrics, max_queue: int, slots: int) -> None:
        self._loop = loop
        self._metrics = metrics
        self._capacity = max_queue + slots
        self._inbox: deque[Task] = deque()
        self._wake = threading.Event()
        self._stopping = False
        self._active = 0
        self._drained = asyncio.Event()
        self._drained.set()
        self._thread: threading.Thread | None = None

    def start(self, load: Callable[[], Steps], on_loaded: Callable[[BaseException | None], None]) -> None:
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

    def submit(self, tasks: Sequence[Task]) -> None:
        """Accept sequences, or raise UnavailableError at once if slots and queue are full."""
        if self._active + len(tasks) > self._capacity:
            self._metrics.rejected.inc()
            raise UnavailableError(
                f"all slots are busy and {self._active} requests are in progress or waiting, of {self._capacity}",
                code="overloaded",
            )
        self._active += len(tasks)
        self._metrics.active.set(self._active)
        self._drained.clear()
        self._inbox.extend(tasks)
        self._wake.set()

    def cancel(self, tasks: Sequence[Task]) -> None:
        """Give up on sequences: their slots are free after the step that runs now."""
        for task in tasks:
            task.cancelled = True

    def finished(self, count: int) -> None:
        """Say that sequences have ended, whatever the reason."""
        self._active -= count
        self._metrics.active.set(self._active)
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

    def _run(self, scheduler: Steps) -> None:
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
        while self._inbox:
            scheduler.submit(self._inbox.popleft())
        events = scheduler.fail_all(UnavailableError("the server is going down", code="shutting_down"))
        self._loop.call_soon_threadsafe(_deliver, events)


def _deliver(events: Sequence[tuple[Task, Event]]) -> None:
    for task, event in events:
        task.channel.put(task.index, event)
