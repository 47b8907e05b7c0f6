"""One thread runs the transformer for all streams: what arrives while a pass runs shares the next one.

A short text that comes alone now and then is read where it is asked about: to hand it to the thread and back costs nearly as
much as to read it.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Item = TypeVar("Item")
Result = TypeVar("Result")
LONGEST_QUEUE = 256
"""More waiting texts than this are answered without the transformer at once: the queue would outlive their deadlines."""

PASS_SIZE = 56
"""Sizes (tokens) that share a pass add up to no more, each counted as the longest. Beyond, what is between the layers leaves
the processor's cache: 12 tokens took 2.0 ms alone, 1.24 each by four, 1.8 by eight, 2.1 by sixteen."""


SMALL = 16
"""Size of the largest item whose pass may be short enough for its caller: 16 tokens of the bundled model take 1.5 to 2.5 ms."""
SHORT_S = 0.005
SHARE_AT_ONCE = 0.5
"""Of the caller's time, what it may spend on passes. What asks more often is better off in batches and beside it."""
MOST_AT_ONCE_S = 0.05


class BusyError(Exception):
    """The queue is full."""


class Batcher(Generic[Item, Result]):
    """Awaitable calls in, batches out. The thread starts with the first call and ends with `close`."""

    def __init__(
        self, work: Callable[[Sequence[Item]], list[Result]], size: Callable[[Item], int], largest: int
    ) -> None:
        """`size` is what an item costs beside longer ones (its tokens); a batch has at most `largest` items."""
        self._work, self._size, self._largest = work, size, largest
        self._waiting: deque[tuple[Item, asyncio.Future[Result], asyncio.AbstractEventLoop]] = deque()
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._batch_s = 0.0
        """Time of a batch, smoothed: what a caller has to expect. Items of unlike size take several passes."""
        self._begun: float | None = None
        """When the batch that is running began."""
        self._spare_s = MOST_AT_ONCE_S
        """Time that may be spent on passes at once, as of `_spare_at`."""
        self._spare_at = monotonic()
        self._small_s = inf
        """Time of a pass for one small item, smoothed: a model of the user's own may be a slow one."""
        self.on_pass: Callable[[int, int], None] | None = None
        """Told of each pass, where it runs: how many items it takes, how many wait still."""

    def at_once(self, item: Item) -> Result | None:
        """The result, where it is had sooner here than from the thread; None: submit it.

        So it is for a small item that takes no more than SHORT_S, while the thread has nothing to do, and as long as
        SHARE_AT_ONCE is kept.
        """
        if self._size(item) > SMALL or self._small_s > SHORT_S or self._begun is not None or self._waiting:
            return None
        begun = monotonic()
        self._spare_s = min(MOST_AT_ONCE_S, self._spare_s + (begun - self._spare_at) * SHARE_AT_ONCE)
        self._spare_at = begun
        if self._spare_s <= 0:
            return None
        try:
            (result,) = self._run([item])
        finally:
            self._spare_s -= monotonic() - begun
        return result

    def submit(self, item: Item) -> asyncio.Future[Result]:
        """The result for one item, to come. Raises BusyError when too many wait; cancelling takes it out of the queue."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        with self._wake:
            if len(self._waiting) >= LONGEST_QUEUE or self._closed:
                raise BusyError
            self._waiting.append((item, future, loop))
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
                    for _, future, loop in self._waiting:
                        _call(loop, future.cancel)
                    self._waiting.clear()
                    return
                batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), self._largest))]
                self._begun = begun = monotonic()
            batch = [entry for entry in batch if not entry[1].cancelled()]
            for group in self._groups(batch):
                self._pass(group)
            if batch:
                self._batch_s += (monotonic() - begun - self._batch_s) * (0.1 if self._batch_s else 1.0)
            self._begun = None

    def _groups(
        self, batch: list[tuple[Item, asyncio.Future[Result], asyncio.AbstractEventLoop]]
    ) -> list[list[tuple[Item, asyncio.Future[Result], asyncio.AbstractEventLoop]]]:
        """Items of like size, and not too many: a short text beside a long one costs as much as the long one."""
        groups: list[list[tuple[Item, asyncio.Future[Result], asyncio.AbstractEventLoop]]] = []
        for entry in sorted(batch, key=lambda entry: self._size(entry[0])):
            size = self._size(entry[0])
            alike = groups and size <= 8 + 1.5 * self._size(groups[-1][0][0])
            if alike and (len(groups[-1]) + 1) * size <= PASS_SIZE:
                groups[-1].append(entry)
            else:
                groups.append([entry])
        return groups

    def _pass(self, group: list[tuple[Item, asyncio.Future[Result], asyncio.AbstractEventLoop]]) -> None:
        try:
            results = self._run([item for item, _, _ in group])
        except Exception as error:  # noqa: BLE001 - it belongs to the callers, the thread goes on
            for _, future, loop in group:
                _call(loop, _fail, future, error)
        else:
            for (_, future, loop), result in zip(group, results, strict=True):
                _call(loop, _finish, future, result)

    def _run(self, items: list[Item]) -> list[Result]:
        if self.on_pass is not None:
            self.on_pass(len(items), len(self._waiting))
        begun = monotonic()
        results = self._work(items)
        if len(items) == 1 and self._size(items[0]) <= SMALL:
            took = monotonic() - begun
            self._small_s = took if self._small_s == inf else self._small_s + (took - self._small_s) * 0.3
        return results


def _call(loop: asyncio.AbstractEventLoop, what: Callable[..., object], *arguments: object) -> None:
    try:
        loop.call_soon_threadsafe(what, *arguments)
    except RuntimeError:  # the loop is closed: nobody waits any more
        return


def _finish(future: asyncio.Future[Result], result: Result) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: asyncio.Future[Result], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
