"""One worker: an event loop, a gRPC server on a socket of its own, and the pipeline that it may exchange while it runs."""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import gc
import os
import signal
import ssl
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from extproc import logs
from extproc.errors import ConfigError
from extproc.http2 import Certificates, Server
from extproc.logs import logger, where
from extproc.process.reload import InUse
from extproc.telemetry.instruments import (
    BATCH_SIZE,
    CONFIG_GENERATION,
    CONFIG_REJECTED,
    NAME_TEXTS,
    OPEN_STREAMS,
    QUEUE_SIZE,
)
from extproc.telemetry.pending import PendingExchanges
from extproc.wire.grpcio import GrpcioServer
from extproc.wire.messages import SERVICE
from extproc.wire.service import ExternalProcessor

if TYPE_CHECKING:
    from collections.abc import Callable

    from extproc.config import Mesh
    from extproc.config.processor import TlsSettings
    from extproc.exchange.observer import Observer
    from extproc.pipeline import Pipeline
    from extproc.process.mesh_file import MeshFile
    from extproc.telemetry import Meter
    from extproc.telemetry.meter import Snapshot

log = logger()

ENVELOPE_BYTES = 1024 * 1024
"""What a message may weigh beside the body: headers, above all."""
HEALTH_INTERVAL_S = 2.0
"""How often the rendered Envoy asks for our health."""
LONGEST_INTERVAL_S = 10.0
"""Who asks more seldom than this does not decide by it where requests go."""
UNHEALTHY_AFTER = 2
"""Answers of NOT_SERVING after which Envoy sends no more requests."""
STDERR = 2
LOOK_S = 1.0
"""How often the mesh.yaml is looked at, and the watchdog reset."""
GARBAGE_S = 30.0
"""How long it may go uncollected while large bodies keep coming."""
HANG_S = 15.0
"""An event loop that stands still for so long (a recognizer that never returns) ends the process: what hangs here hangs
for every stream, and an ended process is one that is started again. Envoy fails the requests that it held."""


class WatchedHealth(health.aio.HealthServicer):  # type: ignore[misc]
    """Health that knows how often it is asked, and so when everybody who asks must have heard that we are going.

    It counts no answers: a second Envoy and a kubelet ask too, and on a unix socket all look alike.
    """

    def __init__(self) -> None:
        super().__init__()
        self._asked_at: float | None = None
        self._gaps: deque[float] = deque(maxlen=8)

    async def Check(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        """Answer, and remember when."""
        self.asked(time.monotonic())
        return await super().Check(request, context)

    def asked(self, now: float) -> None:
        """Somebody asks."""
        if self._asked_at is not None:
            self._gaps.append(now - self._asked_at)
        self._asked_at = now

    def is_known(self, since: float, now: float) -> bool:
        """Whether everybody who asks has been told often enough what holds since then, or nobody asks any more."""
        interval = min(max(HEALTH_INTERVAL_S, *self._gaps, 0.0), LONGEST_INTERVAL_S)
        late = 0.1 * interval
        if self._asked_at is None or now - self._asked_at > 1.5 * interval:
            return True
        return now - since > UNHEALTHY_AFTER * interval + late


def _report(error: BaseException) -> None:
    log.error("call_failed", error=type(error).__name__, at=where(error))


def _certificates(settings: TlsSettings | None) -> Certificates | None:
    """Raises ConfigError."""
    if settings is None:
        return None
    try:
        return Certificates(settings.certificate_file, settings.key_file, settings.client_ca_file)
    except (OSError, ssl.SSLError) as error:
        files = ", ".join(str(f) for f in (settings.certificate_file, settings.key_file, settings.client_ca_file) if f)
        raise ConfigError(f"processor.tls: {_reason(error)} ({files})") from None


def _reason(error: OSError) -> str:
    return error.reason if isinstance(error, ssl.SSLError) and error.reason else error.strerror or str(error)


class Worker:
    """Serves one socket until it is told to stop."""

    def __init__(
        self,
        file: MeshFile,
        mesh: Mesh,
        pipeline: Pipeline,
        observer: Observer,
        meter: Meter,
        *,
        socket: str | None = None,
        build: Callable[[Mesh, Pipeline], Pipeline],
        use: Callable[[Mesh], None],
        watches: bool = True,
    ) -> None:
        self.serving = False
        self._in_use = InUse(file, mesh, pipeline, build)
        self._meter = meter
        self._address = mesh.processor.address or f"unix:{socket or mesh.processor.socket}"
        self._use = use
        self._watches = watches
        sockets = mesh.processor.sockets()
        number = sockets.index(socket) if socket in sockets else 0
        self._pending = PendingExchanges(number, observer.finish, meter)
        self._service = ExternalProcessor(mesh, pipeline, observer, self._pending)
        self._health = WatchedHealth()
        self._collected_at = time.monotonic()
        self._certificates: Certificates | None = None
        self._stop = asyncio.Event()
        self._hurry = False
        self._reload = asyncio.Event()
        pipeline.watch_batches(self._count_pass)

    async def run(self, started: Callable[[], None] = lambda: None) -> None:
        """Serve until SIGTERM (finish what is open) or SIGINT (at once)."""
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(logs.loop_failed)
        loop.add_signal_handler(signal.SIGTERM, self._stop.set)
        loop.add_signal_handler(signal.SIGINT, self._interrupt)
        loop.add_signal_handler(signal.SIGHUP, self._reload.set)
        server = await self._listen()
        self._service.loop_lag.listen(loop)
        if self._address.startswith("unix:"):
            # Envoy runs as another user; the folder is what guards the socket.
            os.chmod(self._address.removeprefix("unix:"), 0o666)  # noqa: PTH101, S103
        await self._tell(health_pb2.HealthCheckResponse.SERVING)
        self.serving = True
        self._meter.set(CONFIG_GENERATION, self._in_use.generation)
        mesh = self._in_use.mesh
        log.info("serving", address=self._address, models=len(mesh.models), intents=len(mesh.intents))
        started()
        keeper = asyncio.create_task(self._keep())
        try:
            await self._stop.wait()
            await self._drain(server)
        finally:
            keeper.cancel()
            self._pending.close()
            self._service.loop_lag.close()
            faulthandler.cancel_dump_traceback_later()

    def _interrupt(self) -> None:
        self._hurry = True
        self._stop.set()

    async def _listen(self) -> Server | GrpcioServer:
        limit = self._in_use.mesh.limits.max_body_bytes + ENVELOPE_BYTES
        certificates = self._certificates = _certificates(self._in_use.mesh.processor.tls)
        server: Server | GrpcioServer
        if self._in_use.mesh.processor.server == "grpcio":
            server = GrpcioServer(self._address, largest_message=limit, certificates=certificates)
        else:
            server = Server(self._address, largest_message=limit, report=_report, certificates=certificates)
        server.add_generic_rpc_handlers(self._service.handlers())
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        try:
            await server.start()
        except OSError as error:
            raise ConfigError(f"cannot listen on {self._address}: {error.strerror or error}") from None
        return server

    async def _tell(self, status: int) -> None:
        for service in ("", SERVICE):
            await self._health.set(service, status)

    async def _keep(self) -> None:
        """Once a second: reset the watchdog, count, and look whether the mesh.yaml has changed."""
        while True:
            faulthandler.dump_traceback_later(HANG_S, exit=True, file=STDERR)
            self._meter.set(OPEN_STREAMS, self._service.open_streams)
            self._pending.expire()
            self._collect_garbage()
            self._renew_certificates()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._reload.wait(), LOOK_S)
            asked = self._reload.is_set()
            self._reload.clear()
            if asked or (self._watches and self._in_use.is_stale()):
                await self._take_new_mesh()

    def _renew_certificates(self) -> None:
        """Take certificates that have been replaced; gRPC's own server reads its once."""
        if self._certificates is None:
            return
        try:
            if self._certificates.renew():
                log.info("certificates_renewed")
        except (OSError, ssl.SSLError) as error:
            log.error("certificates_refused", error=type(error).__name__, reason=_reason(error))  # noqa: TRY400

    def _collect_garbage(self) -> None:
        """Look through what is old; while a large body is at work, whose parts would all be looked through, only seldom."""
        now = time.monotonic()
        if self._service.pipeline.threads.busy and now - self._collected_at < GARBAGE_S:
            return
        if gc.get_count()[2]:
            gc.collect()
        self._collected_at = now

    async def _take_new_mesh(self) -> None:
        """Build the new mesh beside the old one, then exchange them between two requests."""
        before = self._in_use.mesh.processor
        if not await asyncio.to_thread(self._in_use.renew):
            self._meter.add(CONFIG_REJECTED)
            return
        mesh, pipeline, generation = self._in_use.mesh, self._in_use.pipeline, self._in_use.generation
        pipeline.watch_batches(self._count_pass)
        self._service.use(mesh, pipeline)  # open streams keep the one that they began with
        self._use(mesh)
        self._meter.set(CONFIG_GENERATION, generation)
        fixed = [n for n in type(before).model_fields if getattr(mesh.processor, n) != getattr(before, n)]
        log.info("reloaded", generation=generation, needs_restart=[f"processor.{name}" for name in fixed])
        gc.collect()  # the old pipeline is full of rings, and the next collection of its generation far away

    def _count_pass(self, texts: int, waiting: int) -> None:
        self._meter.record(BATCH_SIZE, texts)
        self._meter.set(QUEUE_SIZE, waiting)

    async def _drain(self, server: Server | GrpcioServer) -> None:
        """Health first; then no new streams, once Envoy has stopped sending; then the open ones have the rest of the time."""
        grace = 0.0 if self._hurry else self._in_use.mesh.processor.grace_s
        start = time.monotonic()
        end = start + grace
        log.info("draining", open_streams=self._service.open_streams, grace_s=grace)
        self.serving = False
        await self._health.enter_graceful_shutdown()
        while (now := time.monotonic()) < end and not self._health.is_known(start, now):  # noqa: ASYNC110 - time passes
            await asyncio.sleep(0.05)
        server.leave()
        while time.monotonic() < end and (self._service.open_streams or (self._pending and self._pending.logs)):  # noqa: ASYNC110 - time passes too
            await asyncio.sleep(0.05)
        self._service.end_logs()
        unfinished = self._service.open_streams
        # What is still open is reset, which is an error to Envoy: the request fails.
        await server.stop()
        log.info("stopped", unfinished=unfinished)

    def ready(self) -> tuple[bool, dict[str, Any]]:
        """For `/readyz`."""
        return self.serving, {"generation": self._in_use.generation, "refused": self._in_use.refused}

    def snapshot(self) -> Snapshot:
        """For `/metrics`."""
        self._meter.set(OPEN_STREAMS, self._service.open_streams)
        for outcome, texts in self._service.pipeline.name_counts().items():
            self._meter.set(NAME_TEXTS, texts, (outcome,))
        return self._meter.snapshot()

    def config(self) -> dict[str, Any]:
        """For `/config`."""
        return self._in_use.mesh.model_dump(mode="json")
