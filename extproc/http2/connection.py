"""One HTTP/2 connection: frames in, calls fed; what calls send, out."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar, cast

from extproc.http2.call import STREAM_WINDOW, Call
from extproc.http2.frames import (
    ACK,
    CONTINUATION,
    DATA,
    DEFAULT_WINDOW,
    END_STREAM,
    HEAD,
    HEAD_SIZE,
    HEADERS,
    INITIAL_WINDOW_SIZE,
    LARGEST_FRAME,
    LARGEST_STREAM,
    LARGEST_WINDOW,
    MAX_FRAME_SIZE,
    PADDED,
    PING,
    PREFACE,
    PUSH_PROMISE,
    RST_STREAM,
    SETTINGS,
    SMALLEST_FRAME,
    WINDOW_UPDATE,
    Code,
    ConnectionFaultError,
    frame,
    goaway,
    number,
    settings,
    unpadded,
)
from extproc.http2.headers import HeaderReader
from extproc.http2.outbox import Outbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from extproc.http2.headers import Headers, Metadata

NUMBER_SIZE = 4

CONNECTION_WINDOW = 1 << 24
"""How much of all calls of a connection may come before it is seen to; what single calls hold is bounded by theirs."""
LARGEST_TAKEN = 1 << 18
"""Of the other side's frames: a large body in few of them."""


class Connection(asyncio.Protocol):
    """The server's side. What breaks the protocol ends the connection, and so every call on it, with an error."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        begin: Callable[[Call, Metadata], None],
        gone: Callable[[Connection], None],
        largest_message: int,
    ) -> None:
        """`begin` is told of each call, `gone` of the connection's end."""
        self.loop = loop
        self.window = DEFAULT_WINDOW
        """Bytes that may be sent in all."""
        self.largest_frame = SMALLEST_FRAME
        """That the other side takes."""
        self.blocked: dict[int, Call] = {}
        """Calls that wait for room to send."""
        self.calls: dict[int, Call] = {}
        self._begin = begin
        self._gone = gone
        self._largest_message = largest_message
        self._credit = CONNECTION_WINDOW
        self._call_window = DEFAULT_WINDOW
        """What a new call may send."""
        self._rest = bytearray()
        self._needed = 0
        self._transport: asyncio.Transport
        self._outbox: Outbox
        self._greeted = self._settled = False
        self._last_stream = 0
        self._headers = HeaderReader()

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say what we take."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but its class
        self._outbox = Outbox(self._transport)
        greeting = settings({INITIAL_WINDOW_SIZE: STREAM_WINDOW, MAX_FRAME_SIZE: LARGEST_TAKEN})
        more = CONNECTION_WINDOW - DEFAULT_WINDOW
        self.write(greeting + frame(WINDOW_UPDATE, 0, 0, number(more)))

    def data_received(self, data: bytes) -> None:
        """Take the frames that are whole."""
        if self._rest:
            self._rest += data
            if len(self._rest) < self._needed:
                return
            data = bytes(self._rest)
        at = 0
        self._outbox.hold()
        try:
            if not self._greeted:
                if not data.startswith(PREFACE[: len(data)]):
                    raise ConnectionFaultError(Code.PROTOCOL_ERROR, "this is not HTTP/2")  # noqa: TRY301
                if len(data) < len(PREFACE):
                    self._keep(data, len(PREFACE))
                    return
                self._greeted, at = True, len(PREFACE)
            size, needed = len(data), HEAD_SIZE
            while size - at >= HEAD_SIZE:
                upper, lower, kind, flags, stream = HEAD.unpack_from(data, at)
                length = upper << 16 | lower
                if length > LARGEST_TAKEN:
                    raise ConnectionFaultError(Code.FRAME_SIZE_ERROR, "the frame is too large")  # noqa: TRY301
                end = at + HEAD_SIZE + length
                if end > size:
                    needed = end - at
                    break
                self._take(kind, flags, stream & LARGEST_STREAM, data[at + HEAD_SIZE : end])
                at = end
        except ConnectionFaultError as fault:
            self.close(fault.code, str(fault))
            return
        finally:
            self._outbox.release()
        self._keep(data[at:], needed)

    def connection_lost(self, _error: Exception | None) -> None:
        """Envoy is gone, and so are its calls."""
        for call in list(self.calls.values()):
            self.forget(call)
            call.cancel()
        self._gone(self)

    def pause_writing(self) -> None:
        """The other side does not read: nothing more of it is read either, which would only make more to write."""
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """It reads again."""
        self._transport.resume_reading()

    # What calls and the server use

    def write(self, data: bytes) -> None:
        """Send frames; while frames are taken, together with others."""
        self._outbox.write(data)

    def flush(self) -> None:
        """Send now what was written."""
        self._outbox.flush()

    def forget(self, call: Call) -> None:
        """A call is over."""
        call.closed = True
        self.calls.pop(call.stream, None)
        self.blocked.pop(call.stream, None)

    def announce_end(self) -> None:
        """Ask for no more calls; those that come all the same, because they were on their way, are taken."""
        self.write(goaway(LARGEST_STREAM, Code.NO_ERROR))

    def close(self, code: Code = Code.NO_ERROR, reason: str = "") -> None:
        """End the connection, after what is written already."""
        if not self._transport.is_closing():
            self.write(goaway(self._last_stream, code, reason))
            self.flush()
            self._transport.close()

    # Frames

    def _keep(self, rest: bytes, needed: int) -> None:
        """What is not whole yet waits until so much is there."""
        self._rest, self._needed = bytearray(rest), needed

    def _take(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind != SETTINGS and not self._settled:
            raise ConnectionFaultError(Code.PROTOCOL_ERROR, "settings come first")
        if kind != CONTINUATION and self._headers.is_amid:
            raise ConnectionFaultError(Code.PROTOCOL_ERROR, "headers were begun and not ended")
        take = self._TAKE.get(kind)
        if take is not None:  # what is not known is nothing to us (RFC 9113, 4.1)
            take(self, flags, stream, payload)

    def _data(self, flags: int, stream: int, payload: bytes) -> None:
        size = len(payload)
        call = self.calls.get(stream)
        if call is None:
            self._check_begun(stream)
        self._credit -= size
        if self._credit < CONNECTION_WINDOW // 2:
            if self._credit < 0:
                raise ConnectionFaultError(Code.FLOW_CONTROL_ERROR, "more data than there was room for")
            self.write(frame(WINDOW_UPDATE, 0, 0, number(CONNECTION_WINDOW - self._credit)))
            self._credit = CONNECTION_WINDOW
        if call is None:
            return  # it is over for us, which the other side could not know yet
        call.credit -= size
        if call.credit < 0:
            raise ConnectionFaultError(Code.FLOW_CONTROL_ERROR, "more data than there was room for")
        if flags & PADDED:
            payload = unpadded(payload, flags & PADDED)
        if payload:
            call.feed(payload, last=bool(flags & END_STREAM))
        if flags & END_STREAM:
            call.end()

    def _begin_headers(self, flags: int, stream: int, payload: bytes) -> None:
        if not stream & 1:
            raise ConnectionFaultError(Code.PROTOCOL_ERROR, "headers of a stream that no client begins")
        self._all_headers(self._headers.begin(stream, flags, payload))

    def _go_on_with_headers(self, flags: int, stream: int, payload: bytes) -> None:
        self._all_headers(self._headers.go_on(stream, flags, payload))

    def _all_headers(self, headers: Headers | None) -> None:
        if headers is None:
            return
        stream, flags, metadata = headers
        call = self.calls.get(stream)
        if call is not None:  # trailers
            if not flags & END_STREAM:
                raise ConnectionFaultError(Code.PROTOCOL_ERROR, "headers in the middle of a stream")
            call.end()
        elif stream > self._last_stream:  # else as with data: trailers of a call that is over
            self._last_stream = stream
            call = Call(self, stream, metadata, self._call_window, self._largest_message)
            self.calls[stream] = call
            if flags & END_STREAM:
                call.end()
            self._begin(call, metadata)

    def _reset(self, _flags: int, stream: int, payload: bytes) -> None:
        if len(payload) != NUMBER_SIZE:
            raise ConnectionFaultError(Code.FRAME_SIZE_ERROR, "a reset has four bytes")
        self._check_begun(stream)
        call = self.calls.get(stream)
        if call is not None:
            self.forget(call)
            call.cancel()

    def _window(self, _flags: int, stream: int, payload: bytes) -> None:
        if len(payload) != NUMBER_SIZE:
            raise ConnectionFaultError(Code.FRAME_SIZE_ERROR, "an update of a window has four bytes")
        more = int.from_bytes(payload, "big") & LARGEST_WINDOW
        if stream == 0:
            self.window += more
            if more == 0 or self.window > LARGEST_WINDOW:
                raise ConnectionFaultError(Code.FLOW_CONTROL_ERROR, "the window cannot grow by that")
            self._pump()
            return
        self._check_begun(stream)
        call = self.calls.get(stream)
        if call is None:
            return
        call.window += more
        if more == 0 or call.window > LARGEST_WINDOW:
            call.reset(Code.FLOW_CONTROL_ERROR)
            call.cancel()
        else:
            call.pump()

    def _check_begun(self, stream: int) -> None:
        if stream > self._last_stream or not stream & 1:
            raise ConnectionFaultError(Code.PROTOCOL_ERROR, "a frame of a stream that was not begun")

    def _pump(self) -> None:
        for call in list(self.blocked.values()):
            call.pump()

    def _settings(self, flags: int, stream: int, payload: bytes) -> None:
        self._settled = True
        if stream or len(payload) % 6 or (flags & ACK and payload):
            raise ConnectionFaultError(Code.FRAME_SIZE_ERROR, "settings of no meaning")
        if flags & ACK:
            return
        for at in range(0, len(payload), 6):
            key, value = int.from_bytes(payload[at : at + 2], "big"), int.from_bytes(payload[at + 2 : at + 6], "big")
            if key == INITIAL_WINDOW_SIZE:
                if value > LARGEST_WINDOW:
                    raise ConnectionFaultError(Code.FLOW_CONTROL_ERROR, "the window is too large")
                for call in self.calls.values():
                    call.window += value - self._call_window
                self._call_window = value
                self._pump()
            elif key == MAX_FRAME_SIZE:
                if not SMALLEST_FRAME <= value <= LARGEST_FRAME:
                    raise ConnectionFaultError(Code.PROTOCOL_ERROR, "frames of that size are not allowed")
                self.largest_frame = value
        self.write(frame(SETTINGS, ACK, 0))

    def _ping(self, flags: int, stream: int, payload: bytes) -> None:
        if stream or len(payload) != 8:
            raise ConnectionFaultError(Code.FRAME_SIZE_ERROR, "a ping has eight bytes")
        if not flags & ACK:
            self.write(frame(PING, ACK, 0, payload))

    def _refuse(self, _flags: int, _stream: int, _payload: bytes) -> None:
        raise ConnectionFaultError(Code.PROTOCOL_ERROR, "a client cannot promise")

    _TAKE: ClassVar[dict[int, Callable[[Connection, int, int, bytes], None]]] = {
        DATA: _data,
        HEADERS: _begin_headers,
        CONTINUATION: _go_on_with_headers,
        RST_STREAM: _reset,
        WINDOW_UPDATE: _window,
        SETTINGS: _settings,
        PING: _ping,
        PUSH_PROMISE: _refuse,
    }
