"""Speaks to the processor as no Envoy would: messages cut, flipped, repeated, left out and out of order."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import grpc

from extproc.exchange.events import BodyMode
from extproc.wire import messages as wire

if TYPE_CHECKING:
    import random

    from tests.chaos.counts import Counts

SECRET = b"canary@illegal.example.org"
STREAMS = 64
"""On one connection, before a new one is opened."""
TOGETHER = 8
PATIENCE_S = 0.3
"""How long the processor is given to answer or to hang up; what it holds back for longer has not been let go."""


async def speak(socket: str, dice: random.Random, counts: Counts, over: asyncio.Event) -> None:
    """Some streams on one connection."""
    async with grpc.aio.insecure_channel(f"unix:{socket}") as channel:
        method = channel.stream_stream(f"/{wire.SERVICE}/{wire.METHOD}")
        for _ in range(0, STREAMS, TOGETHER):
            if over.is_set():
                return
            await asyncio.gather(*(one_stream(method, nonsense(dice), counts) for _ in range(TOGETHER)))


async def one_stream(method: Any, messages: list[bytes], counts: Counts) -> None:
    """Say these messages, and look at what comes of it: no reply may let the secret pass, no end be a clean one."""
    call = method()
    replies: list[Any] = []

    async def listen() -> None:
        while (reply := await call.read()) is not grpc.aio.EOF:
            replies.append(wire.ProcessingResponse.FromString(reply))

    counts.done["illegal streams"] += 1
    listener = asyncio.create_task(listen())
    with contextlib.suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
        for message in messages:
            await call.write(message)
    with contextlib.suppress(grpc.aio.AioRpcError, TimeoutError):
        async with asyncio.timeout(PATIENCE_S):
            await listener
    ended = call.done() and await call.code() is grpc.StatusCode.OK
    call.cancel()
    listener.cancel()
    with contextlib.suppress(asyncio.CancelledError, grpc.aio.AioRpcError):
        await listener
    if began_intercepted(messages):
        decisions = [r for r in replies if r.WhichOneof("response") in ("request_body", "immediate_response")]
        if any(SECRET in reply.SerializeToString() for reply in decisions):
            counts.leaks += 1
        if ended and not decisions:
            counts.leaks += 1  # Envoy would send the body on as it came
    counts.done["illegal streams ended cleanly" if ended else "illegal streams refused"] += 1


def began_intercepted(messages: list[bytes]) -> bool:
    """Whether the first message is the beginning of a request with a body that is to be masked."""
    try:
        first = wire.ProcessingRequest.FromString(messages[0])
    except Exception:  # noqa: BLE001 - it is no message at all
        return False
    told = {h.key: h.raw_value for h in first.request_headers.headers.headers}
    return told.get(":path") == b"/v1/chat/completions" and told.get(":method") == b"POST"


def legal(dice: random.Random) -> list[Any]:
    """The messages of an exchange, in order."""
    mode = dice.choice((BodyMode.BUFFERED, BodyMode.BUFFERED, BodyMode.FULL_DUPLEX_STREAMED, BodyMode.STREAMED, 5, 77))
    start = wire.ProcessingRequest()
    for name, value in (
        (":method", b"POST"),
        (":path", b"/v1/chat/completions"),
        ("content-type", b"application/json"),
    ):
        header = start.request_headers.headers.headers.add()
        header.key, header.raw_value = name, value
    start.protocol_config.request_body_mode = mode
    body = wire.ProcessingRequest()
    body.request_body.body = b'{"messages": [{"role": "user", "content": "I am ' + SECRET + b'."}]}'
    body.request_body.end_of_stream = dice.random() < 0.8
    trailers, answer, chunk, end = (wire.ProcessingRequest() for _ in range(4))
    trailers.request_trailers.SetInParent()
    answer.response_headers.SetInParent()
    chunk.response_body.body = b"[EMAIL_ADDRESS_1]"
    chunk.response_body.end_of_stream = dice.random() < 0.5
    end.response_trailers.SetInParent()
    return [start, body, trailers, answer, chunk, end]


def nonsense(dice: random.Random) -> list[bytes]:
    """An exchange gone wrong."""
    messages = legal(dice)
    match dice.randrange(5):
        case 0:
            dice.shuffle(messages)
        case 1:
            del messages[dice.randrange(len(messages))]
        case 2:
            messages.insert(dice.randrange(len(messages)), dice.choice(messages))
        case 3:
            messages = dice.choices(messages, k=dice.randint(1, 8))
        case _:
            pass
    encoded = [message.SerializeToString() for message in messages]
    if dice.random() < 0.6:
        at = dice.randrange(len(encoded))
        encoded[at] = spoil(encoded[at], dice)
    return encoded


def spoil(message: bytes, dice: random.Random) -> bytes:
    """Bytes that are a message no more, or another one."""
    if not message or dice.random() < 0.2:
        return dice.randbytes(dice.randint(0, 60))
    if dice.random() < 0.5:
        return message[: dice.randrange(len(message))]
    spoilt = bytearray(message)
    for _ in range(dice.randint(1, 4)):
        spoilt[dice.randrange(len(spoilt))] = dice.randrange(256)
    return bytes(spoilt)
