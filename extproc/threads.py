"""Where work runs: short work on the event loop, longer work in a thread.

A thread works under a lease (see `slices.py`): at its deadline, or when its request is gone, it ends within a slice and takes
the next piece. The largest have threads of their own, so that what is merely long does not wait behind them.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import TYPE_CHECKING, Final, TypeVar, TypeVarTuple

from extproc.errors import LateError

if TYPE_CHECKING:
    from collections.abc import Callable

    from extproc.slices import Lease

Arguments = TypeVarTuple("Arguments")
Done = TypeVar("Done")

SHORT_BYTES: Final = 8 * 1024
"""Up to here work is done on the event loop. What costs most takes 3 us a byte, so nobody waits for it longer than 25 ms."""
LARGE_BYTES: Final = 256 * 1024
LONG_THREADS: Final = 4
LARGE_THREADS: Final = 2


class Threads:
    """Threads of one pipeline, begun when they are needed."""

    def __init__(self) -> None:
        self.busy = 0
        """Pieces of work that threads do, or are to do."""
        self.worked_bytes = 0
        """How much they have been given to do."""
        self._long = ThreadPoolExecutor(LONG_THREADS, thread_name_prefix="long-body")
        self._large = ThreadPoolExecutor(LARGE_THREADS, thread_name_prefix="large-body")

    async def run(self, lease: Lease, size: int, work: Callable[[*Arguments], Done], *args: *Arguments) -> Done:
        """Do work on so many bytes. Raises LateError at the lease's deadline, and has the work end then too."""
        if size <= SHORT_BYTES:
            return lease.run(work, *args)
        loop = asyncio.get_running_loop()
        pool = self._large if size >= LARGE_BYTES else self._long
        pending = loop.run_in_executor(pool, lease.run, work, *args)
        late = False
        self.busy += 1
        self.worked_bytes += size

        def expire() -> None:
            nonlocal late
            late = pending is not None and pending.cancel()

        left = lease.deadline - monotonic()
        timer = loop.call_later(left, expire) if left < float("inf") else None
        try:
            return await pending
        except asyncio.CancelledError:
            lease.end()
            if late:
                raise LateError from None
            raise
        finally:
            self.busy -= 1
            if timer is not None:
                timer.cancel()
            # A future that holds an exception whose traceback holds this frame is a ring, and in it a large body.
            pending = expire = None  # type: ignore[assignment]
