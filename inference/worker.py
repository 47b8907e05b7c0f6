"""The computing threads: load the model, run a scheduler each, hand events to the event loop. Knows nothing of HTTP.

Each thread is a lane: a scheduler with slots of its own. Requests wait in one queue, and a lane takes one when it has
a free slot and no other lane with a free slot is better: holds more of the prompt, or is less busy.
"""

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


class Lane(Protocol):
    """A scheduler: of generated text or of embeddings."""

    @property
    def idle(self) -> bool:
        """Nothing to do."""

    @property
    def room(self) -> int:
        """How many tasks could begin now."""

    @property
    def load(self) -> int:
        """How many tasks are in progress."""

    def overlap(self, prompt: Sequence[int]) -> int:
        """How many tokens of a prompt are cached here; may be called from any thread."""

    def submit(self, task: Any, /) -> None:
        """Begin a task with the next step."""

    def step(self) -> Sequence[tuple[Task, Event]]:
        """Compute one step."""

    def fail_all(self, error: InferenceError) -> Sequence[tuple[Task, Event]]:
        """End everything with this error."""


class Worker:
    """Runs the lanes. All but `start` and `stop` is called from the event loop only."""

    def __init__(self, loop: asyncio.AbstractEventLoop, metrics: Metrics, max_queue: int, slots: int) -> None:
        self._loop = loop
        self._metrics = metrics
        self._slots = slots
        self._capacity = max_queue + slots
        self._admitted = 0
        self._queue: deque[Task] = deque()
        self._changed = threading.Condition()
        self._stopping = False
        self._active = 0
        self._drained = asyncio.Event()
        self._drained.set()
        self._lanes: Sequence[Lane] = ()
        self._threads: list[threading.Thread] = []

    def start(self, load: Callable[[], Sequence[Lane]], on_loaded: Callable[[BaseException | None], None]) -> None:
        """Load on a thread, say so on the event loop, then run every lane until `stop`."""

        def run() -> None:
            try:
                self._lanes = load()
            except BaseException as error:  # noqa: BLE001 - whatever it is, the server must hear of it
                self._loop.call_soon_threadsafe(on_loaded, error)
                return
            self._loop.call_soon_threadsafe(on_loaded, None)
            for lane in self._lanes[1:]:
                self._start(self._run, lane)
            self._run(self._lanes[0])

        self._start(run)

    @property
    def slots(self) -> int:
        """How many tasks can run at a time."""
        return self._slots

    @property
    def active(self) -> int:
        """Sequences that were accepted and have not ended."""
        return self._active

    def admit(self, tasks: int) -> int:
        """Accept a request of so many tasks; raises UnavailableError at once if slots and queue are full.

        Returns what it counts for, to be given to `dismiss` at its end: its tasks, but no more than can run at a time, so
        that a request of many is not refused for ever.
        """
        weight = min(tasks, self._slots)
        if self._admitted + weight > self._capacity:
            self._metrics.rejected.inc()
            raise UnavailableError(
                f"all slots are busy and {self._admitted} requests are in progress or waiting, of {self._capacity}",
                code="overloaded",
            )
        self._admitted += weight
        self._count(tasks)
        return weight

    def dismiss(self, weight: int) -> None:
        """Say that a request has ended, whatever the reason."""
        self._admitted -= weight

    def submit(self, tasks: Sequence[Task]) -> None:
        """Queue tasks of an admitted request."""
        with self._changed:
            self._queue.extend(tasks)
            self._metrics.waiting.set(len(self._queue))
            self._changed.notify_all()

    def cancel(self, tasks: Sequence[Task]) -> None:
        """Give up on sequences: their slots are free after the step that runs now."""
        for task in tasks:
            task.cancelled = True
        with self._changed:
            kept = [task for task in self._queue if not task.cancelled]
            self._metrics.cancelled.inc(len(self._queue) - len(kept))
            self._queue = deque(kept)
            self._metrics.waiting.set(len(kept))

    def finished(self, count: int) -> None:
        """Say that sequences have ended, whatever the reason."""
        self._count(-count)

    async def drained(self) -> None:
        """Wait until nothing is in progress."""
        await self._drained.wait()

    def stop(self) -> None:
        """End everything that runs with an error, and the threads with it."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(timeout=10)

    def _count(self, change: int) -> None:
        self._active += change
        self._metrics.active.set(self._active)
        if self._active:
            self._drained.clear()
        else:
            self._drained.set()

    def _start(self, target: Callable[..., None], *arguments: Lane) -> None:
        thread = threading.Thread(target=target, args=arguments, name="inference", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _run(self, lane: Lane) -> None:
        while self._feed(lane):
            try:
                events = lane.step()
            except Exception as error:  # noqa: BLE001 - a fault of ours ends these requests, not the server
                events = lane.fail_all(InferenceError(f"internal error ({type(error).__name__})"))
            if events:
                self._loop.call_soon_threadsafe(_deliver, events)
        with self._changed:
            while self._queue:
                lane.submit(self._queue.popleft())
        events = lane.fail_all(UnavailableError("the server is going down", code="shutting_down"))
        self._loop.call_soon_threadsafe(_deliver, events)

    def _feed(self, lane: Lane) -> bool:
        """Give a lane what it should take from the queue, waiting while it has nothing to do. False: the end."""
        with self._changed:
            while not self._stopping:
                while self._queue and self._is_best(lane, self._queue[0]):
                    lane.submit(self._queue.popleft())
                    self._metrics.waiting.set(len(self._queue))
                    if self._queue:
                        self._changed.notify_all()  # for the next one another lane may be better now
                if not lane.idle:
                    return True
                self._changed.wait()
        return False

    def _is_best(self, lane: Lane, task: Task) -> bool:
        def merit(candidate: Lane) -> tuple[int, int]:
            return candidate.overlap(task.prompt), -candidate.load

        if not lane.room:
            return False
        others = [other for other in self._lanes if other is not lane and other.room]
        return not others or merit(lane) >= max(map(merit, others))


def _deliver(events: Sequence[tuple[Task, Event]]) -> None:
    for task, event in events:
        task.channel.put(task.index, event)
