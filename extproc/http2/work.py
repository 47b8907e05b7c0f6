"""A coroutine that is run where its work arrives, not in a turn of the event loop that is asked for first.

A task begins in the next turn of the loop, and goes on in one more for every message that it waits for. Most of what a call
does needs no waiting: its messages are there, and so are the answers to them.
"""

from __future__ import annotations

import asyncio
from types import coroutine
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator

PAUSE = object()


@coroutine
def pause() -> Generator[object, None, None]:
    """Wait for `Work.wake`. For coroutines that are run as Work."""
    yield PAUSE


class Work:
    """Runs a coroutine as far as it gets, and on from where it waits as soon as that is there.

    It may wait for `pause` and for futures, tasks among them. It is no task itself: what asks for the current one, as a
    timeout does, has to be awaited as a task.
    """

    __slots__ = ("_cancelled", "_coroutine", "_done", "_paused", "_waits_for")

    def __init__(self, work: Coroutine[Any, Any, None], done: Callable[[Work], None]) -> None:
        """`done` is told when the coroutine has ended. What it raises is raised where it was run from; CancelledError is not."""
        self._coroutine = work
        self._done = done
        self._waits_for: asyncio.Future[Any] | None = None
        self._paused = self._cancelled = False

    def begin(self) -> None:
        """Run it as far as it gets."""
        self._go_on()

    def wake(self) -> None:
        """Go on after `pause`."""
        if self._paused:
            self._paused = False
            self._go_on()

    def cancel(self) -> None:
        """Raise CancelledError where it waits; where it is running, as soon as it waits."""
        if self._waits_for is not None and self._waits_for.cancel():
            return
        self._cancelled = True
        self.wake()

    def _woken(self, _future: asyncio.Future[Any] | None) -> None:
        self._waits_for = None
        self._go_on()

    def _go_on(self) -> None:
        try:
            while True:
                if self._cancelled:
                    self._cancelled = False
                    waits_for = self._coroutine.throw(asyncio.CancelledError())
                else:
                    waits_for = self._coroutine.send(None)
                if self._wait(waits_for):
                    return
        except StopIteration:
            pass
        except asyncio.CancelledError:
            pass
        self._done(self)

    def _wait(self, waits_for: Any) -> bool:
        """Whether there is something to wait for."""
        if waits_for is PAUSE:
            self._paused = not self._cancelled
            return self._paused
        if waits_for is None:  # asyncio.sleep(0)
            asyncio.get_running_loop().call_soon(self._woken, None)
            return True
        # What a task does: a future says by this that it was awaited, and not handed out by mistake.
        waits_for._asyncio_future_blocking = False  # noqa: SLF001
        self._waits_for = waits_for
        waits_for.add_done_callback(self._woken)
        if self._cancelled:
            self._cancelled = False
            waits_for.cancel()
        return True
