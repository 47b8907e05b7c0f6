"""One worker: an event loop, a gRPC server on a socket of its own, and the pipeline that it may exchange while it runs."""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import gc
import signal
import time
from typing import TYPE_CHECKING, Any

from grpc_health.v1 import health_pb2, health_pb2_grpc

from extproc import heap, logs
from extproc.errors import ConfigError
from extproc.http2 import Server
from extproc.logs import logger, where
from extproc.process import certificates
from extproc.process.budgets import measure, obey
from extproc.process.health import WatchedHealth
from extproc.process.listening import SocketName
from extproc.process.pulse import Pulse
from extproc.process.relay import Relay
from extproc.process.reload import InUse
from extproc.telemetry.instruments import (
    BATCH_SIZE,
    CONFIG_GENERATION,
    CONFIG_REJECTED,
    CONFIG_WAITING,
    NAME_TEXTS,
    OPEN_STREAMS,
    QUEUE_SIZE,
    TELEMETRY_DROPPED,
)
from extproc.telemetry.pending import PendingExchanges
from extproc.wire.grpcio import GrpcioServer
from extproc.wire.messages import SERVICE
from extproc.wire.service import ExternalProcessor

if TYPE_CHECKING:
    from collections.abc import Callable

    from extproc.config import Mesh
    from extproc.exchange.observer import Observer
    from extproc.http2 import Certificates
    from extproc.pipeline import Pipeline
    from extproc.process.budgets import Answer, Order
    from extproc.process.mesh_file import MeshFile
    from extproc.telemetry import Meter

log = logger()

ENVELOPE_BYTES = 1024 * 1024
"""What a message may weigh beside the body: headers, above all."""
STDERR = 2
LOOK_S = 1.0
"""How often the mesh.yaml is looked at, and the watchdog reset."""
GARBAGE_S = 30.0
"""How long it may go uncollected while large bodies keep coming."""
HOLES_BYTES = 8 * 2**20
"""So much of larger bodies leaves holes in the heap that are worth giving back."""
GIVE_BACK_S = 60.0
"""How long is between one giving back and the next, at the least."""
ACCEPTED_S = 0.2
"""Connections that were made before another took our name are accepted within that."""
HANDED_OVER_S = 0.5
"""Requests that were on their way when Envoy was told to go elsewhere have come by then."""
HANG_S = 15.0
"""An event loop that stands still for so long (a recognizer that never returns) ends the process: what hangs here hangs
for every stream, and an ended process is one that is started again. Envoy fails the requests that it held."""


def _longest_s(mesh: Mesh) -> float:
    """The longest that an answer may take."""
    return max(model.timeout_s for model in mesh.models.values())


def _report(error: BaseException) -> None:
    log.error("call_failed", error=type(error).__name__, at=where(error))


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
        name: SocketName | None = None,
        build: Callable[[Mesh, Pipeline], Pipeline],
        use: Callable[[Mesh], None],
        started: Mesh | None = None,
        pulse: Pulse | None = None,
        replaced: Callable[[], None] = lambda: None,
    ) -> None:
        """`pulse`: what a parent sees of us; it then watches the mesh.yaml. `replaced`: told when another has our socket.

        `name`: of our socket, which is a parent's where it holds it.
        """
        self.serving = False
        self._pulse = pulse or Pulse()
        self._watches = pulse is None
        self._in_use = InUse(file, mesh, pipeline, build, started=started, generation=self._pulse.wanted or 1)
        self._meter = meter
        self._name = None if mesh.processor.address else name or SocketName(mesh.processor.socket)
        self._address = f"unix:{self._name.path}" if self._name else mesh.processor.address or ""
        self._use = use
        self._on_replaced = replaced
        self.on_reload: Callable[[], None] = lambda: None
        """Called when another mesh is in use."""
        sockets = mesh.processor.sockets()
        number = sockets.index(str(name.path)) if name else 0
        self._relay = Relay(self._name.path.parent) if self._name else None
        passes_on = self._relay.pass_on if self._relay else lambda _: False
        self._pending = PendingExchanges(number, observer.finish, meter, observer.waits, passes_on)
        self._pending.expect(_longest_s(mesh))
        self._service = ExternalProcessor(mesh, pipeline, observer, self._pending)
        self._health = WatchedHealth()
        self._collected_at = self._given_back_at = time.monotonic()
        self._certificates: Certificates | None = None
        self._stop = asyncio.Event()
        self._hurry = self._enough = False
        self._reload = asyncio.Event()
        pipeline.watch_batches(self._count_pass)

    async def run(self, started: Callable[[], None] = lambda: None) -> None:
        """Serve until SIGTERM (finish what is open) or SIGINT (at once)."""
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(logs.loop_failed)
        loop.add_signal_handler(signal.SIGTERM, self._terminate)
        loop.add_signal_handler(signal.SIGINT, self._interrupt)
        loop.add_signal_handler(signal.SIGHUP, self._reload.set)
        server = await self._listen()
        self._service.loop_lag.listen(loop)
        if treasury := self._in_use.pipeline.treasury:
            treasury.start()
        await self._tell(health_pb2.HealthCheckResponse.SERVING)
        if self._name is not None and self._name.held is None:
            self._name.take()
            self._pulse.listens(self._name.inode)
        self.serving = True
        self._beat()
        mesh = self._in_use.mesh
        log.info("serving", address=self._address, models=len(mesh.models), intents=len(mesh.intents))
        started()
        keeper = asyncio.create_task(self._keep())
        try:
            await self._stop.wait()
            await self._drain(server)
        finally:
            keeper.cancel()
            if self._name is not None and self._name.held is None:
                self._name.drop()
            self._pending.close()
            if self._relay is not None:
                self._relay.close()
            if treasury := self._in_use.pipeline.treasury:
                await treasury.stop(for_good=True)
            self._service.loop_lag.close()
            faulthandler.cancel_dump_traceback_later()

    def _terminate(self) -> None:
        self._enough = self._pending.handed_over  # it was told to end before, and stays only for what it waits for
        self._stop.set()

    def _interrupt(self) -> None:
        self._hurry = True
        self._stop.set()

    async def _listen(self) -> Server | GrpcioServer:
        limit = self._in_use.mesh.limits.max_body_bytes + ENVELOPE_BYTES
        address = f"unix:{self._name.temporary}" if self._name else self._address
        tls = self._certificates = certificates.configured(self._in_use.mesh.processor.tls)
        server: Server | GrpcioServer
        if self._in_use.mesh.processor.server == "grpcio":
            server = GrpcioServer(address, largest_message=limit, certificates=tls)
        else:
            held = self._name.held if self._name else None
            server = Server(address, largest_message=limit, report=_report, certificates=tls, socket=held)
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
        """Once a second: reset the watchdog, count, and look whether the mesh.yaml has changed. A fault here costs one turn."""
        while True:
            faulthandler.dump_traceback_later(HANG_S, exit=True, file=STDERR)
            try:
                await self._look()
            except Exception as error:  # noqa: BLE001 - else nobody would reset the watchdog, and that ends the process
                log.error("keeping_failed", error=type(error).__name__, at=where(error))  # noqa: TRY400
                await asyncio.sleep(LOOK_S)

    async def _look(self) -> None:
        self._beat()
        self._pending.expire()
        await self._collect_garbage()
        if self._certificates is not None:  # gRPC's own server reads its once
            certificates.renew(self._certificates)
        if self._is_replaced():
            self._stop.set()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._reload.wait(), LOOK_S)
        asked = self._reload.is_set()
        self._reload.clear()
        if asked or (self._watches and self._in_use.is_stale()):
            await self._take_new_mesh()

    def _beat(self) -> None:
        """Tell that we live, and count what is counted by looking."""
        self._pulse.beat(ready=self.serving, generation=self._in_use.generation)
        if self._watches:
            self._meter.set(CONFIG_GENERATION, self._in_use.generation)
            self._meter.set(CONFIG_WAITING, len(self._in_use.waiting))
        self._meter.set(OPEN_STREAMS, self._service.open_streams + len(self._pending))
        for outcome, texts in self._service.pipeline.name_counts().items():
            self._meter.set(NAME_TEXTS, texts, (outcome,))

    async def _collect_garbage(self) -> None:
        """Look through what is old; while a large body is at work, whose parts would all be looked through, only seldom.
        What large bodies left behind in many holes is given back.
        """
        now = time.monotonic()
        threads = self._service.pipeline.threads
        if threads.busy and now - self._collected_at < GARBAGE_S:
            return
        if gc.get_count()[2]:
            gc.collect()
        self._collected_at = now
        if threads.worked_bytes >= HOLES_BYTES and now - self._given_back_at >= GIVE_BACK_S:
            threads.worked_bytes, self._given_back_at = 0, now
            await asyncio.to_thread(heap.give_back)

    async def _take_new_mesh(self) -> None:
        """Build the new mesh beside the old one, then exchange them between two requests."""
        wanted = self._pulse.wanted
        treasury = self._in_use.pipeline.treasury
        if not await asyncio.to_thread(self._in_use.renew):
            if self._watches:  # else the parent has looked at the same file, and counts
                self._meter.add(CONFIG_REJECTED)
            return
        self._in_use.generation = wanted or self._in_use.generation
        mesh, pipeline = self._in_use.mesh, self._in_use.pipeline
        pipeline.watch_batches(self._count_pass)
        self._pending.expect(_longest_s(mesh))
        self._service.use(mesh, pipeline)  # open streams keep the one that they began with
        if treasury is not None:
            await treasury.stop(for_good=False)
        if pipeline.treasury is not None:
            try:
                pipeline.treasury.start()
            except ConfigError as error:  # requests that they concern are refused until the file says another place
                log.error("budget_accounts_unavailable", reason=str(error))  # noqa: TRY400
        try:
            self._use(mesh)
        except Exception as error:  # noqa: BLE001 - telemetry goes on by the old mesh; requests go by the new
            self._meter.add(TELEMETRY_DROPPED, 1, ("use",))
            log.error("telemetry_failed", call="use", error=type(error).__name__, at=where(error))  # noqa: TRY400
        self._beat()
        self.on_reload()
        log.info("reloaded", generation=self._in_use.generation, needs_restart=self._in_use.waiting)
        gc.collect()  # the old pipeline is full of rings, and the next collection of its generation far away

    def _count_pass(self, texts: int, waiting: int) -> None:
        self._meter.record(BATCH_SIZE, texts)
        self._meter.set(QUEUE_SIZE, waiting)

    def _is_replaced(self) -> bool:
        """Whether another processor has our socket's name."""
        return self._name is not None and self._name.is_anothers()

    async def _drain(self, server: Server | GrpcioServer) -> None:
        """Have Envoy send no more; then the open streams have the rest of the time."""
        grace = 0.0 if self._hurry else self._in_use.mesh.processor.grace_s
        start = time.monotonic()
        end = start + grace
        replaced = self._is_replaced()
        log.info("draining", open_streams=self._service.open_streams, grace_s=grace, replaced=replaced)
        self.serving = False
        self._beat()
        await (self._hand_over() if replaced else self._say_goodbye(start, end))
        server.leave()
        if replaced and self._relay is not None:
            self._pending.handed_over = True
            await self._relay.listen(self._pending.token, self._pending.hear)
            self._service.ask_logs_to_end()  # Envoy opens them again where the new one listens
            await asyncio.sleep(min(HANDED_OVER_S, grace))  # what Envoy had sent before it heard of it
        while time.monotonic() < end and (self._service.open_streams or (self._pending and self._pending.logs)):  # noqa: ASYNC110 - time passes too
            await asyncio.sleep(0.05)
        self._service.end_logs()
        while replaced and self._pending and not (self._enough or self._hurry):  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.1)  # as long as answers may take, at most
        unfinished = self._service.open_streams
        # What is still open is reset, which is an error to Envoy: the request fails.
        await server.stop()
        log.info("stopped", unfinished=unfinished)

    async def _say_goodbye(self, start: float, end: float) -> None:
        """Health first; wait until Envoy has stopped sending."""
        await self._health.enter_graceful_shutdown()
        while (now := time.monotonic()) < end and not self._health.is_known(start, now):  # noqa: ASYNC110 - time passes
            await asyncio.sleep(0.05)

    async def _hand_over(self) -> None:
        """Another listens under our name: Envoy has somebody to go to, and must not hear that we are unwell."""
        await asyncio.to_thread(self._on_replaced)
        await asyncio.sleep(ACCEPTED_S)

    @property
    def mesh(self) -> Mesh:
        """What is in use."""
        return self._in_use.mesh

    def ready(self) -> tuple[bool, dict[str, Any]]:
        """For `/readyz`."""
        return self.serving, self._in_use.told()

    def measure(self) -> None:
        """Set what is measured by looking, for `/metrics`."""
        self._beat()
        if treasury := self._service.pipeline.treasury:
            measure(treasury, self._meter)

    def budgets(self, order: Order) -> Answer:
        """For `/budgets`."""
        return obey(self._service.pipeline.treasury, order)

    def config(self) -> dict[str, Any]:
        """For `/config`."""
        return self._in_use.shown()
