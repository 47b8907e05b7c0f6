"""One gRPC call: messages in, messages out, and a status at the end. Handlers know it as their context."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, NoReturn, Protocol
from urllib.parse import quote

import grpc

from extproc.http2.frames import (
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    RST_STREAM,
    WINDOW_UPDATE,
    Code,
    frame,
    literal,
    number,
)
from extproc.http2.incoming import PREFIX, AbortedError, Incoming
from extproc.http2.work import pause

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Callable, Sequence

    from extproc.http2.work import Work

STREAM_WINDOW = 1 << 18
"""How much of a call may come before anything of it is taken."""
UNREAD_MESSAGES = 64
"""So many messages may wait to be read; from then on, the caller's window stays shut."""

_INDEXED_200 = b"\x88"
BEGINNING = _INDEXED_200 + literal(b"content-type", b"application/grpc")
TRAILERS_OK = literal(b"grpc-status", b"0")
_NO_ERROR = number(Code.NO_ERROR)
LONGEST_DETAILS = 256
_MESSAGE_CHARACTERS = " !\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~"


class Carrier(Protocol):
    """The connection of a call, as the call knows it."""

    loop: asyncio.AbstractEventLoop
    window: int
    """Bytes that all calls may send."""
    largest_frame: int
    blocked: dict[int, Call]
    """Calls that wait for room to send."""
    held: int
    """Bytes of messages that have come in part, of all calls."""
    largest_held: int
    """How many may be."""

    def has_sent(self) -> None:
        """A piece of a reply was sent."""

    def write(self, data: bytes) -> None:
        """Send, now or with what comes soon."""

    def flush(self) -> None:
        """Send now what was written."""

    def forget(self, call: Call) -> None:
        """The call is over."""


def _announced(metadata: Sequence[tuple[str, str]]) -> int | None:
    for name, value in metadata:
        if name == "content-length":
            return int(value) if value.isascii() and value.isdigit() else -1
    return None


class Call:
    """The server's side of a stream."""

    def __init__(
        self,
        connection: Carrier,
        stream: int,
        metadata: Sequence[tuple[str, str]],
        window: int,
        largest_message: int,
    ) -> None:
        self.stream = stream
        self.window = window
        """Bytes that may be sent; grows with WINDOW_UPDATE."""
        self.credit = STREAM_WINDOW
        """Bytes that may come."""
        self.work: Work | None = None
        """What the handler does; it is cancelled with the call."""
        self.closed = False
        """Nothing more can be sent: a status has been, or the stream was reset."""
        self.serialize: Callable[[Any], bytes] | None = None
        """Makes the bytes of a reply; None: replies are bytes."""
        self.has_said = False
        """Something of a message has come."""
        self.announced = _announced(metadata)
        """Bytes of data that are still to come, where that was told; less than nothing: it was told in no number."""
        self._connection = connection
        self._metadata = metadata
        self._messages: deque[bytes] = deque()
        self._largest = largest_message
        self.incoming: Incoming | None = None
        """Puts messages together that come in part, once one has."""
        self.ended = False
        """Whether the caller has said all."""
        self._fault: AbortedError | None = None
        self._reading = False
        self._begun = False
        self._said_end = False
        self._unsent = memoryview(b"")
        self._sender: asyncio.Future[None] | None = None

    # What handlers use

    def invocation_metadata(self) -> Sequence[tuple[str, str]]:
        """Names and values of the headers that the call began with."""
        return self._metadata

    async def read(self) -> Any:
        """The next message; `grpc.aio.EOF` when the caller has said all."""
        while not self._messages:
            if self._fault is not None:
                raise self._fault
            if self.ended:
                return grpc.aio.EOF
            self._reading = True
            try:
                await pause()
            finally:
                self._reading = False
        message = self._messages.popleft()
        if self.credit <= STREAM_WINDOW // 2:
            self._give_credit()
        return message

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """All messages to come."""
        while (message := await self.read()) is not grpc.aio.EOF:
            yield message

    def unread(self) -> list[bytes]:
        """Messages that have come and that nobody has read; for who has ended reading."""
        messages = list(self._messages)
        self._messages.clear()
        return messages

    async def write(self, reply: Any) -> None:
        """Send a reply; waits while the caller does not take it."""
        data = self.serialize(reply) if self.serialize else reply
        if not self._send(data):
            await self._all_sent()

    def flush(self) -> None:
        """Send now what was written, before something that takes long."""
        self._connection.flush()

    async def abort(self, code: grpc.StatusCode, details: str = "") -> NoReturn:
        """End the call with this status. Raises AbortedError."""
        raise AbortedError(code, details)

    # What the server uses

    def say_end(self) -> None:
        """Send that all went well, and go on hearing what the caller says until it knows."""
        if not self.closed and not self._said_end:
            self._said_end = True
            self._connection.write(
                self._beginning() + frame(HEADERS, END_HEADERS | END_STREAM, self.stream, TRAILERS_OK)
            )

    async def finish(self, last: bytes | None) -> None:
        """Send the last reply, if any, and that all went well; in one write where the caller takes it at once."""
        if self.closed:
            return
        if self._said_end:
            self._close(b"")
            return
        if last is not None:
            start = self._beginning()
            size = len(last)
            if size + PREFIX.size <= self._room():
                self._spend(size + PREFIX.size)
                data = frame(DATA, 0, self.stream, PREFIX.pack(0, size) + last)
                self._close(start + data + frame(HEADERS, END_HEADERS | END_STREAM, self.stream, TRAILERS_OK))
                return
            self._connection.write(start)
            if not self._send(last):
                await self._all_sent()
        self._close(self._beginning() + frame(HEADERS, END_HEADERS | END_STREAM, self.stream, TRAILERS_OK))

    def fail(self, code: grpc.StatusCode, details: str) -> None:
        """Send a status that is not OK."""
        if self.closed:
            return
        block = literal(b"grpc-status", str(code.value[0]).encode())
        if details:
            block += literal(b"grpc-message", quote(details[:LONGEST_DETAILS], safe=_MESSAGE_CHARACTERS).encode())
        if not self._begun:
            block = BEGINNING + block
        self._close(frame(HEADERS, END_HEADERS | END_STREAM, self.stream, block))

    def reset(self, code: Code = Code.CANCEL) -> None:
        """End the call without a status: an error to the caller, whatever it has been told before."""
        self._close(frame(RST_STREAM, 0, self.stream, number(code)), resets=True)

    def _close(self, last: bytes, *, resets: bool = False) -> None:
        if self.closed:
            return
        if not self.ended and not resets:  # what the caller has still to say is not needed
            last += frame(RST_STREAM, 0, self.stream, _NO_ERROR)
        self._connection.write(last)
        self._connection.forget(self)

    # What the connection uses

    def counts(self, size: int, *, last: bool) -> bool:
        """Whether that much more data, the last or not, is what was announced (RFC 9113, 8.1.1)."""
        if self.announced is None:
            return True
        self.announced -= size
        return self.announced == 0 if last else self.announced >= 0

    def feed(self, data: bytes, *, last: bool = False) -> None:
        """More of the caller's messages; `last`: it has said all.

        After a refused one none is taken: what follows may be the rest of it.
        """
        if self._fault is not None:
            return
        self.has_said = True
        self.ended |= last  # known before a handler answers, which else would reset what is over already
        incoming = self.incoming
        if (incoming is None or not incoming.pieces) and len(data) >= PREFIX.size:
            compressed, size = PREFIX.unpack_from(data)
            if size + PREFIX.size == len(data) and not compressed and size <= self._largest:
                self._messages.append(data[PREFIX.size :])
                self._wake_reader()
                return
        if incoming is None:
            incoming = self.incoming = Incoming(self._connection, self._messages, self._largest)
        try:
            incoming.take(data)
        except AbortedError as fault:
            self._fault = fault
        if self._messages or self._fault is not None:
            self._wake_reader()
        if self.credit <= STREAM_WINDOW // 2 and len(self._messages) < UNREAD_MESSAGES:
            self._give_credit()

    def end(self) -> None:
        """The caller has said all."""
        self.ended = True
        self._wake_reader()

    def pump(self) -> None:
        """Send of what waits as much as may be sent now."""
        while self._unsent and (room := self._room()) > 0:
            data, self._unsent = self._unsent[:room], self._unsent[room:]
            self._spend(len(data))
            self._connection.write(frame(DATA, 0, self.stream, bytes(data)))
        if not self._unsent and self._sender is not None and not self._sender.done():
            self._sender.set_result(None)

    def cancel(self) -> None:
        """End the handler: the stream is gone, reset by the caller or with its connection, or nobody asks for more of it."""
        if self.work is not None:
            self.work.cancel()

    def _wake_reader(self) -> None:
        if self._reading and self.work is not None:
            self.work.wake()

    def _give_credit(self) -> None:
        if self.ended or self.closed:
            return
        given = STREAM_WINDOW - self.credit
        self.credit = STREAM_WINDOW
        self._connection.write(frame(WINDOW_UPDATE, 0, self.stream, number(given)))

    def _beginning(self) -> bytes:
        if self._begun:
            return b""
        self._begun = True
        return frame(HEADERS, END_HEADERS, self.stream, BEGINNING)

    def _room(self) -> int:
        connection = self._connection
        return min(self.window, connection.window, connection.largest_frame)

    def _spend(self, size: int) -> None:
        self.window -= size
        self._connection.window -= size
        self._connection.has_sent()

    def _send(self, message: bytes) -> bool:
        """Whether all of it could be sent at once."""
        if self.closed:
            return True
        size = len(message)
        start = self._beginning()
        if size + PREFIX.size <= self._room():
            self._spend(size + PREFIX.size)
            self._connection.write(start + frame(DATA, 0, self.stream, PREFIX.pack(0, size) + message))
            return True
        if start:
            self._connection.write(start)
        head = min(self._room(), size) - PREFIX.size
        if head > 0:  # a large one is not copied for its prefix
            self._spend(PREFIX.size + head)
            self._connection.write(frame(DATA, 0, self.stream, PREFIX.pack(0, size) + message[:head]))
            self._unsent = memoryview(message)[head:]
        else:
            self._unsent = memoryview(PREFIX.pack(0, size) + message)
        self.pump()
        return not self._unsent

    async def _all_sent(self) -> None:
        while self._unsent and not self.closed:
            self._connection.blocked[self.stream] = self
            self._sender = self._connection.loop.create_future()
            try:
                await self._sender
            finally:
                self._sender = None
