"""A real OTLP receiver: one small gRPC server that keeps what it is sent."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2, metrics_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@dataclass
class Receiver(trace_service_pb2_grpc.TraceServiceServicer):
    """Spans and metrics as they came."""

    port: int = 0
    spans: list[Any] = field(default_factory=list)
    metrics: dict[str, Any] = field(default_factory=dict)
    """Name -> its newest state."""
    raw: bytes = b""
    """Everything, for the search for what must not be there."""

    async def Export(self, request: Any, _context: grpc.aio.ServicerContext) -> Any:  # noqa: N802 - gRPC's name
        """Keep spans."""
        self.raw += request.SerializeToString()
        self.spans += [span for r in request.resource_spans for s in r.scope_spans for span in s.spans]
        return trace_service_pb2.ExportTraceServiceResponse()

    @property
    def attributes(self) -> list[dict[str, Any]]:
        """The attributes of each span."""
        return [{a.key: value_of(a.value) for a in span.attributes} for span in self.spans]


class _Metrics(metrics_service_pb2_grpc.MetricsServiceServicer):
    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver

    async def Export(self, request: Any, _context: grpc.aio.ServicerContext) -> Any:  # noqa: N802
        self._receiver.raw += request.SerializeToString()
        for resource in request.resource_metrics:
            for scope in resource.scope_metrics:
                self._receiver.metrics |= {metric.name: metric for metric in scope.metrics}
        return metrics_service_pb2.ExportMetricsServiceResponse()


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
    receiver.port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield receiver
    finally:
        await server.stop(None)
