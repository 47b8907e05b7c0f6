"""What workers have counted, those that are gone included."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol

from extproc.telemetry.arena import Arena
from extproc.telemetry.series import counted, merge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from extproc.telemetry.series import Snapshot


class Counting(Protocol):
    """A place for one worker after the other."""

    arena: Arena
    """Where the one that has it now counts."""


class Counts:
    """Whoever scrapes while a worker dies finds what that one had counted once: not twice, and not never."""

    def __init__(self, places: Sequence[Counting]) -> None:
        self._places = places
        self._past: Snapshot = {}
        """Of those that are gone."""
        self._lock = threading.Lock()

    def bury(self, place: Counting) -> None:
        """The worker that had this place is gone, and the next one counts from nothing."""
        with self._lock:
            self._past = merge([self._past, counted(place.arena.snapshot())])
            place.arena = Arena()

    def snapshot(self) -> Snapshot:
        """By now. Any thread may ask."""
        with self._lock:
            return merge([*(place.arena.snapshot() for place in self._places), self._past])
