"""How much of what is of no use a client may send: floods of frames that are all allowed, and cost more than they bring.

Resets of calls in which nothing was said (CVE-2023-44487), pings, settings, priorities, updates of windows, empty frames of
data, headers in many frames, frames of no meaning (RFC 9113, 10.5): each takes from a budget, which time and useful frames
fill up again. An Envoy at work sends about one of them for each call; a flood sends nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from extproc.http2.frames import Code, ConnectionFaultError

if TYPE_CHECKING:
    from collections.abc import Callable

MOST: Final = 4000
"""Frames of no use that may come at once."""
EARNED: Final = 4
"""For each frame of data, either way."""
PER_SECOND: Final = 100.0


class Patience:
    """Of one connection."""

    __slots__ = ("_clock", "_left", "_since")

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._left = float(MOST)
        self._since = clock()

    def earn(self) -> None:
        """Something useful came or went."""
        if self._left < MOST:
            self._left += EARNED

    def spend(self, count: int) -> None:
        """Something of no use came. Raises ConnectionFaultError when there was too much of it."""
        self._left -= count
        if self._left < 0:
            now = self._clock()
            self._left = min(MOST, self._left + (now - self._since) * PER_SECOND)
            self._since = now
            if self._left < 0:
                raise ConnectionFaultError(Code.ENHANCE_YOUR_CALM, "too many frames of no use")
