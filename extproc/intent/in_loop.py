"""Short passes of the transformer in the event loop itself, as soon as it has nothing else to do.

To hand a short text to a thread and back costs nearly as much as to read it. While the loop is busy, short texts wait a little
for each other, because those that share a pass take less time each.
"""

from __future__ import annotations

import asyncio
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Item = TypeVar("Item")
Result = TypeVar("Result")
Entry: TypeAlias = "tuple[Item, asyncio.Future[Result]]"
"""What waits, and whom to tell."""

SMALL = 24
"""Size of the largest item that is read here: 24 tokens of the bundled model take 1.2 to 4 ms."""
SHORT_S = 0.005
"""What a small item may take: a model of the user's own may be a slow one."""
ENOUGH, MOST = 2, 3
"""Items for a pass: by two they took 0.74 of the time that each takes alone, by three 0.71, by six 0.69."""
SLOW_ONES = 0.1
"""What a pass that took longer than was expected counts for, in what the next is expected to take."""
LONGEST_S = 0.01
"""What a pass of several may take: so long nothing else happens."""
SHARE = 0.5
"""Of the event loop's time, what it may spend on passes. What asks more often is better off beside it."""
SAVED_S = 0.05
"""As much of that share as may be saved up, for passes in a row."""
IDLE_S = 0.0003
"""A turn of the loop that took less had nothing to do: one without work took 20 us, one with a request 400 and more."""
LONGEST_WAIT_S = 0.01
"""How long a busy loop leaves an item waiting for others."""


class InLoop(Generic[Item, Result]):
    """Of one event loop, and called from nowhere else but for `took`."""

    def __init__(self, work: Callable[[list[Item]], Sequence[Result]]) -> None:
        self._work = work
        self._waiting: list[Entry[Item, Result]] = []
        self._since = self._turned_at = 0.0
        """When the first that waits came, and when the loop was last seen at its turn."""
        self._spare_s = SAVED_S
        """What may be spent on passes, as of `_spare_at`."""
        self._spare_at = monotonic()
        self._each_s = inf
        """What a small item takes, smoothed; not known before one was read elsewhere."""

    def has_room(self) -> bool:
        """Whether one more may be read here."""
        now = monotonic()
        self._spare_s = min(SAVED_S, self._spare_s + (now - self._spare_at) * SHARE)
        self._spare_at = now
        return self._each_s <= SHORT_S and self._spare_s > len(self._waiting) * self._each_s

    def took(self, seconds: float) -> None:
        """What each small item of a pass took, here or elsewhere. Slow ones say less than quick ones: they may have waited for a
        core, as they would have in a thread.
        """
        if seconds < self._each_s:
            self._each_s = seconds
        else:
            self._each_s += (min(seconds, LONGEST_S) - self._each_s) * SLOW_ONES

    def submit(self, item: Item) -> asyncio.Future[Result]:
        """The result, to come."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        self._waiting.append((item, future))
        if len(self._waiting) == 1:
            self._since, self._turned_at = monotonic(), -inf
            loop.call_soon(self._turn)
        return future

    def _turn(self) -> None:
        """Read what waits, if that is enough for a pass, or has waited for long, or the loop did nothing since its last turn."""
        now = monotonic()
        waiting = self._waiting = [entry for entry in self._waiting if not entry[1].done()]
        if not waiting:
            return
        idle, self._turned_at = now - self._turned_at < IDLE_S, now
        most = MOST if MOST * self._each_s <= LONGEST_S else max(1, int(LONGEST_S / self._each_s))
        if idle or len(waiting) >= min(ENOUGH, most) or now - self._since > LONGEST_WAIT_S:
            self._waiting = waiting[most:]
            settle(self._work, waiting[:most], _now)
            self._since = monotonic()
            self._spare_s -= self._since - now
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._turn)


def settle(
    work: Callable[[list[Item]], Sequence[Result]], entries: Sequence[Entry[Item, Result]], tell: Callable[..., None]
) -> None:
    """Do the work of some entries in one. `tell` is given what to call, with which future, and what it becomes."""
    try:
        results = work([item for item, _ in entries])
    except Exception as error:  # noqa: BLE001 - it belongs to the callers, others go on
        for _, future in entries:
            tell(_fail, future, error)
    else:
        for (_, future), result in zip(entries, results, strict=True):
            tell(_finish, future, result)


def _now(what: Callable[..., None], *arguments: object) -> None:
    what(*arguments)


def _finish(future: asyncio.Future[Result], result: Result) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: asyncio.Future[Result], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
