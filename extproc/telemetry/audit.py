"""The audit trail: one JSON line per decision, chained by digests, so that a removed or changed line shows.

Each line ends with `"chain"`: SHA-256 over the chain value of the line before and the line's own bytes without it. The
first line of a file carries over the last value of the file before it; the very first starts from 64 zeros.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import re
import threading
from collections import deque
from dataclasses import dataclass
from io import FileIO
from typing import TYPE_CHECKING

from extproc.errors import ConfigError
from extproc.telemetry.instruments import AUDIT_LINES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from extproc.config.telemetry import AuditSettings
    from extproc.telemetry.meter import Meter

GENESIS = "0" * 64
QUEUE_LINES = 10_000
BATCH_LINES = 500
FLUSH_S = 0.1
"""How long a line waits to be written. Writing each at once would wake a thread, and sync the disk, for every request."""
_TAIL = 16_384
_ENDING = re.compile(rb',?"chain":"([0-9a-f]{64})"\}\n?\Z')


def _opened(path: Path) -> FileIO:
    """The file, to be written at its end, and nobody else's to read: also where it was there before."""
    file = FileIO(path, "ab", opener=lambda name, flags: os.open(name, flags, 0o600))
    mode = os.fstat(file.fileno()).st_mode
    if mode & 0o077:
        with contextlib.suppress(PermissionError):  # another user's, who may have his reasons
            os.fchmod(file.fileno(), mode & 0o700)
    return file


class AuditTrail:
    """Writes lines from a thread of its own. `blocked` says that the policy is `block` and the last write failed."""

    def __init__(self, settings: AuditSettings, meter: Meter) -> None:
        self.blocked = False
        self._settings = settings
        self._meter = meter
        self._lines: deque[str] = deque()
        self._closing = threading.Event()
        try:
            settings.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _opened(settings.path).close()
        except OSError as error:
            raise ConfigError(f"telemetry.audit.path: {settings.path} cannot be written: {error.strerror}") from None
        self._chain = GENESIS
        self._seen = (0, 0)
        self._thread = threading.Thread(target=self._run, name="audit", daemon=True)
        self._thread.start()

    def write(self, record: str) -> None:
        """Queue one JSON object; never blocks the caller, nor wakes the thread: it looks for itself, ten times a second."""
        if len(self._lines) >= QUEUE_LINES:
            self.lose(1)
        else:
            self._lines.append(record)

    def close(self, timeout_s: float = 5.0) -> None:
        """Write what is queued and end the thread."""
        self._closing.set()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        closing = False
        while not closing:
            closing = self._closing.wait(FLUSH_S)
            # What is queued meanwhile waits for the next turn: under load each look would find a line or two, and sync for them.
            waiting = len(self._lines)
            for start in range(0, waiting, BATCH_LINES):
                records = [self._lines.popleft() for _ in range(min(BATCH_LINES, waiting - start))]
                try:
                    self._append(records)
                except Exception:  # noqa: BLE001 - a line that cannot be made is one that is missing; the next may be good
                    self.lose(len(records))

    def _append(self, records: list[str]) -> None:
        try:
            self._write(records)
        except OSError:
            self.lose(len(records))
            return
        self.blocked = False
        self._meter.add(AUDIT_LINES, len(records), ("written",))

    def _write(self, records: list[str]) -> None:
        """Append lines under a lock: the workers of one processor share the file and its chain."""
        while not self._written(records):
            pass  # rotated: another worker may be the first in the new file, and its lines come before ours

    def _written(self, records: list[str]) -> bool:
        """Append lines; False when the file was full, and is another one now."""
        with self._locked() as file:
            if _state(file) != self._seen:
                self._chain = last_chain(self._settings.path)
            chain, lines = self._chain, []
            for record in records:
                line, chain = chained(record, chain)
                lines.append(line)
            data = b"".join(lines)
            size = os.fstat(file.fileno()).st_size
            if size and size + len(data) > self._settings.max_bytes:
                self._rotate()
                return False
            try:
                _put(file, data)
            except OSError:
                with contextlib.suppress(OSError):  # take half a line back: what comes next starts on a line of its own
                    os.ftruncate(file.fileno(), size)
                raise
            self._chain, self._seen = chain, _state(file)
            return True

    def _locked(self) -> FileIO:
        """The file, open and ours alone until it is closed."""
        while True:
            file = _opened(self._settings.path)
            fcntl.flock(file, fcntl.LOCK_EX)
            with contextlib.suppress(FileNotFoundError):
                if os.fstat(file.fileno()).st_ino == self._settings.path.stat().st_ino:
                    return file
            file.close()  # another worker has rotated it meanwhile

    def lose(self, lines: int) -> None:
        """Count lines that could not be written, and act on it as the policy says."""
        self._meter.add(AUDIT_LINES, lines, ("lost",))
        self.blocked = self._settings.on_error == "block"

    def _rotate(self) -> None:
        path = self._settings.path
        for number in range(self._settings.keep - 1, 0, -1):
            older = path.with_name(f"{path.name}.{number}")
            if older.exists():
                older.replace(path.with_name(f"{path.name}.{number + 1}"))
        path.replace(path.with_name(f"{path.name}.1"))


def _put(file: FileIO, data: bytes) -> None:
    """Write all of it, and see it on the disk. Raises OSError."""
    if file.write(data) != len(data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.fdatasync(file.fileno())


def _state(file: FileIO) -> tuple[int, int]:
    """Changes when somebody else writes to the file, or puts another in its place."""
    found = os.fstat(file.fileno())
    return found.st_ino, found.st_size


def chained(record: str, chain: str) -> tuple[bytes, str]:
    """A JSON object as a line, and its chain value."""
    value = hashlib.sha256(f"{chain}\n{record}".encode()).hexdigest()
    opening = record[:-1] if record == "{}" else f"{record[:-1]},"
    return f'{opening}"chain":"{value}"}}\n'.encode(), value


@dataclass(frozen=True, slots=True)
class Break:
    """A place where the chain does not hold."""

    file: str
    line: int
    """Counted from 1."""
    message: str


def verify(files: Iterable[Path], *, start: str | None = None) -> Iterator[Break | tuple[int, str]]:
    """Check files from the oldest to the newest: a Break for each fault, last (good lines, last chain value).

    `start` is the chain value before the first line; None accepts whatever the first line was chained to.
    """
    chain, good = start, 0
    for file in files:
        with file.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                record, value = _split(line)
                if not value:
                    yield Break(str(file), number, "not a line of an audit trail")
                    continue
                if chain is None:
                    chain, good = value, good + 1
                    continue
                if chained(record, chain)[1] == value:
                    good += 1
                else:
                    yield Break(str(file), number, "changed, or a line before it was removed or changed")
                chain = value
    yield good, chain or ""


def _split(line: bytes) -> tuple[str, str]:
    """The JSON object of a line, byte for byte, and its chain value; an empty one where it is no such line."""
    found = _ENDING.search(line)
    if found is None or not line.startswith(b"{"):
        return "", ""
    return line[: found.start()].decode(errors="replace") + "}", found[1].decode()


def last_chain(path: Path) -> str:
    """Chain value of the newest line, so that a restart goes on where the file ends."""
    for candidate in (path, path.with_name(f"{path.name}.1")):
        if candidate.exists() and candidate.stat().st_size:
            with candidate.open("rb") as file:
                file.seek(max(0, candidate.stat().st_size - _TAIL))
                lines = file.read().splitlines()
            _, value = _split(lines[-1])
            return value or hashlib.sha256(lines[-1]).hexdigest()
    return GENESIS
