"""A second thread for work that leaves the interpreter alone, while its caller has something else to do."""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    Result = TypeVar("Result")

MOST_THREADS: Final = 2


class Aside:
    """Begins work early. Shared by threads, and of use again in a forked process."""

    def __init__(self) -> None:
        self._threads: tuple[int, ThreadPoolExecutor] | None = None
        self._is_of_use = _processors() > 1

    def begin(self, work: Callable[[], Result]) -> Callable[[], Result]:
        """Begin `work`; what comes back waits for its result, or does the work itself where no thread has got round to it.

        What `work` raises is raised there.
        """
        if not self._is_of_use:
            return work
        try:
            future = self._executor().submit(work)
        except RuntimeError:  # no thread to be had: the machine's limit, or the interpreter is about to end
            self._threads = None
            return work
        return partial(_outcome, future, work)

    def _executor(self) -> ThreadPoolExecutor:
        pid = os.getpid()
        threads = self._threads
        if threads is None or threads[0] != pid:
            threads = self._threads = (pid, ThreadPoolExecutor(MOST_THREADS, thread_name_prefix="second-look"))
        return threads[1]


def _outcome(future: Future[Result], work: Callable[[], Result]) -> Result:
    return work() if future.cancel() else future.result()


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
