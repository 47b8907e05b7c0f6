"""How late the event loop is: the part of a deadline that is spent before anybody looks at a message.

Envoy's clock runs from the moment it sends a message; ours can only start when the message is read. On a machine that
has too much to do, the time between the two is what turns a deadline that was kept into a 504.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

BEAT_S = 0.1
"""How often the loop is listened to; stalls shorter than this are not worth an answer of less quality."""


class LoopLag:
    """A heart in the event loop: a beat that comes late says how long everything else had to wait."""

    def __init__(self) -> None:
        self._due: float | None = None
        self._last = 0.0
        self._handle: asyncio.TimerHandle | None = None

    def listen(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin. Without it nothing is ever late."""
        self._due = monotonic() + BEAT_S
        self._handle = loop.call_later(BEAT_S, self._beat, loop)

    def close(self) -> None:
        """End."""
        if self._handle is not None:
            self._handle.cancel()
        self._due, self._last = None, 0.0

    def seconds(self) -> float:
        """What a message that is read now may have waited: by the last beat, or by one that is overdue."""
        if self._due is None:
            return 0.0
        return max(self._last, monotonic() - self._due)

    def _beat(self, loop: asyncio.AbstractEventLoop) -> None:
        assert self._due is not None
        self._last = max(0.0, monotonic() - self._due)
        self.listen(loop)
