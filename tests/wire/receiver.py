"""Real OTLP receivers, one for gRPC and one for HTTP, that keep what they are sent.

The OpenTelemetry collector itself is asked where it was built: `test_collector.py`.
"""

from __future__ import annotations

import asyncio
import gzip
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import grpc
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2, logs_service_pb2_grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2, metrics_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

from tests.wire.upstream import head, read_request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@dataclass
class Receiver(trace_service_pb2_grpc.TraceServiceServicer):
    """Spans, metrics and logs as they came."""

    port: int = 0
    spans: list[Any] = field(default_factory=list)
    metrics: dict[str, Any] = field(default_factory=dict)
    """Name -> its newest state."""
    instances: dict[str, set[str]] = field(default_factory=dict)
    """Name of a metric -> who has told it: `service.instance.id`."""
    logs: list[str] = field(default_factory=list)
    """Bodies of log records."""
    raw: bytes = b""
    """Everything, for the search for what must not be there."""

    paths: set[str] = field(default_factory=set)
    """Where an exporter sent to, over HTTP."""

    async def Export(self, request: Any, _context: grpc.aio.ServicerContext) -> Any:  # noqa: N802 - gRPC's name
        """Keep spans that came over gRPC."""
        self.keep_spans(request)
        return trace_service_pb2.ExportTraceServiceResponse()

    def keep_spans(self, request: Any) -> None:
        """Keep spans."""
        self.raw += request.SerializeToString()
        self.spans += [span for r in request.resource_spans for s in r.scope_spans for span in s.spans]

    def keep_metrics(self, request: Any) -> None:
        """Keep the newest state of each metric."""
        self.raw += request.SerializeToString()
        for told in request.resource_metrics:
            (instance,) = (a.value.string_value for a in told.resource.attributes if a.key == "service.instance.id")
            for scope in told.scope_metrics:
                self.metrics |= {metric.name: metric for metric in scope.metrics}
                for metric in scope.metrics:
                    self.instances.setdefault(metric.name, set()).add(instance)

    def keep_logs(self, request: Any) -> None:
        """Keep the bodies of log records."""
        self.raw += request.SerializeToString()
        found = (record for r in request.resource_logs for s in r.scope_logs for record in s.log_records)
        self.logs += [record.body.string_value for record in found]

    @property
    def attributes(self) -> list[dict[str, Any]]:
        """The attributes of each span."""
        return [{a.key: value_of(a.value) for a in span.attributes} for span in self.spans]


class _Metrics(metrics_service_pb2_grpc.MetricsServiceServicer):
    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver

    async def Export(self, request: Any, _context: grpc.aio.ServicerContext) -> Any:  # noqa: N802
        self._receiver.keep_metrics(request)
        return metrics_service_pb2.ExportMetricsServiceResponse()


class _Logs(logs_service_pb2_grpc.LogsServiceServicer):
    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver

    async def Export(self, request: Any, _context: grpc.aio.ServicerContext) -> Any:  # noqa: N802
        self._receiver.keep_logs(request)
        return logs_service_pb2.ExportLogsServiceResponse()


def value_of(value: Any) -> Any:
    """An attribute's value as Python's."""
    return getattr(value, value.WhichOneof("value"))


@asynccontextmanager
async def running_receiver() -> AsyncIterator[Receiver]:
    """A receiver on a free port."""
    receiver = Receiver()
    server = grpc.aio.server()
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(receiver, server)
    metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server(_Metrics(receiver), server)
    logs_service_pb2_grpc.add_LogsServiceServicer_to_server(_Logs(receiver), server)
    receiver.port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield receiver
    finally:
        await server.stop(None)


@asynccontextmanager
async def running_http_receiver() -> AsyncIterator[Receiver]:
    """A receiver of OTLP over HTTP, in protobuf, on a free port."""
    receiver = Receiver()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (request := await read_request(reader)) is not None:
            receiver.paths.add(request.target)
            body = gzip.decompress(request.body) if request.get("content-encoding") == "gzip" else request.body
            assert request.get("content-type") == "application/x-protobuf"
            if request.target.endswith("/v1/traces"):
                receiver.keep_spans(trace_service_pb2.ExportTraceServiceRequest.FromString(body))
            elif request.target.endswith("/v1/logs"):
                receiver.keep_logs(logs_service_pb2.ExportLogsServiceRequest.FromString(body))
            else:
                receiver.keep_metrics(metrics_service_pb2.ExportMetricsServiceRequest.FromString(body))
            writer.write(head(200, "application/x-protobuf", {"content-length": "0"}))
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=2**24)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
