"""Exchanges that are under way, in a file that outlives the process: what was killed in the middle is told by who comes after.

A line for each beginning in the trail itself would double it. Instead each worker has a file of slots in memory that the kernel
keeps when a process is killed (not when the machine loses its power). Who finds one that nobody holds writes a line for each
exchange in it, and removes it. Its room is taken at once: who writes to a page for which a full disk has no room is ended.
"""

from __future__ import annotations

import fcntl
import mmap
import os
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SLOTS = 4096
"""Exchanges at a time; those beyond are not in the journal."""
SLOT_BYTES = 384
EMPTY = b"\0"
ENDED = b"["
"""In place of the brace that a slot begins with: it has ended and been counted, and its own line is on its way."""


class Left(NamedTuple):
    """An exchange that was not on record when its process was killed."""

    told: str
    counted: bool
    """Its end was counted; what is missing is its line."""


class Journal:
    """The file of one worker."""

    def __init__(self, path: Path) -> None:
        """Raises OSError."""
        self._path = path
        made = path.with_name(
            path.name.replace(".open-", ".made-")
        )  # a journal that nobody holds would be taken for one left behind
        number = os.open(made, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(number, fcntl.LOCK_EX)
            os.posix_fallocate(number, 0, SLOTS * SLOT_BYTES)
            self._map = mmap.mmap(number, SLOTS * SLOT_BYTES)
            made.rename(path)
        except OSError:
            made.unlink(missing_ok=True)
            os.close(number)
            raise
        self._number = number
        self._free = deque(range(SLOTS))

    def begin(self, told: str) -> int | None:
        """Keep what is known of an exchange; its slot, or None where there is no room."""
        try:
            slot = self._free.pop()
        except IndexError:
            return None
        self.tell(slot, told)
        return slot

    def tell(self, slot: int, told: str) -> None:
        """More is known by now. What is too long for a slot stays as it was."""
        data = told.encode()
        size = len(data)
        if size >= SLOT_BYTES:
            return
        at = slot * SLOT_BYTES
        shared = self._map
        shared[at] = 0
        shared[at + 1 : at + size + 1] = data[1:] + EMPTY
        shared[at] = data[0]  # last, so that half of one is none

    def ended(self, slot: int) -> None:
        """It has ended, and been counted; it is not on record yet."""
        self._map[slot * SLOT_BYTES] = ENDED[0]

    def end(self, slot: int) -> None:
        """It is on record."""
        self._map[slot * SLOT_BYTES] = 0
        self._free.append(slot)

    def close(self) -> None:
        """All is on record: the file goes."""
        self._path.unlink(missing_ok=True)
        self._map.close()
        os.close(self._number)


def file_of(trail: Path, writer: str) -> Path:
    """The journal of one writer of a trail."""
    return trail.with_name(f"{trail.name}.open-{writer}")


def left_behind(trail: Path) -> list[tuple[Path, list[Left]]]:
    """Journals whose process is gone, and what was under way in each. Theirs who call this, until they are removed or it ends."""
    found = []
    for path in sorted(trail.parent.glob(f"{trail.name}.open-*")):
        try:
            number = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            try:
                fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
                taken = path.with_name(path.name.replace(".open-", ".taken-"))
                data = os.read(number, SLOTS * SLOT_BYTES)
                path.rename(taken)  # nobody else takes it, while we put it on record
            finally:
                os.close(number)
        except OSError:
            continue  # somebody lives, or was faster
        found.append((taken, list(_told(data))))
    return found


def _told(data: bytes) -> Iterator[Left]:
    for at in range(0, len(data), SLOT_BYTES):
        slot = data[at : at + SLOT_BYTES]
        if slot[:1] != EMPTY:
            counted = slot[:1] == ENDED
            told = b"{" + slot[1:] if counted else slot
            yield Left(told.partition(EMPTY)[0].decode(errors="replace"), counted)
