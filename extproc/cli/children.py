"""Child processes of `intentmesh up`: started, asked until they are ready, started again when they die, ended together."""

from __future__ import annotations

import asyncio
import ctypes
import os
import shlex
import signal
import time
from typing import TYPE_CHECKING

from extproc.errors import IntentmeshError
from inference.exits import in_words

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from pathlib import Path

PR_SET_PDEATHSIG = 1
STOP_S = 10.0
"""Time that a child has between its stop signal and SIGKILL."""
RESTARTS = 1
"""Deaths within `RESTART_WINDOW_S` after which a child is not started again: who dies twice dies of something that stays."""
RESTART_WINDOW_S = 600.0
ADVICE: dict[int, str] = {
    signal.SIGILL: "it uses instructions that this processor does not have, or was built wrongly",
    signal.SIGKILL: "something ended it: the kernel, if memory ran out (`dmesg` says so), or somebody's `kill -9`",
    signal.SIGSEGV: "a fault in it or in a library of its; its last lines may tell in which",
    signal.SIGABRT: "it gave up by itself; its last lines say why",
    signal.SIGBUS: "a file that it reads may have been cut short while it was mapped, or /dev/shm or the disk is full",
}
"""Signal -> what it means, for whoever has nothing better to say of this child."""


class ChildError(IntentmeshError):
    """A child that did not become ready, or died twice."""


class Child:
    """One process: its command, its log, and how to ask whether it is ready."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        ready: Callable[[], Awaitable[bool]],
        env: Mapping[str, str] | None = None,
        on_line: Callable[[bytes], bool] | None = None,
        stop_signal: int = signal.SIGTERM,
        advice: Mapping[int, str] | None = None,
    ) -> None:
        """`on_line` sees each line of output first; a line for which it answers True is not written to the log.

        `advice` says what to do about a signal that ended it.
        """
        self.name = name
        self._command = command
        self._log = log
        self._ready = ready
        self._env = {**os.environ, **(env or {})}
        self._on_line = on_line
        self._stop_signal = stop_signal
        self._advice = {**ADVICE, **(advice or {})}
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._deaths: list[float] = []

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def start(self) -> None:
        """Start the process; it dies with us, and ^C on the terminal reaches us alone."""
        libc = ctypes.CDLL(None)

        def die_with_parent() -> None:
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                env=self._env,
                start_new_session=True,
                preexec_fn=die_with_parent if hasattr(libc, "prctl") else None,
                limit=2**20,
            )
        except OSError as error:
            raise ChildError(f"{self.name}: {self._command[0]} cannot be started: {error.strerror}") from error
        self._reader = asyncio.create_task(self._read(self._process))

    async def wait_ready(
        self, timeout_s: float, progress: Callable[[float], None], report: Callable[[str], None] = lambda _: None
    ) -> float:
        """Ask until the process is ready; the seconds that it took. Raises ChildError with the end of its log.

        One that ends by itself has said why; one that a signal ended is started once more.
        """
        started = time.monotonic()
        while True:
            assert self._process is not None
            code = self._process.returncode
            if code is not None and code >= 0:
                await self._read_to_the_end()
                raise ChildError(f"{self.name} {in_words(code)} at start; its last lines:\n{self.tail()}")
            if code is not None:
                await self._start_again(code, report)
            elif await self._ready():
                return time.monotonic() - started
            waited = time.monotonic() - started
            if waited > timeout_s:
                raise ChildError(f"{self.name} is not ready after {timeout_s:.0f} s; its last lines:\n{self.tail()}")
            progress(waited)
            await asyncio.sleep(0.05)

    async def keep(self, report: Callable[[str], None]) -> None:
        """Start the process again when it dies. Raises ChildError when it dies twice."""
        while True:
            assert self._process is not None
            await self._start_again(await self._process.wait(), report)

    async def _start_again(self, code: int, report: Callable[[str], None]) -> None:
        await self._read_to_the_end()
        now = time.monotonic()
        self._deaths = [t for t in self._deaths if now - t < RESTART_WINDOW_S] + [now]
        if len(self._deaths) > RESTARTS:
            advice = self._advice.get(-code, "its last lines say why")
            command = shlex.join(self._command)
            raise ChildError(
                f"{self.name} {in_words(code)}, for the second time; its last lines:\n{self.tail()}\n"
                f"{advice}\nby itself it is started with: {command}"
            )
        report(f"{self.name} {in_words(code)}; starting it again")
        await self.start()

    async def _read_to_the_end(self) -> None:
        """What it said last is in the log."""
        if self._reader is not None:
            await asyncio.wait({self._reader}, timeout=1)  # a grandchild may hold the pipe open

    async def stop(self) -> None:
        """The stop signal, then SIGKILL; returns when the process is gone."""
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            process.send_signal(self._stop_signal)
            try:
                await asyncio.wait_for(process.wait(), STOP_S)
            except TimeoutError:
                process.kill()
                await process.wait()
        if self._reader is not None:
            await self._reader

    def tail(self, lines: int = 12) -> str:
        """The end of the log, for a message."""
        text = self._log.read_text(errors="replace") if self._log.exists() else ""
        return "\n".join("  | " + line for line in text.splitlines()[-lines:]) or "  | (it printed nothing)"

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        with self._log.open("ab", buffering=0) as log:
            while True:
                try:
                    line = await process.stdout.readline()
                except ValueError:  # a line over the limit
                    continue
                if not line:
                    return
                if self._on_line is None or not self._on_line(line):
                    log.write(line)
