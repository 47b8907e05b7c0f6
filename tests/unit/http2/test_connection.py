"""The gRPC server, asked by gRPC's own client, and spoken to in frames as no client should."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import weakref
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import grpc
import hypothesis
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from hpack import Encoder
from hypothesis import strategies as st

from extproc.http2 import Server, frames
from extproc.http2.call import STREAM_WINDOW
from extproc.http2.connection import CONNECTION_WINDOW, LARGEST_TAKEN
from extproc.http2.frames import Code, frame, number
from extproc.http2.headers import HeaderReader
from extproc.http2.incoming import PREFIX
from extproc.http2.outbox import LONGEST_HELD_S
from tests.fuzz.talk import CALL, GREETING, Transport, listen

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from extproc.http2 import Call

LARGEST = 8 * 1024 * 1024
SERVICE = "test.Service"


@dataclass
class Handlers:
    """What a test may call; it remembers how calls ended."""

    cancelled: list[str] = field(default_factory=list)
    trouble: list[BaseException] = field(default_factory=list)
    waiting: asyncio.Event = field(default_factory=asyncio.Event)

    async def echo(self, _messages: object, call: Call) -> bytes:
        """Write back each message; the last one is returned."""
        last = b""
        while (message := await call.read()) is not grpc.aio.EOF:
            if last:
                await call.write(last)
            last = message
        return last

    async def two(self, _messages: object, call: Call) -> bytes:
        """Answer two messages, and do not wait for the caller's end."""
        await call.write(await call.read())
        return bytes(await call.read())

    async def join(self, messages: AsyncIterator[bytes], _call: Call) -> bytes:
        """All messages in one."""
        return b"".join([message async for message in messages])

    async def metadata(self, _messages: object, call: Call) -> bytes:
        """What the call began with."""
        return dict(call.invocation_metadata())["x-key"].encode()

    async def abort(self, _messages: object, call: Call) -> bytes:
        """End with a status."""
        await call.abort(grpc.StatusCode.FAILED_PRECONDITION, "50 % of ümlauts\n")

    async def raise_(self, _messages: object, _call: Call) -> bytes:
        """End with a fault."""
        raise ValueError("secret")

    async def hang(self, _messages: object, call: Call) -> bytes:
        """Never answer."""
        try:
            await call.read()
            self.waiting.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.append("hang")
            raise
        return b""

    async def leave(self, _messages: object, call: Call) -> bytes:
        """Give up without a status, after a reply."""
        await call.write(await call.read())
        raise asyncio.CancelledError

    def generic(self) -> grpc.GenericRpcHandler:
        """All of them."""
        names = ("echo", "two", "join", "metadata", "abort", "raise_", "hang", "leave")
        made = {name: grpc.stream_unary_rpc_method_handler(getattr(self, name)) for name in names}
        return grpc.method_handlers_generic_handler(SERVICE, made)


@contextlib.asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[tuple[str, Server, Handlers]]:
    """A server on a socket."""
    handlers = Handlers()
    address = f"unix:{folder / 'test.sock'}"
    server = Server(address, largest_message=LARGEST, report=handlers.trouble.append)
    server.add_generic_rpc_handlers((handlers.generic(),))
    servicer = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    await server.start()
    try:
        yield address, server, handlers
    finally:
        await server.stop()


def asked(folder: Path, ask: Callable[[grpc.aio.Channel, Handlers], Awaitable[Any]]) -> Any:
    """What a client of gRPC's own gets."""

    async def run() -> Any:
        async with serving(folder) as (address, _, handlers):
            options = [("grpc.max_receive_message_length", -1)]
            async with grpc.aio.insecure_channel(address, options=options) as channel, asyncio.timeout(10):
                return await ask(channel, handlers)

    return asyncio.run(run())


def method(channel: grpc.aio.Channel, name: str) -> Any:
    """A method of the handlers above: bytes in, bytes out."""
    return channel.stream_stream(f"/{SERVICE}/{name}")


async def conversation(call: Any, messages: list[bytes]) -> list[bytes]:
    """Say these, and hear all replies."""

    async def say() -> None:
        for message in messages:
            await call.write(message)
        await call.done_writing()

    saying = asyncio.create_task(say())
    replies = [reply async for reply in call]
    await saying
    return replies


@pytest.mark.parametrize("sizes", [[0], [1, 70_000, 5], [LARGEST - 10], [16_379, 16_380, 16_384, 65_535] * 20])
def test_messages_come_back_as_they_were(tmp_path, sizes):
    """Of every size up to the largest, longer than frames and windows too."""
    messages = [bytes([i % 256]) * size for i, size in enumerate(sizes)]
    assert asked(tmp_path, lambda channel, _: conversation(method(channel, "echo")(), messages)) == messages


def test_many_calls_at_once(tmp_path):
    """Every one gets its own answer."""

    async def ask(channel: grpc.aio.Channel, _: Handlers) -> list[list[bytes]]:
        each = [[b"%d" % i, b"%d" % i * 3000] for i in range(200)]
        return await asyncio.gather(*(conversation(method(channel, "echo")(), messages) for messages in each))

    for i, replies in enumerate(asked(tmp_path, ask)):
        assert replies == [b"%d" % i, b"%d" % i * 3000]


def test_the_server_may_end_first(tmp_path):
    """The caller need not have said all: it gets the last reply and the status."""

    async def ask(channel: grpc.aio.Channel, _: Handlers) -> tuple[list[bytes], grpc.StatusCode]:
        call = method(channel, "two")()
        await call.write(b"a")
        await call.write(b"b")
        return [await call.read(), await call.read(), await call.read()], await call.code()

    assert asked(tmp_path, ask) == ([b"a", b"b", grpc.aio.EOF], grpc.StatusCode.OK)


def test_messages_as_an_iterator(tmp_path):
    """As generated services read them."""
    assert asked(tmp_path, lambda c, _: conversation(method(c, "join")(), [b"a", b"", b"b"])) == [b"ab"]


def test_metadata(tmp_path):
    """What the call began with; the same for the next ones, which refer to it."""

    async def ask(channel: grpc.aio.Channel, _: Handlers) -> list[bytes]:
        found = []
        for value in ("a", "a", "a", "b", "a", "ä".encode().hex() * 50):
            found += await conversation(method(channel, "metadata")(metadata=(("x-key", value),)), [])
        return found

    assert asked(tmp_path, ask) == [b"a", b"a", b"a", b"b", b"a", b"c3a4" * 50]


@pytest.mark.parametrize(
    ("name", "code", "details"),
    [
        ("abort", grpc.StatusCode.FAILED_PRECONDITION, "50 % of ümlauts\n"),
        ("raise_", grpc.StatusCode.UNKNOWN, "ValueError"),
        ("nowhere", grpc.StatusCode.UNIMPLEMENTED, "there is no such method"),
        ("leave", grpc.StatusCode.CANCELLED, None),
    ],
)
def test_ends_that_are_errors(tmp_path, name, code, details):
    """A status where there is one to tell; of a fault its class, never its text; a reset where the handler gave up."""

    async def ask(channel: grpc.aio.Channel, _: Handlers) -> tuple[grpc.StatusCode, str]:
        call = method(channel, name)()
        if name == "leave":
            await call.write(b"a")
        return await call.code(), await call.details()

    found = asked(tmp_path, ask)
    assert found == (code, details if details is not None else found[1])


def test_a_message_that_is_too_large(tmp_path):
    """It is refused by its prefix, before it has come."""

    async def ask(channel: grpc.aio.Channel, _: Handlers) -> grpc.StatusCode:
        call = method(channel, "echo")()
        with contextlib.suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
            await call.write(b"x" * (LARGEST + 1))
        return await call.code()

    assert asked(tmp_path, ask) == grpc.StatusCode.RESOURCE_EXHAUSTED


def test_the_rest_of_a_refused_message_is_not_a_message(tmp_path):
    """Its bytes are a client's, who could make them look like one."""
    rest = frame(frames.DATA, 0, 1, MESSAGE) * 3
    heard = spoken(tmp_path, GREETING + OPEN + frame(frames.DATA, 0, 1, PREFIX.pack(0, LARGEST + 1) + b"a") + rest)
    assert not replies_in(heard)
    (trailers,) = [payload for kind, flags, _, payload in heard if kind == frames.HEADERS and flags & END]
    assert b"grpc-status\x018" in trailers


def test_compressed_messages_are_refused(tmp_path):
    """No encoding is offered, so none may come."""

    async def ask(channel: grpc.aio.Channel, _: Handlers) -> grpc.StatusCode:
        call = method(channel, "echo")(compression=grpc.Compression.Gzip)
        with contextlib.suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
            await call.write(b"x" * 10_000)
        return await call.code()

    assert asked(tmp_path, ask) == grpc.StatusCode.UNIMPLEMENTED


def test_a_caller_that_leaves_cancels_its_handler(tmp_path):
    """By a reset, and by the end of its connection."""

    async def ask(channel: grpc.aio.Channel, handlers: Handlers) -> list[str]:
        call = method(channel, "hang")()
        await call.write(b"a")
        await handlers.waiting.wait()
        call.cancel()
        other = method(channel, "hang")()
        handlers.waiting.clear()
        await other.write(b"a")
        await handlers.waiting.wait()
        await channel.close()
        while len(handlers.cancelled) < 2:  # noqa: ASYNC110 - when it hears of it is the server's affair
            await asyncio.sleep(0.01)
        return handlers.cancelled

    assert asked(tmp_path, ask) == ["hang", "hang"]


def test_health(tmp_path):
    """Services generated by protoc run as they are: one reply, a stream of replies, an unknown service."""

    async def ask(channel: grpc.aio.Channel, _: Handlers) -> tuple[int, int, grpc.StatusCode]:
        stub = health_pb2_grpc.HealthStub(channel)
        watch = stub.Watch(health_pb2.HealthCheckRequest())
        first = await watch.read()
        watch.cancel()
        unknown = stub.Check(health_pb2.HealthCheckRequest(service="nothing"))
        answer = await stub.Check(health_pb2.HealthCheckRequest())
        return first.status, answer.status, await unknown.code()

    assert asked(tmp_path, ask) == (1, 1, grpc.StatusCode.NOT_FOUND)


def test_leaving(tmp_path):
    """Who leaves takes no new connection, but what is open goes on; who stops resets it."""

    async def run() -> None:
        async with serving(tmp_path) as (address, server, handlers), grpc.aio.insecure_channel(address) as channel:
            call, hanging = method(channel, "two")(), method(channel, "hang")()
            await call.write(b"a")
            await hanging.write(b"a")
            await handlers.waiting.wait()
            server.leave()
            await call.write(b"b")
            assert [await call.read(), await call.read()] == [b"a", b"b"]
            assert await call.code() == grpc.StatusCode.OK
            with pytest.raises(OSError):
                await asyncio.open_unix_connection(address.removeprefix("unix:"))
            await server.stop()
            assert await hanging.code() != grpc.StatusCode.OK
            assert handlers.cancelled == ["hang"]

    asyncio.run(run())


def test_tcp_and_what_cannot_be_listened_on(tmp_path):
    """A port as well as a socket; an OSError where there is something else already."""

    async def run() -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
            taken.listen()
            with pytest.raises(OSError, match="in use"):
                await Server(f"127.0.0.1:{port}", largest_message=1, report=print).start()
        server = Server(f"127.0.0.1:{port}", largest_message=LARGEST, report=print)
        server.add_generic_rpc_handlers((Handlers().generic(),))
        await server.start()
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            assert await conversation(method(channel, "echo")(), [b"a"]) == [b"a"]
        await server.stop()
        (tmp_path / "file").write_text("not a socket")
        with pytest.raises(OSError):
            await Server(f"unix:{tmp_path / 'file'}", largest_message=1, report=print).start()

    asyncio.run(run())


# In frames

START = [
    (":method", "POST"),
    (":scheme", "http"),
    (":path", f"/{SERVICE}/echo"),
    ("content-type", "application/grpc"),
    ("te", "trailers"),
]
BLOCK = Encoder().encode(START)
HANG = Encoder().encode([*START[:2], (":path", f"/{SERVICE}/hang")])
OPEN = frame(frames.HEADERS, frames.END_HEADERS, 1, BLOCK)
TURNS_S = 0.02
"""For handlers to have their say, before the last ping."""
LAST = b"the last"
MESSAGE = PREFIX.pack(0, 5) + b"hello"
END = frames.END_STREAM


def spoken(folder: Path, *pieces: bytes) -> list[tuple[int, int, int, bytes]]:
    """Say these, each in a packet of its own, and hear all frames until the server ends or says no more."""

    async def run() -> bytes:
        async with serving(folder) as (address, _, handlers):
            loop, heard = asyncio.get_running_loop(), bytearray()
            with socket.socket(socket.AF_UNIX) as line:
                line.setblocking(False)
                await loop.sock_connect(line, address.removeprefix("unix:"))
                with contextlib.suppress(ConnectionError):  # it may have heard enough
                    for piece in pieces:
                        await loop.sock_sendall(line, piece)
                        await asyncio.sleep(0)
                    await asyncio.sleep(TURNS_S)
                    await loop.sock_sendall(line, frame(frames.PING, 0, 0, LAST))
                with contextlib.suppress(ConnectionError):
                    while LAST not in heard and (more := await loop.sock_recv(line, 1 << 20)):
                        heard += more
            assert not handlers.trouble
            return bytes(heard)

    heard = split(asyncio.run(asyncio.wait_for(run(), 10)))
    return heard[:-1] if heard and heard[-1][3] == LAST else heard


def split(data: bytes) -> list[tuple[int, int, int, bytes]]:
    """Bytes -> frames: kind, flags, stream, payload."""
    found, at = [], 0
    while at < len(data):
        upper, lower, kind, flags, stream = frames.HEAD.unpack_from(data, at)
        end = at + frames.HEAD_SIZE + (upper << 16 | lower)
        found.append((kind, flags, stream, data[at + frames.HEAD_SIZE : end]))
        at = end
    return found


def replies_in(heard: list[tuple[int, int, int, bytes]]) -> bytes:
    """What DATA frames hold."""
    return b"".join(payload for kind, _, _, payload in heard if kind == frames.DATA)


CONVERSATION = GREETING + OPEN + frame(frames.DATA, END, 1, MESSAGE)


def test_bytes_may_come_one_by_one(tmp_path):
    """Where a packet ends says nothing."""
    assert replies_in(spoken(tmp_path, *(CONVERSATION[i : i + 1] for i in range(len(CONVERSATION))))) == MESSAGE


@pytest.mark.parametrize(
    "pieces",
    [
        [frame(frames.HEADERS, frames.END_HEADERS | frames.PADDED, 1, b"\x03" + BLOCK + b"\0\0\0")],
        [frame(frames.HEADERS, frames.END_HEADERS | frames.WITH_PRIORITY, 1, b"\0\0\0\0\x10" + BLOCK)],
        [frame(frames.HEADERS, 0, 1, BLOCK[:9]), frame(frames.CONTINUATION, frames.END_HEADERS, 1, BLOCK[9:])],
        [frame(frames.PRIORITY, 0, 3, b"\0\0\0\0\x10"), frame(0xEE, 0xFF, 7, b"?"), OPEN],
        [frame(frames.SETTINGS, frames.ACK, 0), frame(frames.GOAWAY, 0, 0, b"\0" * 8), OPEN],
    ],
    ids=["padding", "priority", "continuation", "unknown frames", "settings"],
)
def test_headers_in_every_form(tmp_path, pieces):
    """Padding, priorities, pieces; frames that mean nothing here are passed over."""
    heard = spoken(tmp_path, GREETING, *pieces, frame(frames.DATA, END, 1, MESSAGE))
    assert replies_in(heard) == MESSAGE


def test_data_in_every_form(tmp_path):
    """Messages cut anywhere, several in a frame, padding, and the end by trailers."""
    data = frame(frames.DATA, frames.PADDED, 1, b"\x02" + MESSAGE[:3] + b"\0\0") + frame(frames.DATA, 0, 1)
    data += frame(frames.DATA, 0, 1, MESSAGE[3:] + MESSAGE + MESSAGE[:6]) + frame(frames.DATA, 0, 1, MESSAGE[6:])
    trailers = frame(frames.HEADERS, frames.END_HEADERS | END, 1, Encoder().encode([("x", "y")]))
    assert replies_in(spoken(tmp_path, GREETING, OPEN, data, trailers)) == MESSAGE * 3


def test_pings_are_answered(tmp_path):
    """With what they hold."""
    heard = spoken(tmp_path, GREETING, frame(frames.PING, 0, 0, b"12345678"))
    assert (frames.PING, frames.ACK, 0, b"12345678") in heard


def test_no_more_is_sent_than_the_other_side_takes(tmp_path):
    """Of its windows and its frames; the rest follows when there is room."""
    settings = frames.settings({frames.INITIAL_WINDOW_SIZE: 10, frames.MAX_FRAME_SIZE: 16_384})
    body = PREFIX.pack(0, 30_000) + b"z" * 30_000
    ask = frames.PREFACE + settings + OPEN + frame(frames.DATA, END, 1, body)
    heard = spoken(tmp_path, ask)
    assert replies_in(heard) == body[:10]
    more = [frame(frames.WINDOW_UPDATE, 0, 1, number(5)), frames.settings({frames.INITIAL_WINDOW_SIZE: 40_000})]
    heard = spoken(tmp_path, ask, *more)
    assert replies_in(heard) == body
    assert max(len(payload) for kind, _, _, payload in heard if kind == frames.DATA) <= 16_384
    assert heard[-1][:2] == (frames.HEADERS, frames.END_HEADERS | END)


def test_windows_open_again(tmp_path):
    """What is taken may be sent anew, as often as it is."""
    size = STREAM_WINDOW - PREFIX.size
    chunk = 100_000
    body = PREFIX.pack(0, size) + b"a" * size
    parts = [frame(frames.DATA, 0, 1, body[i : i + chunk]) for i in range(0, len(body), chunk)]
    heard = spoken(tmp_path, GREETING, OPEN, *parts)
    given = sum(int.from_bytes(p, "big") for kind, _, stream, p in heard if kind == frames.WINDOW_UPDATE and stream)
    assert given >= STREAM_WINDOW // 2
    heard = spoken(tmp_path, GREETING, OPEN, *parts * 2)
    assert not any(kind == frames.GOAWAY for kind, _, _, _ in heard)


def test_unread_messages_shut_the_window(tmp_path):
    """A handler that does not read is not sent more than its window, however small the messages."""
    hang = frame(frames.HEADERS, frames.END_HEADERS, 1, HANG)
    small = frame(frames.DATA, 0, 1, (PREFIX.pack(0, 0)) * 10_000)
    heard = spoken(tmp_path, GREETING, hang, *[small] * (2 * STREAM_WINDOW // 50_000))
    assert heard[-1][0] == frames.GOAWAY
    assert heard[-1][3][4:8] == number(Code.FLOW_CONTROL_ERROR)


def test_headers_that_were_known_are_read_anew_when_the_table_changes():
    """The same bytes mean something else then: HPACK refers to what was said before."""
    reader = HeaderReader()
    add_a, add_b = (b"\x40\x01x\x01" + value for value in (b"a", b"b"))
    refer, plain = b"\xbe", b"\x00\x01y\x01z"

    def read(block: bytes) -> list[tuple[str, str]]:
        headers = reader.begin(1, frames.END_HEADERS, block)
        assert headers is not None
        return list(headers.metadata)

    assert read(add_a) == [("x", "a")]
    for _ in range(3):
        assert read(refer + plain) == [("x", "a"), ("y", "z")]
    assert read(add_b) == [("x", "b")]
    assert read(refer + plain) == [("x", "b"), ("y", "z")]
    for _ in range(200):  # until the table is full, and every addition drops one
        assert read(add_a) == [("x", "a")]
    assert read(refer) == [("x", "a")]
    assert read(add_b) == [("x", "b")]
    assert read(refer) == [("x", "b")]


FAULTS = {
    "not HTTP/2": ([b"GET / HTTP/1.1\r\n\r\n"], Code.PROTOCOL_ERROR),
    "no settings": ([frames.PREFACE + OPEN], Code.PROTOCOL_ERROR),
    "a frame that is too large": ([GREETING, frame(frames.DATA, 0, 1, b"x" * (LARGEST_TAKEN + 1))], 6),
    "data of no stream": ([GREETING, frame(frames.DATA, 0, 1, b"x")], Code.PROTOCOL_ERROR),
    "data of stream 0": ([GREETING, frame(frames.DATA, 0, 0, b"x")], Code.PROTOCOL_ERROR),
    "an even stream": ([GREETING, frame(frames.HEADERS, 4, 2, BLOCK)], Code.PROTOCOL_ERROR),
    "a promise": ([GREETING, OPEN, frame(frames.PUSH_PROMISE, 4, 1, b"\0\0\0\x02")], Code.PROTOCOL_ERROR),
    "headers that are no HPACK": ([GREETING, frame(frames.HEADERS, 4, 1, b"\xff\xff\xff\xff")], 9),
    "headers amid headers": ([GREETING, frame(frames.HEADERS, 0, 1, b""), OPEN], Code.PROTOCOL_ERROR),
    "headers without end": (
        [GREETING, frame(frames.HEADERS, 0, 1, b"")] + [frame(frames.CONTINUATION, 0, 1, b"\0")] * 70,
        Code.ENHANCE_YOUR_CALM,
    ),
    "a bomb of headers": (
        [GREETING, frame(frames.HEADERS, 4, 1, Encoder().encode([("a", "b" * 3000)]) + b"\xbe" * 12_000)],
        Code.COMPRESSION_ERROR,
    ),
    "going on with nothing": ([GREETING, frame(frames.CONTINUATION, 4, 1, b"")], Code.PROTOCOL_ERROR),
    "padding beyond the frame": ([GREETING, OPEN, frame(0, frames.PADDED, 1, b"\x09abc")], Code.PROTOCOL_ERROR),
    "padding of nothing": ([GREETING, frame(frames.HEADERS, 0xC, 1)], Code.PROTOCOL_ERROR),
    "a reset of nothing": ([GREETING, frame(frames.RST_STREAM, 0, 1, number(8))], Code.PROTOCOL_ERROR),
    "a reset of no size": ([GREETING, OPEN, frame(frames.RST_STREAM, 0, 1, b"")], Code.FRAME_SIZE_ERROR),
    "a window of nothing": ([GREETING, frame(8, 0, 1, number(8))], Code.PROTOCOL_ERROR),
    "a window that grows by 0": ([GREETING, frame(8, 0, 0, number(0))], Code.PROTOCOL_ERROR),
    "a window beyond all": ([GREETING, frame(8, 0, 0, number(2**31 - 1))], Code.FLOW_CONTROL_ERROR),
    "a window of no size": ([GREETING, frame(8, 0, 0, b"")], Code.FRAME_SIZE_ERROR),
    "settings of no size": ([GREETING, frame(frames.SETTINGS, 0, 0, b"12345")], Code.FRAME_SIZE_ERROR),
    "settings of a stream": ([GREETING, frame(frames.SETTINGS, 0, 1)], Code.PROTOCOL_ERROR),
    "frames of 1 byte": ([GREETING, frames.settings({frames.MAX_FRAME_SIZE: 1})], Code.PROTOCOL_ERROR),
    "windows without end": ([GREETING, frames.settings({4: 2**31})], Code.FLOW_CONTROL_ERROR),
    "a ping of no size": ([GREETING, frame(frames.PING, 0, 0, b"")], Code.FRAME_SIZE_ERROR),
    "too much at once": (
        [GREETING, *(frame(1, 4, i, HANG) for i in (1, 3))]
        + [frame(0, 0, 1, PREFIX.pack(0, LARGEST)[:5] + b"a" * 1000), frame(0, 0, 1, b"a" * LARGEST_TAKEN)]
        + [frame(0, 0, 3, PREFIX.pack(0, 0) * 50_000)] * (CONNECTION_WINDOW // 250_000),
        Code.FLOW_CONTROL_ERROR,
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_end_the_connection(tmp_path, fault):
    """With a GOAWAY that says which it was."""
    pieces, code = FAULTS[fault]
    kind, _, _, payload = spoken(tmp_path, *pieces)[-1]
    assert kind == frames.GOAWAY
    assert Code(int.from_bytes(payload[4:8], "big")) == code


@pytest.mark.parametrize(("more", "code"), [(0, Code.PROTOCOL_ERROR), (2**31 - 1, Code.FLOW_CONTROL_ERROR)])
def test_a_call_whose_window_cannot_be(tmp_path, more, code):
    """It is reset; the others go on."""
    broken = frame(frames.WINDOW_UPDATE, 0, 1, number(more))
    again = frame(frames.HEADERS, frames.END_HEADERS, 3, Encoder().encode(START))
    heard = spoken(tmp_path, GREETING, OPEN, broken, again, frame(frames.DATA, END, 3, MESSAGE))
    assert (frames.RST_STREAM, 0, 1, number(code)) in heard
    assert replies_in(heard) == MESSAGE


def test_what_comes_after_the_end_is_passed_over(tmp_path):
    """The other side could not know yet that the call was over."""
    two = frame(frames.HEADERS, frames.END_HEADERS, 1, Encoder().encode([*START[:2], (":path", f"/{SERVICE}/two")]))
    said = [GREETING, two, frame(0, 0, 1, MESSAGE * 3)]
    late = [frame(0, 0, 1, MESSAGE), frame(8, 0, 1, number(9)), frame(0, END, 1), frame(3, 0, 1, number(8))]
    ping = frame(frames.PING, 0, 0, b"12345678")

    async def run() -> list[tuple[int, int, int, bytes]]:
        async with serving(tmp_path) as (address, _, _handlers):
            reader, writer = await asyncio.open_unix_connection(address.removeprefix("unix:"))
            writer.write(b"".join(said))
            heard = b""
            while b"grpc-status" not in heard:
                heard += await reader.read(1 << 16)
            writer.write(b"".join((*late, ping)))
            async with asyncio.timeout(5):
                while b"12345678" not in heard:
                    heard += await reader.read(1 << 16)
            writer.close()
            return split(heard)

    heard = asyncio.run(run())
    assert (frames.RST_STREAM, 0, 1, number(Code.NO_ERROR)) in heard
    assert not any(kind == frames.GOAWAY for kind, _, _, _ in heard)


def test_answers_to_one_packet_leave_in_one_write(monkeypatch):
    """Without a turn of the loop, but for what a handler sends on before it begins something long, or has waited for long."""
    now, took = 0.0, 0.0

    def clock() -> float:
        nonlocal now
        now += took
        return now

    monkeypatch.setattr("extproc.http2.outbox.monotonic", clock)

    async def slow(_messages: object, call: Call) -> bytes:
        await call.write(await call.read())
        call.flush()
        return bytes(await call.read())

    handlers = Handlers().generic()
    own = grpc.method_handlers_generic_handler("slow.Service", {"slow": grpc.stream_unary_rpc_method_handler(slow)})

    async def run(path: str, *streams: int) -> int:
        head = Encoder().encode([*START[:2], (":path", path)])
        server = Server("unix:", largest_message=LARGEST, report=print)
        server.add_generic_rpc_handlers((handlers, own))
        connection, transport = server.connection(asyncio.get_running_loop()), Transport()
        connection.connection_made(transport)
        connection.data_received(GREETING)
        before = transport.writes
        packet = [
            frame(frames.HEADERS, frames.END_HEADERS, n, head) + frame(frames.DATA, END, n, MESSAGE * 2)
            for n in streams
        ]
        connection.data_received(b"".join(packet))
        assert not connection.calls
        return transport.writes - before

    assert asyncio.run(run(f"/{SERVICE}/two", 1, 3)) == 1
    assert asyncio.run(run("/slow.Service/slow", 1, 3)) == 3
    took = 0.6 * LONGEST_HELD_S
    assert asyncio.run(run(f"/{SERVICE}/two", *range(1, 19, 2))) == 6  # of two replies each: three in a piece


def test_a_call_that_is_over_is_not_reset(tmp_path):
    """Its caller's end came with its last message, which is answered at once."""
    two = frame(frames.HEADERS, frames.END_HEADERS, 1, Encoder().encode([*START[:2], (":path", f"/{SERVICE}/two")]))
    heard = spoken(tmp_path, GREETING, two, frame(frames.DATA, END, 1, MESSAGE * 2))
    assert replies_in(heard) == MESSAGE * 2
    assert not any(kind == frames.RST_STREAM for kind, _, _, _ in heard)


def test_a_call_that_was_taken_back_is_let_go_at_once():
    """Not when the garbage collector comes by: half of a large body may be in it."""

    async def run() -> bool:
        server = Server("unix:", largest_message=LARGEST, report=print)
        server.add_generic_rpc_handlers((Handlers().generic(),))
        connection = server.connection(asyncio.get_running_loop())
        connection.connection_made(Transport())
        connection.data_received(GREETING + OPEN + frame(frames.DATA, 0, 1, PREFIX.pack(0, 1000) + b"the first half"))
        call = weakref.ref(connection.calls[1])
        connection.data_received(frame(frames.RST_STREAM, 0, 1, number(8)))
        for _ in range(5):
            await asyncio.sleep(0)
        return call() is None

    gc.disable()
    try:
        assert asyncio.run(run())
    finally:
        gc.enable()


@hypothesis.given(
    st.lists(st.one_of(st.sampled_from(CALL), st.binary(max_size=40)), max_size=8),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=4),
)
@hypothesis.settings(max_examples=100, deadline=None)
def test_nonsense_is_no_fault_of_ours(pieces, changes):
    """Whatever bytes come: the connection goes on or ends, and nothing else is raised."""
    said = bytearray(GREETING + b"".join(pieces))
    for place, value in changes:
        said[place % len(said)] = value
    asyncio.run(listen(bytes(said)))
