"""A connection that is sent any bytes: it answers, or ends; it raises nothing, and forgets every call that is over."""

from __future__ import annotations

import asyncio

import grpc
from hpack import Encoder

from extproc.http2 import Server, frames

GREETING = frames.PREFACE + frames.settings({})
SERVICE = "test.Service"
LARGEST = 1 << 16
BLOCK = Encoder().encode([(":method", "POST"), (":path", f"/{SERVICE}/echo"), ("te", "trailers")])
MESSAGE = b"\0\0\0\0\x05hello"
CALL = (
    frames.frame(frames.HEADERS, frames.END_HEADERS, 1, BLOCK),
    frames.frame(frames.DATA, 0, 1, MESSAGE),
    frames.frame(frames.DATA, frames.END_STREAM, 1, MESSAGE * 2),
    frames.frame(frames.RST_STREAM, 0, 1, frames.number(8)),
    frames.frame(frames.WINDOW_UPDATE, 0, 0, frames.number(99)),
    frames.frame(frames.PING, 0, 0, MESSAGE[:8]),
)
"""Frames that a client may send."""


class Transport:
    """Where a connection writes to."""

    def __init__(self) -> None:
        self.written = self.writes = 0
        self.closing = False

    def write(self, data: bytes) -> None:
        """Count."""
        self.written += len(data)
        self.writes += 1

    def close(self) -> None:
        """End."""
        self.closing = True

    def is_closing(self) -> bool:
        """Whether it was ended."""
        return self.closing


async def echo(messages: object, call: object) -> bytes:
    """Write back what is said."""
    last = b""
    while (message := await call.read()) is not grpc.aio.EOF:  # type: ignore[attr-defined]
        await call.write(last)  # type: ignore[attr-defined]
        last = message
    return last


async def listen(data: bytes) -> None:
    """A connection that is sent these bytes, in packets whose sizes they say themselves."""
    faults: list[BaseException] = []
    server = Server("unix:", largest_message=LARGEST, report=faults.append)
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(SERVICE, {"echo": grpc.stream_unary_rpc_method_handler(echo)}),)
    )
    connection, transport = server.connection(asyncio.get_running_loop()), Transport()
    connection.connection_made(transport)  # type: ignore[arg-type]
    at = 0
    while at < len(data) and not transport.closing:
        size = 1 + data[at] * 4
        connection.data_received(data[at : at + size])
        await asyncio.sleep(0)
        at += size
    connection.connection_lost(None)
    await server.stop()
    if faults:
        raise faults[0]
    if connection.calls or connection.blocked:
        raise AssertionError("calls are left")
