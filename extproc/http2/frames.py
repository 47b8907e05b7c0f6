"""The frames of HTTP/2 (RFC 9113), as bytes."""

from __future__ import annotations

from enum import IntEnum
from struct import Struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""What a client begins with."""
HEAD = Struct(">BHBBL")
"""Of a frame: its length (upper and lower part), kind, flags and stream."""
HEAD_SIZE = HEAD.size

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
"""Kinds of frames."""
END_STREAM, ACK, END_HEADERS, PADDED, WITH_PRIORITY = 0x1, 0x1, 0x4, 0x8, 0x20
"""Flags."""

HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE = range(1, 6)
"""Settings."""

SMALLEST_FRAME, LARGEST_FRAME = 16_384, 2**24 - 1
DEFAULT_WINDOW, LARGEST_WINDOW = 65_535, 2**31 - 1
LARGEST_STREAM = 2**31 - 1


class Code(IntEnum):
    """Why a stream is reset, or a connection ended."""

    NO_ERROR = 0x0
    PROTOCOL_ERROR = 0x1
    INTERNAL_ERROR = 0x2
    FLOW_CONTROL_ERROR = 0x3
    STREAM_CLOSED = 0x5
    FRAME_SIZE_ERROR = 0x6
    REFUSED_STREAM = 0x7
    CANCEL = 0x8
    COMPRESSION_ERROR = 0x9
    ENHANCE_YOUR_CALM = 0xB


class ConnectionFaultError(Exception):
    """The other side broke the protocol: the connection cannot go on."""

    def __init__(self, code: Code, reason: str) -> None:
        super().__init__(reason)
        self.code = code


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """One frame; its payload is no longer than what the other side takes."""
    size = len(payload)
    return HEAD.pack(size >> 16, size & 0xFFFF, kind, flags, stream) + payload


def number(value: int) -> bytes:
    """The payload of RST_STREAM and WINDOW_UPDATE."""
    return value.to_bytes(4, "big")


def settings(values: dict[int, int]) -> bytes:
    """SETTINGS."""
    return frame(SETTINGS, 0, 0, b"".join(key.to_bytes(2, "big") + number(value) for key, value in values.items()))


def goaway(last_stream: int, code: Code, reason: str = "") -> bytes:
    """GOAWAY."""
    return frame(GOAWAY, 0, 0, number(last_stream) + number(code) + reason.encode("ascii", "replace"))


def unpadded(payload: bytes, flags: int) -> bytes:
    """The payload of DATA and HEADERS without its padding, and without a priority. Raises ConnectionFaultError."""
    start = end = 0
    if flags & PADDED:
        start, end = 1, payload[0] if payload else 0
    if flags & WITH_PRIORITY:
        start += 5
    if start + end > len(payload):
        raise ConnectionFaultError(Code.PROTOCOL_ERROR, "the padding is longer than the frame")
    return payload[start : len(payload) - end]


def literal(name: bytes, value: bytes) -> bytes:
    """A header in HPACK (RFC 7541, 6.2.2), as it is: never indexed, never compressed."""
    return b"\x00" + _string(name) + _string(value)


def _string(value: bytes) -> bytes:
    size = len(value)
    if size < 0x7F:
        return bytes((size,)) + value
    out, size = bytearray(b"\x7f"), size - 0x7F
    while size >= 0x80:
        out.append(0x80 | size & 0x7F)
        size >>= 7
    out.append(size)
    return bytes(out) + value
