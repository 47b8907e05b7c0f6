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
    ENABLE_PUSH,
    END_STREAM,
    GOAWAY,
    HEAD,
    HEAD_SIZE,
    HEADERS,
    INITIAL_WINDOW_SIZE,
    LARGEST_FRAME,
    LARGEST_STREAM,
    LARGEST_WINDOW,
    MAX_CONCURRENT_STREAMS,
    MAX_FRAME_SIZE,
    PADDED,
    PING,
    PREFACE,
    PRIORITY,
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
from extproc.http2.headers import HeaderReader, dependency
from extproc.http2.outbox import Outbox
from extproc.http2.patience import Patience

if TYPE_CHECKING:
    from collections.abc import Callable

    from extproc.http2.headers import Headers, Metadata

NUMBER_SIZE = 4
PRIORITY_SIZE = 5
_OF_HEADERS = (HEADERS, CONTINUATION)

CONNECTION_WINDOW = 1 << 24
"""How much of all calls of a connection may come before it is seen to; what single calls hold is bounded by theirs."""
LARGEST_TAKEN = 1 << 18
"""Of the other side's frames: a large body in few of them. Headers come in frames of the usual size."""
MOST_CALLS = 1024
"""At a time; an Envoy opens another connection for more."""
LARGEST_HELD = 1 << 28
"""Bytes of messages that have come in part only, on one connection: some 32 of the largest bodies."""
REMEMBERED = 4096
"""Streams of which it is remembered how they ended."""


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
        self._closed: dict[int, bool] = {}
        """Streams that are over, the latest last: whether the other side may still send on them, not knowing yet."""
        self._headers = HeaderReader()
        self._patience = Patience(loop.time)
        self.has_sent = self._patience.earn
        """To be told that a piece of a reply was sent: the other side may answer it with room for more."""
        self.held, self.largest_held = 0, LARGEST_HELD
        """Bytes of messages that have come in part, and how many may be."""

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say what we take."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but its class
        self._outbox = Outbox(self._transport)
        greeting = settings(
            {MAX_CONCURRENT_STREAMS: MOST_CALLS, INITIAL_WINDOW_SIZE: STREAM_WINDOW, MAX_FRAME_SIZE: LARGEST_TAKEN}
        )
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
                if length > (SMALLEST_FRAME if kind in _OF_HEADERS else LARGEST_TAKEN):  # RFC 9113, 4.2
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
        self.blocked.pop(call.stream, None)
        if self.calls.pop(call.stream, None) is not None:
            self._remember(call.stream, may_send=not call.ended)
            if call.incoming is not None:
                self.held -= call.incoming.held

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
        if rest or self._rest:
            self._rest = bytearray(rest)
        self._needed = needed

    def _take(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind != SETTINGS and not self._settled:
            raise ConnectionFaultError(Code.PROTOCOL_ERROR, "settings come first")  # RFC 9113, 3.4
        if kind != CONTINUATION and self._headers.is_amid:
            raise ConnectionFaultError(Code.PROTOCOL_ERROR, "headers were begun and not ended")  # RFC 9113, 6.10
        take = self._TAKE.get(kind)
        if take is not None:
            take(self, flags, stream, payload)
        else:
            self._patience.spend(1)  # what is not known is nothing to us (RFC 9113, 4.1)

    def _data(self, flags: int, stream: int, payload: bytes) -> None:  # noqa: C901 - the states of a stream, one by one
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
            self._passed_over(stream, flags)
            return
        if call.ended:  # RFC 9113, 5.1: half-closed (remote)
            self._fail(call, Code.STREAM_CLOSED)
            return
        call.credit -= size
        if call.credit < 0:
            raise ConnectionFaultError(Code.FLOW_CONTROL_ERROR, "more data than there was room for")
        if flags & PADDED:
            payload = unpadded(payload, flags & PADDED)
        last = bool(flags & END_STREAM)
        if call.announced is not None and not call.counts(len(payload), last=last):
            self._fail(call, Code.PROTOCOL_ERROR)  # RFC 9113, 8.1.1
            return
        if payload:
            self._patience.earn()
            call.feed(payload, last=last)
        elif not last:
            self._patience.spend(1)
        if last:
            call.end()

    def _begin_headers(self, flags: int, stream: int, payload: bytes) -> None:
        if not stream & 1:
            raise ConnectionFaultError(Code.PROTOCOL_ERROR, "headers of a stream that no client begins")
        self._all_headers(self._headers.begin(stream, flags, payload))

    def _go_on_with_headers(self, flags: int, stream: int, payload: bytes) -> None:
        self._patience.spend(1)
        self._all_headers(self._headers.go_on(stream, flags, payload))

    def _all_headers(self, headers: Headers | None) -> None:
        if headers is None:
            return
        stream, flags, metadata, fault = headers
        call = self.calls.get(stream)
        if call is not None:
            self._trailers(call, flags, metadata)
        elif stream > self._last_stream:
            self._last_stream = stream
            self._begin_call(stream, flags, metadata, fault)
        elif stream not in self._closed:  # RFC 9113, 5.1.1
            raise ConnectionFaultError(Code.PROTOCOL_ERROR, "a stream begins before one that began earlier")
        else:
            self._passed_over(stream, flags)

    def _begin_call(self, stream: int, flags: int, metadata: Metadata, fault: str) -> None:
        """Headers that begin a call. What is wrong with them is the call's trouble, and no other's."""
        ended = bool(flags & END_STREAM)
        if len(self.calls) >= MOST_CALLS:  # RFC 9113, 5.1.2; it may not have heard yet how many may be
            self._patience.spend(1)
            self._turn_away(stream, Code.REFUSED_STREAM, ended=ended)
            return
        if fault:
            self._patience.spend(1)
            self._turn_away(stream, Code.PROTOCOL_ERROR, ended=ended)
            return
        call = Call(self, stream, metadata, self._call_window, self._largest_message)
        if call.announced is not None and not call.counts(0, last=ended):
            self._turn_away(stream, Code.PROTOCOL_ERROR, ended=ended)
            return
        self.calls[stream] = call
        if ended:
            call.end()
        self._begin(call, metadata)

    def _trailers(self, call: Call, flags: int, metadata: Metadata) -> None:
        if call.ended:
            self._fail(call, Code.STREAM_CLOSED)
        elif flags & END_STREAM and not any(name.startswith(":") for name, _ in metadata) and call.counts(0, last=True):
            call.end()
        else:  # RFC 9113, 8.1
            self._fail(call, Code.PROTOCOL_ERROR)

    def _turn_away(self, stream: int, code: Code, *, ended: bool) -> None:
        self._remember(stream, may_send=not ended)
        self.write(frame(RST_STREAM, 0, stream, number(code)))

    def _fail(self, call: Call, code: Code) -> None:
        """End a call because of what the other side did on it."""
        self._patience.spend(1)
        call.reset(code)
        call.cancel()

    def _remember(self, stream: int, *, may_send: bool) -> None:
        self._closed[stream] = may_send
        if len(self._closed) > REMEMBERED:
            del self._closed[next(iter(self._closed))]

    def _passed_over(self, stream: int, flags: int) -> None:
        """Data or headers of a stream that is over: the other side could not know yet, or it said itself that it was done."""
        if not self._closed.get(stream, True):  # RFC 9113, 5.1: closed
            raise ConnectionFaultError(Code.STREAM_CLOSED, "a frame of a stream that its sender has ended")
        if flags & END_STREAM and stream in self._closed:
            self._closed[stream] = False

    def _priority(self, _flags: int, stream: int, payload: bytes) -> None:
        """Nothing to us, but it has to be one (RFC 9113, 6.3)."""
        self._patience.spend(1)
        if not stream:
            raise ConnectionFaultError(Code.PROTOCOL_ERROR, "a priority of no stream")
        wrong = Code.FRAME_SIZE_ERROR if len(payload) != PRIORITY_SIZE else None
        if wrong is None and dependency(payload) == stream:
            wrong = Code.PROTOCOL_ERROR
        if wrong is None:
            return
        call = self.calls.get(stream)
        if call is not None:
            self._fail(call, wrong)
        elif stream > self._last_stream:  # what is not open cannot be reset
            raise ConnectionFaultError(wrong, "a priority that is none")
        else:
            self.write(frame(RST_STREAM, 0, stream, number(wrong)))

    def _reset(self, _flags: int, stream: int, payload: bytes) -> None:
        if len(payload) != NUMBER_SIZE:
            raise ConnectionFaultError(Code.FRAME_SIZE_ERROR, "a reset has four bytes")
        self._check_begun(stream)
        call = self.calls.get(stream)
        if call is None:
            self._patience.spend(1)
            if stream in self._closed:
                self._closed[stream] = False
            return
        if not call.has_said:
            self._patience.spend(1)  # begun in vain: CVE-2023-44487
        self.forget(call)
        self._remember(stream, may_send=False)
        call.cancel()

    def _window(self, _flags: int, stream: int, payload: bytes) -> None:
        if len(payload) != NUMBER_SIZE:
            raise ConnectionFaultError(Code.FRAME_SIZE_ERROR, "an update of a window has four bytes")
        self._patience.spend(1)
        more = int.from_bytes(payload, "big") & LARGEST_WINDOW
        if stream == 0:
            self.window += more
            if more == 0:  # RFC 9113, 6.9
                raise ConnectionFaultError(Code.PROTOCOL_ERROR, "the window cannot grow by nothing")
            if self.window > LARGEST_WINDOW:  # RFC 9113, 6.9.1
                raise ConnectionFaultError(Code.FLOW_CONTROL_ERROR, "the window cannot grow by that")
            self._pump()
            return
        self._check_begun(stream)
        call = self.calls.get(stream)
        if call is None:
            return
        call.window += more
        if more == 0:
            self._fail(call, Code.PROTOCOL_ERROR)
        elif call.window > LARGEST_WINDOW:
            self._fail(call, Code.FLOW_CONTROL_ERROR)
        else:
            call.pump()

    def _check_begun(self, stream: int) -> None:
        if stream > self._last_stream or not stream & 1:  # RFC 9113, 5.1: idle
            raise ConnectionFaultError(Code.PROTOCOL_ERROR, "a frame of a stream that was not begun")

    def _pump(self) -> None:
        for call in list(self.blocked.values()):
            call.pump()

    def _settings(self, flags: int, stream: int, payload: bytes) -> None:
        self._settled = True
        if stream:  # RFC 9113, 6.5
            raise ConnectionFaultError(Code.PROTOCOL_ERROR, "settings of a stream")
        if len(payload) % 6 or (flags & ACK and payload):
            raise ConnectionFaultError(Code.FRAME_SIZE_ERROR, "settings of no meaning")
        self._patience.spend(1 + len(self.calls) // 64)  # each open call may get another window
        if flags & ACK:
            return
        for at in range(0, len(payload), 6):
            key, value = int.from_bytes(payload[at : at + 2], "big"), int.from_bytes(payload[at + 2 : at + 6], "big")
            if key == INITIAL_WINDOW_SIZE:
                self._resize_windows(value)
            elif key == MAX_FRAME_SIZE:
                if not SMALLEST_FRAME <= value <= LARGEST_FRAME:
                    raise ConnectionFaultError(Code.PROTOCOL_ERROR, "frames of that size are not allowed")
                self.largest_frame = value
            elif key == ENABLE_PUSH and value > 1:
                raise ConnectionFaultError(Code.PROTOCOL_ERROR, "pushing is on or off")
        self.write(frame(SETTINGS, ACK, 0))
        self._pump()

    def _resize_windows(self, value: int) -> None:
        """RFC 9113, 6.9.2: those of open calls too, which may be less than nothing then."""
        if value > LARGEST_WINDOW:
            raise ConnectionFaultError(Code.FLOW_CONTROL_ERROR, "the window is too large")
        for call in self.calls.values():
            call.window += value - self._call_window
            if call.window > LARGEST_WINDOW:
                raise ConnectionFaultError(Code.FLOW_CONTROL_ERROR, "the window of a stream is too large")
        self._call_window = value

    def _ping(self, flags: int, stream: int, payload: bytes) -> None:
        if stream:  # RFC 9113, 6.7
            raise ConnectionFaultError(Code.PROTOCOL_ERROR, "a ping of a stream")
        if len(payload) != 8:
            raise ConnectionFaultError(Code.FRAME_SIZE_ERROR, "a ping has eight bytes")
        self._patience.spend(1)
        if not flags & ACK:
            self.write(frame(PING, ACK, 0, payload))

    def _go_away(self, _flags: int, stream: int, payload: bytes) -> None:
        """It begins no more calls; those that are open go on."""
        if stream:  # RFC 9113, 6.8
            raise ConnectionFaultError(Code.PROTOCOL_ERROR, "a goodbye of a stream")
        if len(payload) < 2 * NUMBER_SIZE:
            raise ConnectionFaultError(Code.FRAME_SIZE_ERROR, "a goodbye has eight bytes at least")
        self._patience.spend(1)

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
        PRIORITY: _priority,
        GOAWAY: _go_away,
    }
