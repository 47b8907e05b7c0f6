"""Memory in which a worker counts and its parent reads: what was counted outlives the worker, and to read it asks nobody.

A worker that is killed, stopped or busy answers no question. So its counts lie where the parent sees them too: a list of
records, one for each series, that only grows. A record's length is written last, so that a reader never sees half of one.
"""

from __future__ import annotations

import json
import mmap
import struct
import threading
from typing import TYPE_CHECKING, cast

from extproc.telemetry.instruments import KEPT

if TYPE_CHECKING:
    from extproc.telemetry.series import Cells, Labels, Snapshot

SIZE_BYTES = 8 * 2**20
"""Some 30,000 series. What nobody has written to takes no memory."""
WORD = 8
PULSE_WORDS = 8
_HEAD = struct.Struct("<IIII")
"""Words of the whole record, number of the instrument, bytes of the labels, cells."""
NUMBERS = {instrument.name: number for number, instrument in enumerate(KEPT)}


class Arena:
    """Made by the parent, for one worker, before that is forked."""

    def __init__(self) -> None:
        self._map = mmap.mmap(-1, SIZE_BYTES)
        self._cells = memoryview(self._map).cast("d")
        self.pulse = cast("Cells", self._cells[:PULSE_WORDS])
        """For what is no count: see `process/pulse.py`."""
        self._end = PULSE_WORDS
        self._lock = threading.Lock()

    def allot(self, name: str, labels: Labels, size: int) -> Cells | None:
        """So many cells of zero for a series; None where there is no more room."""
        record = json.dumps(labels).encode()
        words = (_HEAD.size + len(record) + WORD - 1) // WORD
        with self._lock:
            start, end = self._end, self._end + words + size
            if (end + 1) * WORD > SIZE_BYTES:
                return None
            at = start * WORD + _HEAD.size
            self._map[at : at + len(record)] = record
            _HEAD.pack_into(self._map, start * WORD, 0, NUMBERS[name], len(record), size)
            struct.pack_into("<I", self._map, start * WORD, words + size)
            self._end = end
        return cast("Cells", self._cells[start + words : end])

    def snapshot(self) -> Snapshot:
        """All that has been counted so far, by whoever writes."""
        snapshot: Snapshot = {}
        at = PULSE_WORDS
        while (at + 1) * WORD < SIZE_BYTES:
            whole, number, length, size = _HEAD.unpack_from(self._map, at * WORD)
            if not whole:
                break
            start = at * WORD + _HEAD.size
            labels = tuple(json.loads(self._map[start : start + length]))
            snapshot.setdefault(KEPT[number].name, {})[labels] = list(self._cells[at + whole - size : at + whole])
            at += whole
        return snapshot
