"""The one gRPC loop: bytes in, events through an `HttpStream`, bytes out; and the one place where errors become replies.

The handler returns (a clean close) only when the stream is `finished`. Every other end is an abort: Envoy answers a
clean close by sending the request on as it is, unmasked.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import grpc

from extproc.config.wire_names import ATTEMPT, LOGS_USAGE
from extproc.decision import Inquiry, Refuse
from extproc.errors import IntentmeshError, MaskingError, ProtocolError, UndecidedError
from extproc.exchange.observer import Silence
from extproc.exchange.settings import ExchangeSettings
from extproc.exchange.stream import End, HttpStream
from extproc.failover import attempts
from extproc.logs import logger, where
from extproc.slices import Lease
from extproc.wire import codec
from extproc.wire.access_log import endings
from extproc.wire.loop_lag import LoopLag
from extproc.wire.messages import LOG_METHOD, LOG_SERVICE, METHOD, SERVICE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from extproc.config import Mesh
    from extproc.exchange.events import Reply
    from extproc.exchange.observer import Observer
    from extproc.http2 import Call
    from extproc.pipeline import Pipeline
    from extproc.telemetry.pending import PendingExchanges

UNREAD = b""
"""The response where Envoy reads none (observability_mode)."""
SHORT_BODY_BYTES = 1024
"""Up to here an inspection takes no longer than others' replies may wait for it."""

log = logger()


class ExternalProcessor:
    """The ext_proc service. Mesh and pipeline may be swapped between requests; a stream keeps those it began with."""

    def __init__(self, mesh: Mesh, pipeline: Pipeline, observer: Observer, pending: PendingExchanges) -> None:
        self.use(mesh, pipeline)
        self.pending = pending
        self.open_streams = 0
        self.loop_lag = LoopLag()
        self._observer = observer
        self._logs: set[Call] = set()

    def use(self, mesh: Mesh, pipeline: Pipeline) -> None:
        """Take them into use, for the streams to come."""
        self.pipeline = pipeline
        self._attempts = attempts(mesh)
        self._settings = ExchangeSettings.of(mesh)

    def handlers(self) -> tuple[grpc.GenericRpcHandler, ...]:
        """The services for a server: no serializers, so that they are handed bytes and hand bytes back.

        The last reply is *the* response: it goes out with the status, in one write. Sent on its own after the last
        reply, the status would often be late: Envoy resets a stream that it is done with.
        """
        process = grpc.stream_unary_rpc_method_handler(self.process)
        follow = grpc.stream_unary_rpc_method_handler(self.follow)
        return (
            grpc.method_handlers_generic_handler(SERVICE, {METHOD: process}),
            grpc.method_handlers_generic_handler(LOG_SERVICE, {LOG_METHOD: follow}),
        )

    async def follow(self, messages: AsyncIterator[bytes], context: Call) -> bytes:
        """Envoy's access log: how exchanges ended whose answers were not shown to us."""
        self._logs.add(context)
        self.pending.opened()
        try:
            async for message in messages:
                self._tell(message)
        except asyncio.CancelledError:
            with contextlib.suppress(ProtocolError):
                for message in context.unread():
                    self._tell(message)
            if context in self._logs:  # Envoy has gone
                raise
        except Exception as error:  # noqa: BLE001 - a fault here costs telemetry, and Envoy begins another log
            log.error("telemetry_failed", call="follow", error=type(error).__name__, at=where(error))  # noqa: TRY400
        finally:
            self._logs.discard(context)
            self.pending.closed()
        return b""

    def _tell(self, message: bytes) -> None:
        for ending in endings(message):
            self.pending.tell(ending)

    def ask_logs_to_end(self) -> None:
        """Have Envoys begin their access logs anew, elsewhere; what they say until they know is heard."""
        for context in self._logs:
            context.say_end()

    def end_logs(self) -> None:
        """End the access logs that Envoys keep open: they have no end of their own."""
        while self._logs:
            self._logs.pop().cancel()

    async def process(self, _request_iterator: object, context: Call) -> bytes:
        """One gRPC stream is one HTTP exchange. Returns the last reply, after which the stream is closed cleanly."""
        begun = self._begin(context)
        if begun is None:
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, "an attempt at a model that nothing falls back to")
            raise AssertionError("abort raises")
        stream, observer = begun
        end, fault = End.ABORTED, None
        self.open_streams += 1
        try:
            while True:
                message = await context.read()
                if message is grpc.aio.EOF:
                    raise asyncio.CancelledError  # noqa: TRY301 - Envoy is gone: no status, for the reason above
                last = await send(context, stream, await self._replies(context, stream, message))
                if last is not None:
                    end = End.CLOSED
                    return last
        except asyncio.CancelledError:
            end = End.LEFT
            raise
        except ProtocolError as error:
            fault = type(error).__name__
            log.warning("protocol_error", reason=str(error), **stream.ids)
            await context.abort(grpc.StatusCode.INTERNAL, str(error))
        except Exception as error:  # noqa: BLE001 - whatever it is, the stream must not end cleanly
            fault = type(error).__name__
            # Not its text, which may quote a request.
            log.error("stream_failed", error=fault, at=where(error), **stream.ids)  # noqa: TRY400
            await context.abort(grpc.StatusCode.INTERNAL, fault)
        finally:
            self.open_streams -= 1
            record = stream.end(end, fault)
            if stream.log_key:
                self.pending.wait(stream.log_key, record, stream.model)
            else:
                observer.finish(record)
        raise AssertionError("abort raises")

    def _begin(self, context: Call) -> tuple[HttpStream, Observer] | None:
        """A request's first pass; or an attempt at one, which has been told of and counted already. None: an unknown attempt."""
        metadata = dict(context.invocation_metadata() or ())
        if (value := metadata.get(ATTEMPT)) is not None:
            attempt = self._attempts.get(value if isinstance(value, str) else value.decode("latin-1"))
            return (HttpStream(self._settings, attempt), Silence()) if attempt else None
        # under this key Envoy is to tell of the answer, where somebody asks for it and it offers to
        key = self.pending.key() if LOGS_USAGE in metadata and self._observer.reads_answers else ""
        # the span of the call itself, where Envoy traces
        return HttpStream(
            self._settings, self.pipeline, self._observer, key, metadata.get("traceparent", "")
        ), self._observer

    async def _replies(self, context: Call, stream: HttpStream, message: bytes) -> tuple[Reply, ...]:
        try:
            event = codec.decode(message)
            weight = stream.weight(event)
            step = (
                await stream.pipeline.threads.run(Lease(), weight, stream.receive, event)
                if weight
                else stream.receive(event)
            )
            if isinstance(step, Inquiry):
                if len(step.body) > SHORT_BODY_BYTES:
                    context.flush()
                outcome = await stream.pipeline.inspect(step, self.loop_lag.seconds())
                if isinstance(outcome, Refuse):
                    _note(outcome.error, stream.ids)
                step = stream.inspected(outcome)
        except ProtocolError:
            raise
        except IntentmeshError as error:
            _note(error, stream.ids)
            return stream.refused(error)
        return step


def _note(error: IntentmeshError, ids: dict[str, str]) -> None:
    """Of what ends a request, log what is a fault of ours. Not its text, which may quote the request."""
    if isinstance(error, MaskingError):
        event = "masking_failed"
    elif isinstance(error, UndecidedError):
        event = "step_failed"
    else:
        return
    log.error(event, error=type(error.__cause__ or error).__name__, at=where(error), **ids)


async def send(context: Call, stream: HttpStream, replies: tuple[Reply, ...]) -> bytes | None:
    """Send the replies, but for the last one of a finished stream, which is returned."""
    if stream.observed:
        return UNREAD if stream.finished else None
    last = codec.encode(replies[-1]) if stream.finished and replies else None
    for reply in replies if last is None else replies[:-1]:
        await context.write(codec.encode(reply))
    return last
