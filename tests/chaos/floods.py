"""Speaks HTTP/2 to the processor as an attacker would: every frame is allowed, and there are too many of them."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from hpack import Encoder

from extproc.http2 import frames
from extproc.http2.frames import frame, number, settings
from extproc.wire import messages as wire

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

MANY = 2000
PATIENCE_S = 1.0
"""How long a flood goes on being sent to a processor that does not take it."""
HELD_S = 0.3
"""How long the connection is then held, unread."""
GREETING = frames.PREFACE + settings({})
UNREAD = frames.PREFACE + settings({frames.INITIAL_WINDOW_SIZE: 0})
"""Of a client that lets nothing be sent to it."""
CALL = [(":method", "POST"), (":scheme", "http"), (":path", f"/{wire.SERVICE}/{wire.METHOD}"), ("te", "trailers")]
BLOCK = Encoder().encode([*CALL, ("content-type", "application/grpc")])


def _begin(stream: int) -> bytes:
    return frame(frames.HEADERS, frames.END_HEADERS, stream, BLOCK)


def _resets() -> bytes:
    """Calls that are taken back as soon as they are begun."""
    return b"".join(_begin(i) + frame(frames.RST_STREAM, 0, i, number(8)) for i in range(1, 2 * MANY, 2))


def _calls() -> bytes:
    """Calls in which nothing is ever said."""
    return b"".join(map(_begin, range(1, 2 * MANY, 2)))


def _pings() -> bytes:
    """Each wants an answer, and none is read."""
    return frame(frames.PING, 0, 0, b"12345678") * MANY * 20


def _settings() -> bytes:
    """Likewise; each with another window for calls that wait."""
    return b"".join(map(_begin, range(1, 100, 2))) + settings({frames.INITIAL_WINDOW_SIZE: 0}) * MANY


def _headers() -> bytes:
    """Headers that never end."""
    return frame(frames.HEADERS, 0, 1, BLOCK) + frame(frames.CONTINUATION, 0, 1, b"\x00\x01a\x01b" * 100) * MANY


def _trickle() -> bytes:
    """A message of eight megabytes in frames of a byte."""
    return _begin(1) + frame(frames.DATA, 0, 1, b"\0" + number(8 << 20)) + frame(frames.DATA, 0, 1, b"x") * MANY * 10


def _large() -> bytes:
    """Calls that each begin a message of eight megabytes and send of it what they may."""
    parts = []
    for i in range(1, 32, 2):
        parts += [_begin(i), frame(frames.DATA, 0, i, b"\0" + number(8 << 20))]
        parts += [frame(frames.DATA, 0, i, bytes(16_000))] * 60
    return b"".join(parts)


KINDS: dict[str, tuple[bytes, Callable[[], bytes]]] = {
    "resets": (GREETING, _resets),
    "calls": (UNREAD, _calls),
    "pings": (GREETING, _pings),
    "settings": (UNREAD, _settings),
    "headers": (GREETING, _headers),
    "trickle": (GREETING, _trickle),
    "large": (GREETING, _large),
}


async def flood(socket: str, dice: random.Random) -> str:
    """One connection's flood; which one it was."""
    kind = dice.choice(list(KINDS))
    greeting, make = KINDS[kind]
    _, writer = await asyncio.open_unix_connection(socket)
    with contextlib.suppress(TimeoutError, ConnectionError):
        writer.write(greeting + make())
        async with asyncio.timeout(PATIENCE_S):
            await writer.drain()
    await asyncio.sleep(HELD_S)
    writer.transport.abort()
    return kind
