"""The processor that does nothing: answers each message with a constant and looks at nothing but its first byte.

What grpc.aio itself costs, in other words. `python -m tests.bench.idle_processor SOCKET`.
"""

from __future__ import annotations

import asyncio
import sys

import grpc
import uvloop
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from extproc.exchange.events import Proceed
from extproc.wire import codec
from extproc.wire.messages import METHOD, SERVICE

ANSWERS = {
    number << 3 | 2: codec.encode(Proceed(phase))
    for number, phase in ((2, "request_headers"), (3, "response_headers"), (4, "request_body"), (5, "response_body"))
}
"""First byte of a message (its first field's tag) -> the reply."""


async def process(_requests: object, context: grpc.aio.ServicerContext) -> None:
    """Go on, go on."""
    while (message := await context.read()) is not grpc.aio.EOF:
        await context.write(ANSWERS[message[0]])


async def main(socket: str) -> None:
    """Serve until killed."""
    server = grpc.aio.server()
    handler = grpc.method_handlers_generic_handler(SERVICE, {METHOD: grpc.stream_stream_rpc_method_handler(process)})
    server.add_generic_rpc_handlers((handler,))
    servicer = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    server.add_insecure_port(f"unix:{socket}")
    await server.start()
    for service in ("", SERVICE):
        await servicer.set(service, health_pb2.HealthCheckResponse.SERVING)
    await server.wait_for_termination()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(sys.argv[-1]))
