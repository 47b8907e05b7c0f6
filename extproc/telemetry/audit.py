"""The audit trail: one JSON line per decision, in a file from which nothing can be taken, nor put into it, unseen.

`audit_chain.py` says how its lines hang together, `audit_gap.py` what the trail says of what it lacks, `journal.py` what becomes
of exchanges whose processor is killed. Lines are written ten times a second, by a thread.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import secrets
import stat
import threading
import time
from collections import deque
from io import FileIO
from typing import TYPE_CHECKING, NamedTuple

from extproc.errors import ConfigError
from extproc.logs import logger, where
from extproc.telemetry import audit_gap
from extproc.telemetry.audit_chain import Chain, Link, last_link, read_key
from extproc.telemetry.audit_left import KILLED, not_on_record, unfinished
from extproc.telemetry.audit_line import audit_line
from extproc.telemetry.instruments import AUDIT_LINES, REQUESTS, TELEMETRY_DROPPED
from extproc.telemetry.journal import Journal, file_of, left_behind

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from extproc.config.telemetry import AuditSettings
    from extproc.telemetry.meter import Meter

log = logger()

QUEUE_LINES = 10_000
BATCH_LINES = 500
FLUSH_S = 0.1
"""How long a line waits to be written. Writing each at once would wake a thread, and sync the disk, for every request."""
ANCHOR_S = 60.0
"""How often the end of the chain is told to where it may be kept, while lines are written."""
JOURNAL_S = 10.0
"""How often it is tried again to have a journal where there was no room for one."""
NOTE = f'{{"{audit_gap.KIND}"'
"""How lines begin that are no decisions."""


class _Line(NamedTuple):
    record: str
    slot: int | None = None
    """In the journal."""
    journal: Journal | None = None


def _opened(path: Path) -> FileIO:
    """The file, to be read, to be written at its end, and nobody else's to read: also where it was there before."""
    # a pipe would be waited for, and has no last line to go on from
    file = FileIO(path, "ab+", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK | os.O_CLOEXEC, 0o600))
    mode = os.fstat(file.fileno()).st_mode
    if stat.S_ISFIFO(mode):
        file.close()
        raise OSError(errno.EINVAL, "it is a named pipe")
    if mode & 0o077:
        with contextlib.suppress(PermissionError):  # another user's, who may have his reasons
            os.fchmod(file.fileno(), mode & 0o700)
    return file


def check(settings: AuditSettings) -> None:
    """Raises ConfigError where a trail cannot be begun, as its writer would: a parent knows before it has any."""
    read_key(settings.key_file)
    try:
        settings.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _opened(settings.path).close()
    except OSError as error:
        raise ConfigError(f"telemetry.audit.path: {settings.path} cannot be written: {error.strerror}") from None


class AuditTrail:
    """Writes lines from a thread of its own. `blocked` says that the policy is `block` and the last write failed."""

    def __init__(
        self, settings: AuditSettings, meter: Meter, *, written: Callable[[list[bytes]], None] = lambda _: None
    ) -> None:
        """`written`: told of lines that are on the disk. Raises ConfigError."""
        self.blocked = False
        self._settings = settings
        self._meter = meter
        self._written_lines = written
        self._lines: deque[_Line] = deque()
        self._closing = threading.Event()
        self._chain = Chain(read_key(settings.key_file))
        self._name = f"{os.getpid()}-{secrets.token_hex(3)}"
        try:
            settings.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with _opened(settings.path) as file:
                self._goes_on_from = os.fstat(file.fileno()).st_size > 0 or self._part(1).exists()
        except OSError as error:
            raise ConfigError(f"telemetry.audit.path: {settings.path} cannot be written: {error.strerror}") from None
        self._link, self._seen, self._wrote = Link(), (0, 0), False
        """What we wrote last, and where the file ended then."""
        self._lost, self._lost_since, self._lost_reason = 0, 0.0, ""
        self._losing = threading.Lock()
        self._anchored, self._anchored_at = Link(), time.monotonic()
        self._journal: Journal | None = None
        self._journal_at = 0.0
        self._have_journal()
        self._thread = threading.Thread(target=self._run, name="audit", daemon=True)
        self._thread.start()

    # What others call

    def begin(self, told: str) -> int | None:
        """An exchange begins; the slot under which it is known until it is on record."""
        slot = self._journal.begin(told) if self._journal else None
        if slot is None:
            self._meter.add(TELEMETRY_DROPPED, 1, ("journal",))
        return slot

    def tell(self, slot: int | None, told: str) -> None:
        """More is known of it."""
        if slot is not None and self._journal:
            self._journal.tell(slot, told)

    def write(self, record: str, slot: int | None = None) -> None:
        """Queue one JSON object; never blocks the caller, nor wakes the thread: it looks for itself, ten times a second."""
        if len(self._lines) >= QUEUE_LINES:
            self.lose(1, "too many lines wait to be written")
            _end(_Line(record, slot, self._journal))
        else:
            if slot is not None and self._journal:
                self._journal.ended(slot)
            self._lines.append(_Line(record, slot, self._journal))

    def lose(self, lines: int, reason: str = "the line could not be made") -> None:
        """Count lines that could not be written, and act on it as the policy says; the trail tells of it as soon as it can."""
        with self._losing:
            self._lost_since = self._lost_since if self._lost else time.time()
            self._lost, self._lost_reason = self._lost + lines, reason
        self._meter.add(AUDIT_LINES, lines, ("lost",))
        self.blocked = self._settings.on_error == "block"

    def close(self, timeout_s: float = 5.0) -> None:
        """Write what is queued and end the thread."""
        self._closing.set()
        self._thread.join(timeout_s)

    # The thread

    def _run(self) -> None:
        self._guarded(self._begin)
        closing = False
        while not closing:
            closing = self._closing.wait(FLUSH_S)
            # What is queued meanwhile waits for the next turn: under load each look would find a line or two, and sync for them.
            waiting = len(self._lines)
            for start in range(0, waiting, BATCH_LINES):
                self._append([self._lines.popleft() for _ in range(min(BATCH_LINES, waiting - start))])
            if self._journal is None and time.monotonic() - self._journal_at > JOURNAL_S:
                self._have_journal()
            if closing or time.monotonic() - self._anchored_at > ANCHOR_S:
                self._guarded(self._anchor)
        if self._journal:
            self._guarded(self._journal.close)

    def _guarded(self, work: Callable[[], None]) -> None:
        """What the trail can do without."""
        try:
            work()
        except Exception as error:  # noqa: BLE001 - lines are written all the same
            self._meter.add(TELEMETRY_DROPPED, 1, ("audit",))
            log.error("audit_failed", error=type(error).__name__, at=where(error))  # noqa: TRY400

    def _append(self, batch: list[_Line]) -> None:
        decisions = len(batch) - sum(line.record.startswith(NOTE) for line in batch)
        try:
            self._write(batch)
        except Exception as error:  # noqa: BLE001 - a line that cannot be made is one that is missing; the next may be good
            reason = (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
            self.lose(decisions, reason)
        else:
            self.blocked = False
            self._meter.add(AUDIT_LINES, decisions, ("written",))
        for line in batch:
            _end(line)

    def _write(self, batch: list[_Line]) -> None:
        """Append lines under a lock: the workers of one processor share the file and its chain."""
        while not self._written(batch):
            pass  # rotated: another worker may be the first in the new file, and its lines come before ours

    def _written(self, batch: list[_Line]) -> bool:
        """Append lines, behind what is to be said of those that are missing; False when the file was full, and is another now."""
        with self._locked() as file:
            closing, notes, link = self._look(file)
            with self._losing:
                lost = self._lost
                if lost:
                    notes.append(audit_gap.lost(lost, self._lost_since, self._lost_reason))
            lines = []
            for waiting in (*(_Line(note) for note in notes), *batch):
                line, link = self._chain.line(waiting.record, link)
                lines.append(line)
                if waiting.slot is not None and waiting.journal is not None:
                    waiting.journal.writing(waiting.slot, link)
            data = closing + b"".join(lines)
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
            self._link, self._seen, self._wrote = link, _state(file), True
            with self._losing:
                self._lost -= lost
        self._written_lines(lines)
        return True

    def _look(self, file: FileIO) -> tuple[bytes, list[str], Link]:
        """What closes a torn line, what is to be said of what was found, and where the chain stands."""
        if _state(file) == self._seen:
            return b"", [], self._link
        link, rest = last_link(file)
        closing = b"\n" if rest and not rest.endswith(b"\n") else b""
        if link is None and not rest:
            link, rest = self._last_of_rotated()
        notes = [audit_gap.torn(hashlib.sha256(rest).hexdigest(), len(rest))] if rest else []
        ours = self._link
        if self._wrote and not self._goes_on(file, link):
            what = "rewritten, or shorter" if os.fstat(file.fileno()).st_ino == self._seen[0] else "removed"
            notes.append(audit_gap.changed(ours.seq, ours.value, what))
            link = ours if link is None or link.seq < ours.seq else link
        return closing, notes, link or ours

    def _goes_on(self, file: FileIO, link: Link | None) -> bool:
        """Whether what we wrote last stands where it stood: in this file, or in one that has been rotated."""
        inode, end = self._seen
        ending = f'"seq":{self._link.seq},"chain":"{self._link.value}"}}\n'.encode()
        if os.fstat(file.fileno()).st_ino == inode:
            return os.pread(file.fileno(), len(ending), max(0, end - len(ending))) == ending
        rotated = (self._part(number) for number in range(1, self._settings.keep + 1))
        if any(path.exists() and path.stat().st_ino == inode for path in rotated):
            return True
        return link is not None and link.seq > self._link.seq  # so far behind that even the rotated one is gone

    def _last_of_rotated(self) -> tuple[Link | None, bytes]:
        path = self._part(1)
        if not path.exists():
            return None, b""
        with FileIO(path, "rb") as file:
            return last_link(file)

    def _locked(self) -> FileIO:
        """The file, open and ours alone until it is closed."""
        while True:
            file = _opened(self._settings.path)
            fcntl.flock(file, fcntl.LOCK_EX)
            with contextlib.suppress(FileNotFoundError):
                if os.fstat(file.fileno()).st_ino == self._settings.path.stat().st_ino:
                    return file
            file.close()  # another worker has rotated it meanwhile

    def _rotate(self) -> None:
        for number in range(self._settings.keep - 1, 0, -1):
            older = self._part(number)
            if older.exists():
                older.replace(self._part(number + 1))
        self._settings.path.replace(self._part(1))

    def _part(self, number: int) -> Path:
        return self._settings.path.with_name(f"{self._settings.path.name}.{number}")

    # What outlives a process, and what is kept elsewhere

    def _have_journal(self) -> None:
        self._journal_at = time.monotonic()
        try:
            self._journal = Journal.made(file_of(self._settings.path, self._name))
        except OSError as error:
            log.error("journal_failed", reason=error.strerror)  # noqa: TRY400

    def _begin(self) -> None:
        """Say that somebody else writes on, and put on record what was under way in processors that are gone."""
        gone = left_behind(self._settings.path)
        parts = (self._settings.path, *(self._part(number) for number in range(1, self._settings.keep + 1)))
        under_way = list(not_on_record(gone, parts))
        if self._goes_on_from or gone:
            note = audit_gap.start(self._name, killed=len(gone), unfinished=len(under_way))
            self._append([_Line(note)])
        for start in range(0, len(under_way), BATCH_LINES):
            lines = []
            for journal, left in under_way[start : start + BATCH_LINES]:
                exchange, project = unfinished(left.told)
                lines.append(_Line(audit_line(exchange, project, None, ""), left.slot, journal))
                if not left.counted:
                    self._meter.add(REQUESTS, 1, ("", exchange.model or "", "", "", KILLED, exchange.outcome))
                    journal.ended(left.slot)
            self._append(lines)
        for journal in gone:
            journal.close()

    def _anchor(self) -> None:
        """Tell where the chain stands: who keeps that elsewhere sees when lines are missing at the end."""
        self._anchored_at = time.monotonic()
        if not self._wrote or self._link == self._anchored:
            return
        self._anchored = self._link
        anchor = {"time": round(time.time(), 3), "seq": self._link.seq, "chain": self._link.value}
        log.info("audit_anchor", seq=self._link.seq, chain=self._link.value)
        if self._settings.anchors:
            with FileIO(self._settings.anchors, "ab", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
                file.write((json.dumps(anchor) + "\n").encode())


def _end(line: _Line) -> None:
    """It is on record, or never will be."""
    if line.slot is not None and line.journal is not None:
        line.journal.end(line.slot)


def _put(file: FileIO, data: bytes) -> None:
    """Write all of it, and see it on the disk. Raises OSError."""
    if file.write(data) != len(data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.fdatasync(file.fileno())


def _state(file: FileIO) -> tuple[int, int]:
    """Changes when somebody else writes to the file, or puts another in its place."""
    status = os.fstat(file.fileno())
    return status.st_ino, status.st_size
