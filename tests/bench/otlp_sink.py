"""An OTLP receiver over gRPC that costs next to nothing: takes whatever comes and says so. Prints its port."""

from __future__ import annotations

import asyncio

import grpc
import uvloop


async def take(_request: bytes, _context: grpc.aio.ServicerContext) -> bytes:
    """An empty response is a full success."""
    return b""


async def main() -> None:
    """Serve until killed."""
    server = grpc.aio.server()
    for signal in ("trace.v1.TraceService", "metrics.v1.MetricsService"):
        handler = {"Export": grpc.unary_unary_rpc_method_handler(take)}
        service = f"opentelemetry.proto.collector.{signal}"
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handler),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
