"""One thread runs the transformer for all streams: what arrives while a pass runs shares the next one.

A short text that comes now and then is left to the event loop: see `in_loop.py`.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from time import monotonic
from typing import TYPE_CHECKING, Generic, TypeVar

from extproc.intent.in_loop import SMALL, InLoop, settle

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from extproc.intent.in_loop import Entry

Item = TypeVar("Item")
Result = TypeVar("Result")
SMOOTHING = 0.1
"""What one batch counts for in the time that the next is expected to take: one slow pass turns few away from the transformer."""
LONGEST_QUEUE = 256
"""More waiting texts than this are answered without the transformer at once: the queue would outlive their deadlines."""

PASS_SIZE = 56
"""Sizes (tokens) that share a pass add up to no more, each counted as the longest. Beyond, what is between the layers leaves
the processor's cache: 12 tokens took 2.0 ms alone, 1.24 each by four, 1.8 by eight, 2.1 by sixteen."""


class BusyError(Exception):
    """The queue is full."""


class Batcher(Generic[Item, Result]):
    """Awaitable calls in, batches out. The thread starts with the first call and ends with `close`."""

    def __init__(
        self, work: Callable[[Sequence[Item]], Sequence[Result]], size: Callable[[Item], int], largest: int
    ) -> None:
        """`size` is what an item costs beside longer ones (its tokens); a batch has at most `largest` items."""
        self._work, self._size, self._largest = work, size, largest
        self._waiting: deque[Entry[Item, Result]] = deque()
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._batch_s = 0.0
        """Time of a batch, smoothed: what a caller has to expect. Items of unlike size take several passes."""
        self._begun: float | None = None
        """When the batch that is running began."""
        self._in_loop = InLoop[Item, Result](self._run)
        self.on_pass: Callable[[int, int], None] | None = None
        """Told of each pass, where it runs: how many items it takes, how many wait still."""

    def submit(self, item: Item) -> asyncio.Future[Result]:
        """The result for one item, to come. Raises BusyError when too many wait; cancelling takes it out of the queue."""
        if self._size(item) <= SMALL and not self._closed and self._in_loop.has_room():
            return self._in_loop.submit(item)
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        with self._wake:
            if len(self._waiting) >= LONGEST_QUEUE or self._closed:
                raise BusyError
            self._waiting.append((item, future))
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="transformer", daemon=True)
                self._thread.start()
            self._wake.notify()
        return future

    def expected_s(self) -> float:
        """Time until an item that comes now would be answered; 0 when it is the only one.

        Somebody must always try: who trusted one slow batch for ever would never find out that the next is quick.
        """
        begun, waiting = self._begun, len(self._waiting)
        if begun is None and not waiting:
            return 0.0
        rest = max(0.0, begun + self._batch_s - monotonic()) if begun is not None else 0.0
        return rest + self._batch_s * (1 + waiting // self._largest)

    def close(self) -> None:
        """End the thread after the pass that is running; what still waits is cancelled."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join()

    def _serve(self) -> None:
        while True:
            with self._wake:
                while not self._waiting and not self._closed:
                    self._wake.wait()
                if self._closed:
                    for _, future in self._waiting:
                        _in_its_loop(asyncio.Future.cancel, future)
                    self._waiting.clear()
                    return
                batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), self._largest))]
                self._begun = begun = monotonic()
            batch = [entry for entry in batch if not entry[1].done()]
            for group in self._groups(batch):
                settle(self._run, group, _in_its_loop)
            if batch:
                self._batch_s += (monotonic() - begun - self._batch_s) * (SMOOTHING if self._batch_s else 1.0)
            self._begun = None

    def _groups(self, batch: list[Entry[Item, Result]]) -> list[list[Entry[Item, Result]]]:
        """Items of like size, and not too many: a short text beside a long one costs as much as the long one."""
        groups: list[list[Entry[Item, Result]]] = []
        for entry in sorted(batch, key=lambda entry: self._size(entry[0])):
            size = self._size(entry[0])
            alike = groups and size <= 8 + 1.5 * self._size(groups[-1][0][0])
            if alike and (len(groups[-1]) + 1) * size <= PASS_SIZE:
                groups[-1].append(entry)
            else:
                groups.append([entry])
        return groups

    def _run(self, items: list[Item]) -> Sequence[Result]:
        if self.on_pass is not None:
            self.on_pass(len(items), len(self._waiting))
        begun = monotonic()
        results = self._work(items)
        if max(map(self._size, items)) <= SMALL:
            self._in_loop.took((monotonic() - begun) / len(items))
        return results


def _in_its_loop(what: Callable[..., object], future: asyncio.Future[Result], *arguments: object) -> None:
    try:
        future.get_loop().call_soon_threadsafe(what, future, *arguments)
    except RuntimeError:  # the loop is closed: nobody waits any more
        return
