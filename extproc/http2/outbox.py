"""What is written to a connection, held a moment where more is likely to come: a write costs as much as a small answer."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

LONGEST_HELD_S = 0.0005
"""One or two short requests. From 0.3 ms to no end the processor took the same time; what is held comes later, that is all."""


class Outbox:
    """In front of a transport."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._holding = False
        self._held: list[bytes] = []
        self._since = 0.0
        """When the first of what is held was written."""

    def hold(self) -> None:
        """Keep what is written until `release`, `flush`, or one comes LONGEST_HELD_S after another."""
        self._holding = True

    def release(self) -> None:
        """Send what is held, and from here on all at once."""
        self._holding = False
        self.flush()

    def write(self, data: bytes) -> None:
        """Send, or hold."""
        if not self._holding:
            self._transport.write(data)
            return
        now = monotonic()
        if not self._held:
            self._since = now
        self._held.append(data)
        if now - self._since > LONGEST_HELD_S:
            self.flush()

    def flush(self) -> None:
        """Send what is held."""
        if self._held:
            data = b"".join(self._held)
            self._held.clear()
            self._transport.write(data)
