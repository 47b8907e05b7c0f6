"""The messages of a call as they come: put together from the data of frames, however they are cut."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Protocol

import grpc

if TYPE_CHECKING:
    from collections import deque

PREFIX = Struct(">BL")
"""Of a message: whether it is compressed, and its length."""
_SMALL = 4096
"""Bytes of a piece of a message up to which it is kept together with others."""


class AbortedError(Exception):
    """A handler has ended its call with a status."""

    def __init__(self, code: grpc.StatusCode, details: str) -> None:
        super().__init__(details)
        self.code, self.details = code, details


class Held(Protocol):
    """The connection of a call, as what comes in part knows it."""

    held: int
    """Bytes of messages that have come in part, of all calls."""
    largest_held: int
    """How many may be."""


class Incoming:
    """Of one call. What is whole goes to its messages; what is not waits here, and counts on the connection."""

    __slots__ = ("_connection", "_largest", "_messages", "_missing", "held", "pieces")

    def __init__(self, connection: Held, messages: deque[bytes], largest: int) -> None:
        self._largest = largest
        self.pieces: list[bytes | bytearray] = []
        """Of the message that has come in part."""
        self.held = 0
        """Bytes of them."""
        self._connection = connection
        self._messages = messages
        self._missing = 0
        """Of that message so many bytes are still to come; not known before its prefix is whole."""

    def take(self, data: bytes) -> None:
        """More of the caller's messages. Raises AbortedError for one that is refused; those before it have been taken."""
        self._missing -= len(data)
        try:
            if self._missing > 0:
                self._hold(data)
            elif not self.pieces:
                self._split(data)
            else:
                self.pieces.append(data)
                self._join()
        except AbortedError:
            self.pieces = []
            self._holds(0)
            raise

    def _join(self) -> None:
        """The pieces are one message, or more: a large one is copied once."""
        first, *rest = self.pieces
        if len(first) >= PREFIX.size:
            compressed, size = PREFIX.unpack_from(first)
            if not compressed and size <= self._largest and size + PREFIX.size == sum(map(len, self.pieces)):
                self._messages.append(b"".join((memoryview(first)[PREFIX.size :], *rest)))
                self.pieces, self._missing = [], 0
                self._holds(0)
                return
        self._split(b"".join(self.pieces))

    def _hold(self, data: bytes) -> None:
        """Keep a piece of a message; small ones in one, for each alone would take several times its size."""
        last = self.pieces[-1] if self.pieces else None
        if len(data) < _SMALL and isinstance(last, bytearray):
            last += data
        else:
            self.pieces.append(bytearray(data) if len(data) < _SMALL else data)
        self._holds(self.held + len(data))
        if self._connection.held > self._connection.largest_held:
            raise AbortedError(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many messages have come in part")

    def _split(self, data: bytes) -> None:
        """Take the messages that are whole; keep the rest, and know how much more is needed to go on."""
        at, size = 0, len(data)
        while size - at >= PREFIX.size:
            compressed, length = PREFIX.unpack_from(data, at)
            if compressed:
                raise AbortedError(grpc.StatusCode.UNIMPLEMENTED, "compressed messages are not understood")
            if length > self._largest:
                what = f"a message of {length} bytes is larger than {self._largest}"
                raise AbortedError(grpc.StatusCode.RESOURCE_EXHAUSTED, what)
            end = at + PREFIX.size + length
            if end > size:
                break
            self._messages.append(data[at + PREFIX.size : end])
            at = end
        else:
            end = at + PREFIX.size
        self.pieces, self._missing = [], 0
        if at < size:
            self.pieces, self._missing = [data[at:]], end - size
        self._holds(size - at)

    def _holds(self, size: int) -> None:
        self._connection.held += size - self.held
        self.held = size
