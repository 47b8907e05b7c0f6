"""The processor as a process: builds every part once, serves them, and lets go of them in order.

Start: socket, parts, health SERVING. SIGTERM: health NOT_SERVING first, so that Envoy sends its next requests
elsewhere; open streams then have `grace_s` to finish, and are aborted after it (an abort is an error to Envoy, which
fails the request; a clean close would let it pass unmasked).
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import structlog
import uvloop
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from extproc.admin import Admin
from extproc.errors import ConfigError
from extproc.events import Silence
from extproc.pipeline import Pipeline
from extproc.request_log import RequestLog
from extproc.service import ExternalProcessor
from extproc.telemetry import Meter, Telemetry
from extproc.wire import SERVICE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from extproc.config import Mesh
    from extproc.events import Observer

log = structlog.get_logger(__name__)

ENVELOPE_BYTES = 1024 * 1024
"""What a message may weigh beside the body: headers, above all."""
DRAIN_NOTICE_S = 1.0
"""Between NOT_SERVING and the end of accepting streams: Envoy asks for our health once a second."""


def serve(mesh: Mesh, *, log_requests: bool = False) -> None:
    """Serve until SIGTERM or SIGINT."""
    telemetry = Telemetry(mesh) if mesh.telemetry.enabled else None
    observer: Observer = telemetry or Silence()
    if log_requests:
        observer = RequestLog(observer)
    meter = telemetry.meter if telemetry else Meter()
    try:
        with uvloop_runner() as runner:
            runner.run(Server(mesh, observer, meter).run())
    finally:
        if telemetry:
            telemetry.close()


def uvloop_runner() -> asyncio.Runner:
    """A runner on uvloop, which halves the cost of a message."""
    return asyncio.Runner(loop_factory=uvloop.new_event_loop)


class Server:
    """One worker: one event loop, one gRPC server, one socket."""

    def __init__(
        self, mesh: Mesh, observer: Observer, meter: Meter, build: Callable[[Mesh], Pipeline] = Pipeline.build
    ) -> None:
        self._build = build
        self._mesh = mesh
        self._observer = observer
        self._meter = meter
        self._serving = False
        self._stop = asyncio.Event()
        self._health = health.aio.HealthServicer()

    async def run(self) -> None:
        """Serve until asked to stop; all is let go of at the end, whatever happens."""
        settings = self._mesh.processor
        pipeline = self._build(self._mesh)
        service = ExternalProcessor(pipeline, self._observer)
        with contextlib.ExitStack() as stack:
            stack.callback(pipeline.close)
            admin = Admin(settings.admin, snapshot=self._meter.snapshot, ready=self._ready, config=self._config)
            stack.callback(admin.close)
            address = settings.address or stack.enter_context(claimed_socket(Path(settings.socket)))
            server = self._grpc_server(service, address)
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, self._stop.set)
            await server.start()
            if not settings.address:
                os.chmod(settings.socket, 0o666)  # noqa: PTH101, S103 - Envoy runs as another user; the folder guards it
            await self._tell(health_pb2.HealthCheckResponse.SERVING)
            self._serving = True
            log.info("serving", address=address, models=len(self._mesh.models), intents=len(self._mesh.intents))
            await self._stop.wait()
            await self._drain(server, service)

    def _grpc_server(self, service: ExternalProcessor, address: str) -> grpc.aio.Server:
        limit = self._mesh.limits.max_body_bytes + ENVELOPE_BYTES
        server = grpc.aio.server(
            options=[
                ("grpc.max_receive_message_length", limit),
                ("grpc.max_send_message_length", -1),
                ("grpc.so_reuseport", 0),  # two processors on one port would be a mistake
            ]
        )
        server.add_generic_rpc_handlers((service.handler(),))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        try:
            bound = server.add_insecure_port(address)
        except RuntimeError:
            bound = 0
        if not bound:
            raise ConfigError(f"cannot listen on {address}: it is in use, or its folder does not let us")
        return server

    def _ready(self) -> tuple[bool, dict[str, object]]:
        return self._serving, {}

    def _config(self) -> dict[str, object]:
        return self._mesh.model_dump(mode="json")

    async def _tell(self, status: int) -> None:
        for service in ("", SERVICE):
            await self._health.set(service, status)

    async def _drain(self, server: grpc.aio.Server, service: ExternalProcessor) -> None:
        grace = self._mesh.processor.grace_s
        log.info("draining", open_streams=service.open_streams, grace_s=grace)
        self._serving = False
        await self._health.enter_graceful_shutdown()
        await asyncio.sleep(min(DRAIN_NOTICE_S, grace))
        await server.stop(grace)
        log.info("stopped")


@contextlib.contextmanager
def claimed_socket(path: Path) -> Iterator[str]:
    """The address of a Unix socket that is ours alone; removed at the end.

    A socket left behind by a killed processor is replaced; one of a living processor is an error.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.with_suffix(".lock").open("w")
    except OSError as error:
        raise ConfigError(f"processor.socket: {path}: {error.strerror}") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ConfigError(f"processor.socket: another processor serves {path}") from None
        path.unlink(missing_ok=True)
        try:
            yield f"unix:{path}"
        finally:
            path.unlink(missing_ok=True)
            path.with_suffix(".lock").unlink(missing_ok=True)
