"""How a gRPC stream ends: the last reply with the status, or nothing at all."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import grpc
import pytest

from extproc.config.mesh import Mesh
from extproc.exchange.observer import Silence
from extproc.pipeline import Pipeline
from extproc.telemetry import Meter
from extproc.telemetry.pending import PendingExchanges
from extproc.wire.messages import ProcessingRequest, ProcessingResponse
from extproc.wire.service import SHORT_BODY_BYTES, ExternalProcessor

MESH = {
    "version": 1,
    "intercept": [{"path_prefix": "/v1/", "payload": "openai"}],
    "models": {"general": {"endpoints": [{"address": "127.0.0.1:8083"}]}},
    "default_model": "general",
    "pii": {"names": {"enabled": False}},
}

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Call:
    """The server's side of a gRPC stream."""

    def __init__(self, *messages: ProcessingRequest) -> None:
        self.messages = [message.SerializeToString() for message in messages]
        self.written: list[str] = []
        self.flushed = 0

    async def read(self) -> object:
        """The next message."""
        return self.messages.pop(0) if self.messages else grpc.aio.EOF

    def unread(self) -> list[object]:
        """What has come and nobody has read."""
        left, self.messages = self.messages, []
        return left

    async def write(self, reply: bytes) -> None:
        """A reply that is not the last."""
        self.written.append(phase(reply))

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        """What the stream began with."""
        return ()

    def flush(self) -> None:
        """Before something that takes long."""
        self.flushed += 1


def phase(reply: bytes) -> str:
    """What a reply answers."""
    return str(ProcessingResponse.FromString(reply).WhichOneof("response"))


def request(text: bytes) -> tuple[ProcessingRequest, ProcessingRequest]:
    """Headers and body of a chat."""
    start, body = ProcessingRequest(), ProcessingRequest()
    for name, value in ((":method", b"POST"), (":path", b"/v1/completions"), ("content-type", b"application/json")):
        header = start.request_headers.headers.headers.add()
        header.key, header.raw_value = name, value
    start.protocol_config.request_body_mode = 2
    body.request_body.body = b'{"prompt": "' + text + b'"}'
    body.request_body.end_of_stream = True
    return start, body


@pytest.fixture(scope="module", name="service")
def _service() -> ExternalProcessor:
    pending = PendingExchanges(0, Silence().finish, Meter())
    mesh = Mesh.model_validate(MESH)
    return ExternalProcessor(mesh, Pipeline.build(mesh), Silence(), pending)


def test_the_last_reply_is_returned(service):
    """Nothing to restore: the reply to the body is the last, and goes out in one batch with the status."""
    call = Call(*request(b"Hello."))
    assert phase(asyncio.run(service.process(None, call))) == "request_body"
    assert call.written == ["request_headers"]


def test_nothing_waits_for_a_long_body(service):
    """What others were answered is sent before a body is read that takes long, and waits for a short one."""
    short, long = Call(*request(b"Hello.")), Call(*request(b"Hello. " * SHORT_BODY_BYTES))
    for call in (short, long):
        asyncio.run(service.process(None, call))
    assert (short.flushed, long.flushed) == (0, 1)


def test_a_stream_that_envoy_has_left_gets_no_status(service):
    """Something to restore, and Envoy goes: a clean close would tell it that all of the answer was seen."""
    call = Call(*request(b"I am ada@example.org."))
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(service.process(None, call))
    assert call.written == ["request_headers", "request_body"]
    assert service.open_streams == 0


async def test_a_log_that_is_none_costs_no_more_than_itself(service: ExternalProcessor) -> None:
    """What cannot be read ends the log, and Envoy begins another."""

    async def messages() -> AsyncIterator[bytes]:
        yield b"\xff\xff"

    assert await service.follow(messages(), None) == b""
    assert service.pending.logs == 0


async def test_a_log_ends_when_the_processor_does(service: ExternalProcessor) -> None:
    """It has no end of its own, and would hold a drain up for all of its time."""

    async def messages() -> AsyncIterator[bytes]:
        await asyncio.sleep(60)
        yield b""

    call = Call()
    following = asyncio.create_task(service.follow(messages(), call))
    call.cancel = following.cancel
    await asyncio.sleep(0)
    assert service.pending.logs == 1
    service.end_logs()
    assert await following == b""
    assert service.pending.logs == 0
