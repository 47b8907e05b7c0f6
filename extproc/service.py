"""The one gRPC loop: bytes in, events through an `HttpStream`, bytes out; and the one place where errors become replies.

The handler returns (a clean close) only when the stream is `finished`. Every other end is an abort: Envoy answers a
clean close by sending the request on as it is, unmasked.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import grpc
import structlog

from extproc import codec
from extproc.errors import IntentmeshError, MaskingError, ProtocolError
from extproc.lateness import Lateness
from extproc.logs import where
from extproc.pipeline import Inquiry
from extproc.refusal import refuse
from extproc.stream import HttpStream
from extproc.wire import METHOD, SERVICE

if TYPE_CHECKING:
    from extproc.events import Observer, Outcome, Reply
    from extproc.pipeline import Pipeline

UNREAD = b""
"""The response where Envoy reads none (observability_mode)."""

log = structlog.get_logger(__name__)


class ExternalProcessor:
    """The ext_proc service. The pipeline may be swapped between requests; a stream keeps the one it began with."""

    def __init__(self, pipeline: Pipeline, observer: Observer) -> None:
        self.pipeline = pipeline
        self.open_streams = 0
        self.lateness = Lateness()
        self._observer = observer

    def handler(self) -> grpc.GenericRpcHandler:
        """The service for a server: no serializers, so that it is handed bytes and hands bytes back.

        To gRPC's server the last reply is *the* response: it goes out with the status, in one batch and one write.
        Sent on its own after the last reply, the status is often late: Envoy resets a stream that it is done with, and
        grpc.aio never frees the memory of a batch that failed (grpc/grpc#43360).
        """
        process = grpc.stream_unary_rpc_method_handler(self.process)
        return grpc.method_handlers_generic_handler(SERVICE, {METHOD: process})

    async def process(self, _request_iterator: object, context: grpc.aio.ServicerContext) -> bytes:
        """One gRPC stream is one HTTP exchange. Returns the last reply, after which the stream is closed cleanly."""
        stream = HttpStream(self.pipeline, self._observer)
        outcome: Outcome | None = "failed"
        trouble: str | None = None
        self.open_streams += 1
        try:
            while True:
                message = await context.read()
                if message is grpc.aio.EOF:
                    raise asyncio.CancelledError  # noqa: TRY301 - Envoy is gone: no status, for the reason above
                last = await send(context, stream, await self._answer(stream, message))
                if last is not None:
                    outcome = stream.interrupted()
                    return last
        except asyncio.CancelledError:
            # Envoy resets every stream that it is done with: the usual end, unless a request was still in our hands.
            outcome = stream.interrupted()
            raise
        except ProtocolError as error:
            trouble = type(error).__name__
            log.warning("protocol_error", reason=str(error), request_id=stream.request_id)
            await context.abort(grpc.StatusCode.INTERNAL, str(error))
        except Exception as error:  # noqa: BLE001 - whatever it is, the stream must not end cleanly
            trouble = type(error).__name__
            # Not its text, which may quote a request.
            log.error("stream_failed", error=trouble, at=where(error), request_id=stream.request_id)  # noqa: TRY400
            await context.abort(grpc.StatusCode.INTERNAL, trouble)
        finally:
            self.open_streams -= 1
            self._observer.finish(stream.record(outcome, trouble))
        raise AssertionError("abort raises")

    async def _answer(self, stream: HttpStream, message: bytes) -> tuple[Reply, ...]:
        try:
            step = stream.receive(codec.decode(message))
            if isinstance(step, Inquiry):
                step = stream.inspected(await stream.pipeline.inspect(step, self.lateness.seconds()))
        except ProtocolError:
            raise
        except IntentmeshError as error:
            if isinstance(error, MaskingError):
                cause = type(error.__cause__ or error).__name__
                log.error("masking_failed", error=cause, at=where(error), request_id=stream.request_id)  # noqa: TRY400
            return stream.refused(error, refuse(error, stream.rule, stream.target, stream.request_id))
        return step


async def send(context: grpc.aio.ServicerContext, stream: HttpStream, replies: tuple[Reply, ...]) -> bytes | None:
    """Send the replies, but for the last one of a finished stream, which is returned."""
    if stream.observed:
        return UNREAD if stream.finished else None
    last = codec.encode(replies[-1]) if stream.finished and replies else None
    for reply in replies if last is None else replies[:-1]:
        await context.write(codec.encode(reply))
    return last
