"""Exchanges that are under way, in a file that outlives the process: what was killed in the middle is told by who comes after.

A line for each beginning in the trail itself would double it. Instead each worker has a file of slots in memory that the kernel
keeps when a process is killed (not when the machine loses its power). Who finds one that nobody holds goes on with it: writes a
line for each exchange in it that has none, and removes it; if that one is killed too, the next goes on from there. Before a
line is written, its place in the chain is noted: by that, and not by what a caller calls its request, it is known whether it is
on record. A journal's room is taken at once: who writes to a page for which a full disk has no room is ended.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
from collections import deque
from typing import TYPE_CHECKING, NamedTuple, Self

from extproc.telemetry.audit_chain import Link

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SLOTS = 4096
"""Exchanges at a time; those beyond are not in the journal."""
TOLD_BYTES = 384
_PLACE = struct.Struct(">Q32s")
"""Number and chain value of the line that is written for it."""
SLOT_BYTES = TOLD_BYTES + _PLACE.size
EMPTY = b"\0"
BEGUN = b"{"
ENDED = b"["
"""In place of the brace that a slot begins with: it has ended and been counted, and its own line is on its way."""
WRITING = b"<"
"""Likewise: its line is being written, or was."""


class Left(NamedTuple):
    """An exchange that was not on record, as far as its journal knows, when its process was killed."""

    slot: int
    told: str
    counted: bool
    """Its end was counted; what is missing is its line."""
    line: Link | None
    """That line, where it may be on record all the same."""


class Journal:
    """The file of one worker. Both ways to get one raise OSError."""

    def __init__(self, path: Path, number: int) -> None:
        """`number`: of the file, open and ours alone."""
        self._path = path
        self._number = number
        self._map = mmap.mmap(number, SLOTS * SLOT_BYTES)
        self._free = deque(range(SLOTS))

    @classmethod
    def made(cls, path: Path) -> Self:
        """A new one."""
        # a journal that nobody holds would be taken for one left behind
        made = path.with_name(path.name.replace(".open-", ".made-"))
        number = os.open(made, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(number, fcntl.LOCK_EX)
            os.posix_fallocate(number, 0, SLOTS * SLOT_BYTES)
            journal = cls(path, number)
            made.rename(path)
        except OSError:
            made.unlink(missing_ok=True)
            os.close(number)
            raise
        return journal

    @classmethod
    def adopted(cls, path: Path) -> Self:
        """One that nobody holds any more."""
        number = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            status = os.fstat(number)
            if path.stat().st_ino != status.st_ino or status.st_size != SLOTS * SLOT_BYTES:
                raise FileNotFoundError(path)
            return cls(path, number)
        except OSError:
            os.close(number)
            raise

    def begin(self, told: str) -> int | None:
        """Keep what is known of an exchange; its slot, or None where there is no room."""
        if len(told) >= TOLD_BYTES or not self._free:
            return None
        slot = self._free.pop()
        self.tell(slot, told)
        return slot

    def tell(self, slot: int, told: str) -> None:
        """More is known by now. What is too long for a slot stays as it was."""
        data = told.encode()
        size = len(data)
        if size >= TOLD_BYTES:
            return
        at = slot * SLOT_BYTES
        shared = self._map
        shared[at] = 0
        shared[at + 1 : at + size + 1] = data[1:] + EMPTY
        shared[at] = data[0]  # last, so that half of one is none

    def ended(self, slot: int) -> None:
        """It has ended, and been counted; it is not on record yet."""
        self._map[slot * SLOT_BYTES] = ENDED[0]

    def writing(self, slot: int, line: Link) -> None:
        """This is the line that is going to be written for it."""
        at = slot * SLOT_BYTES
        self._map[at] = ENDED[0]  # it may have been tried before, at another place
        _PLACE.pack_into(self._map, at + TOLD_BYTES, line.seq, bytes.fromhex(line.value[-64:]))
        self._map[at] = WRITING[0]

    def end(self, slot: int) -> None:
        """It is on record."""
        self._map[slot * SLOT_BYTES] = 0
        self._free.append(slot)

    def left(self) -> Iterator[Left]:
        """What was under way when its process was killed."""
        for slot in range(SLOTS):
            at = slot * SLOT_BYTES
            state = self._map[at : at + 1]
            if state != EMPTY:
                told = (BEGUN + self._map[at + 1 : at + TOLD_BYTES]).partition(EMPTY)[0].decode(errors="replace")
                line = None
                if state == WRITING:
                    seq, value = _PLACE.unpack_from(self._map, at + TOLD_BYTES)
                    line = Link(seq, value.hex())
                yield Left(slot, told, state != BEGUN, line)

    def close(self) -> None:
        """All is on record: the file goes."""
        self._path.unlink(missing_ok=True)
        self._map.close()
        os.close(self._number)


def file_of(trail: Path, writer: str) -> Path:
    """The journal of one writer of a trail."""
    return trail.with_name(f"{trail.name}.open-{writer}")


def left_behind(trail: Path) -> list[Journal]:
    """Journals whose process is gone. Theirs who call this, until they close them or end."""
    journals = []
    for path in sorted(trail.parent.glob(f"{trail.name}.open-*")):
        try:
            journals.append(Journal.adopted(path))
        except OSError:
            continue  # somebody lives, or was faster
    return journals
