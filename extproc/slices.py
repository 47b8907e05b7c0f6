"""Long work in slices: between two of them it checks whether anyone still waits for the result.

Who has work done runs it under a `Lease`; what does it calls `checkpoint`, every few milliseconds at most and however deep in
the calls it stands. So a deadline ends the work itself, not only the waiting for it, and the thread is free for the next one.
"""

from __future__ import annotations

import heapq
import threading
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, TypeVar, TypeVarTuple

from extproc.errors import LateError

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterable, Iterator

Arguments = TypeVarTuple("Arguments")
Done = TypeVar("Done")
Item = TypeVar("Item")

WINDOW: Final = 2**16
"""Characters that are searched in one call. A search that finds nothing holds all threads up, a few milliseconds for so many."""
_SORTED: Final = 4096
_LISTS: Final = (list, tuple)
STEPS: Final = 1024
"""Small steps, of some microseconds each, after which it is asked."""


class _Here(threading.local):
    lease: Lease | None = None


_here = _Here()


class Lease:
    """Until when a piece of work is wanted: to a time of `time.monotonic`, or until `end`."""

    __slots__ = ("_ended", "deadline")

    def __init__(self, deadline: float = float("inf")) -> None:
        self.deadline = deadline
        self._ended = False

    def end(self) -> None:
        """Nobody wants it any more. For other threads to call."""
        self._ended = True

    def check(self) -> None:
        """Raises LateError when nobody wants it any more."""
        if self._ended or monotonic() > self.deadline:
            raise LateError

    def run(self, work: Callable[[*Arguments], Done], *args: *Arguments) -> Done:
        """Do the work in this thread. Raises LateError, from where the work stands, when it is not wanted any more."""
        if self._ended or monotonic() > self.deadline:
            raise LateError
        here = _here
        before = here.lease
        here.lease = self
        try:
            return work(*args)
        finally:
            here.lease = before


def checkpoint() -> None:
    """Between two slices. Raises LateError when the work that this thread does is not wanted any more."""
    lease = _here.lease
    if lease is not None:
        lease.check()


def matches(pattern: re.Pattern[str], text: str, start: int, end: int, longest: int = 512) -> Iterator[re.Match[str]]:
    """What a pattern matches between two positions, searched window by window. A match has at most `longest` characters."""
    while start < end:
        stop = min(end, start + WINDOW)
        after = stop
        for match in pattern.finditer(text, start, min(end, stop + longest)):
            if match.start() >= stop:
                break
            yield match
            after = max(after, match.end())
        start = after
        checkpoint()


def in_order(items: Iterable[Item], key: Callable[[Item], Any]) -> Iterable[Item]:
    """Sorted; many of them in parts, because one call that sorts all of them holds all threads up."""
    listed = list(items)
    if len(listed) <= _SORTED:
        listed.sort(key=key)
        return listed
    parts = (listed[at : at + _SORTED] for at in range(0, len(listed), _SORTED))
    return in_slices(heapq.merge(*[sorted(part, key=key) for part in parts], key=key))


def in_slices(steps: Iterable[Item], count: int = STEPS) -> Iterable[Item]:
    """The steps of a loop, with a checkpoint after every so many. Few steps are handed back as they are."""
    if isinstance(steps, _LISTS) and len(steps) <= count:
        return steps
    return _in_slices(steps, count)


def _in_slices(steps: Iterable[Item], count: int) -> Iterator[Item]:
    for nth, step in enumerate(steps, 1):
        yield step
        if not nth % count:
            checkpoint()
