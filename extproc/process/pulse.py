"""What a worker and its parent tell one another without asking: that it lives, whether it serves, which mesh it works by."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import MutableSequence

SILENT_S = 5.0
"""A worker beats once a second; one that has not for so long is stopped, or hangs."""
_BEAT, _READY, _GENERATION, _WANTED, _SOCKET = range(5)


class Pulse:
    """Of one worker: a few cells, shared where the two are processes of their own."""

    def __init__(self, cells: MutableSequence[float] | None = None) -> None:
        self._cells = cells if cells is not None else [0.0] * (_SOCKET + 1)

    def beat(self, *, ready: bool, generation: int) -> None:
        """The worker lives."""
        cells = self._cells
        cells[_READY], cells[_GENERATION], cells[_BEAT] = float(ready), float(generation), time.monotonic()

    @property
    def alive(self) -> bool:
        """Whether it has beaten of late."""
        return time.monotonic() - self._cells[_BEAT] < SILENT_S

    @property
    def ready(self) -> bool:
        """Whether it serves."""
        return self.alive and bool(self._cells[_READY])

    @property
    def generation(self) -> int:
        """Of the mesh that it works by; 0 before it does."""
        return int(self._cells[_GENERATION])

    @property
    def wanted(self) -> int:
        """Of the mesh that its parent works by; 0 where it has none."""
        return int(self._cells[_WANTED])

    def want(self, generation: int) -> None:
        """The parent works by another mesh."""
        self._cells[_WANTED] = float(generation)

    @property
    def inode(self) -> int:
        """Of its socket; 0 while it has none."""
        return int(self._cells[_SOCKET])

    def listens(self, inode: int) -> None:
        """The worker's socket has its name."""
        self._cells[_SOCKET] = float(inode)
