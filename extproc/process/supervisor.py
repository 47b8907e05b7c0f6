"""Several workers: forked from one process in which everything is built, and forked again when one dies.

Forking after building is what shares the memory: the weights of the models lie in pages that nobody writes to, so the
kernel keeps one copy of them. gRPC must not have been touched before the fork, and is not: the parent only looks after
its children, answers on the admin port for all of them, and watches `mesh.yaml`.

The parent holds the sockets on which its children listen (`listening.py`), so that the death of one refuses no connection. It
asks its children nothing, for one that is stopped or busy would not answer: it reads what they count and say in
memory that it shares with each (`telemetry/arena.py`), and what a worker had counted stays when it dies.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import signal
import time
import uuid
from typing import TYPE_CHECKING

from extproc.errors import ConfigError, IntentmeshError
from extproc.logs import logger, where
from extproc.process import vitals
from extproc.process.admin import AdminPort
from extproc.process.child import Child
from extproc.process.counts import Counts
from extproc.process.host import observing, settle, uvloop_runner
from extproc.process.inheritance import Estate
from extproc.process.listening import SocketName
from extproc.process.overview import Overview
from extproc.process.reload import InUse
from extproc.process.routed import Routed
from extproc.process.worker import Worker
from extproc.telemetry import audit
from extproc.telemetry.arena import Arena
from extproc.telemetry.instruments import (
    CONFIG_REJECTED,
    WORKER_RESTARTS,
)
from extproc.telemetry.meter import Meter
from extproc.telemetry.otlp import Parent
from extproc.telemetry.series import merge

if TYPE_CHECKING:
    from extproc.config import Mesh
    from extproc.pipeline import Pipeline
    from extproc.process.host import Build
    from extproc.process.mesh_file import MeshFile
    from extproc.telemetry.series import Snapshot

log = logger()

LOOK_S = 1.0
"""How often mesh.yaml is looked at."""
YOUNG_S = 2.0
"""A worker that dies younger than this did not get to work: the next one is held back a little."""
HELD_BACK_S = 30.0
"""And no longer than this, however many died."""
GIVE_UP = 5
"""Young deaths in a row after which the processor ends, for an orchestrator to see: where no other worker serves."""
LAGS_S = 60.0
"""A worker that does not come to work by the mesh of its parent within that is ended, and forked anew from it."""
BEGINS_S = 0.02
"""How often it is looked at until all workers serve for the first time."""
QUEUED_S = 0.5
"""So long connections may wait for the next worker; where it is held back for longer, they are refused, and Envoy notices."""
PR_SET_PDEATHSIG = 1
WATCHED = {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP}


class Supervisor:
    """The parent of the workers."""

    def __init__(
        self,
        file: MeshFile,
        mesh: Mesh,
        pipeline: Pipeline,
        *,
        build: Build,
        log_requests: bool,
        replaces: bool = False,
    ) -> None:
        self._file = file
        self._in_use = InUse(file, mesh, pipeline, build)
        arena = Arena()
        self._meter = Meter(arena)
        """Of what the parent does itself; the workers count the rest."""
        self._told = Parent(str(uuid.uuid4()), arena.snapshot)
        """The same, for the worker that tells a receiver of it."""
        self._build = build
        self._log_requests = log_requests
        self._replaces = replaces
        self._children = [Child(number, SocketName(path)) for number, path in enumerate(mesh.processor.sockets())]
        self._counts = Counts(self._children)
        self._estate = Estate(self._children[0].name.path.parent, self._counted)
        self._overview = Overview(
            self._children,
            self._in_use,
            self._meter,
            self._estate.snapshot,
            lambda: self._routed.unrouted if self._routed else (),
        )
        self._holds = mesh.processor.server != "grpcio"  # which binds its own
        self._named = not self._holds
        """Whether the sockets have their names."""
        self._stopping = False
        self._pid = os.getpid()
        self._routed: Routed | None = None
        vitals.note_build(self._meter)
        self._meter.add(CONFIG_REJECTED, 0)
        for child in self._children:
            self._meter.add(WORKER_RESTARTS, 0, (str(child.number),))

    def run(self) -> None:
        """Fork, look after, and end the workers."""
        signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
        settle()  # so that collecting garbage writes to no page that is shared
        admin = AdminPort(
            self._in_use.mesh.processor.admin,
            snapshot=self._overview.snapshot,
            ready=self._overview.ready,
            config=self._overview.config,
            budgets=self._overview.budgets,
            older=self._in_use.mesh.telemetry.conventions == "older",
        )
        try:
            self._prepare()
            for child in self._children:
                self._fork(child)
            self._routed = Routed(lambda: self._in_use.mesh, self._meter)
            admin.open(patiently=self._replaces)
            while any(child.pid for child in self._children) or not self._stopping:
                try:
                    self._look_after(admin)
                except IntentmeshError:
                    raise
                except Exception as error:  # noqa: BLE001 - a fault here costs one look, and no worker
                    log.error("looking_after_failed", error=type(error).__name__, at=where(error))  # noqa: TRY400
                    time.sleep(LOOK_S)
        finally:
            for child in self._children:
                if child.pid:
                    os.kill(child.pid, signal.SIGKILL)
                child.name.drop()
            if self._estate.is_left:
                self._estate.leave()
            admin.close()
            if self._routed:
                self._routed.close()

    def _look_after(self, admin: AdminPort) -> None:
        received = signal.sigtimedwait(WATCHED, self._until_the_next())
        number = received.si_signo if received else None
        if number in (signal.SIGTERM, signal.SIGINT):
            self._stop(number)
        self._reap()
        if self._stopping:
            return
        self._take_names()
        self._overview.measure_for_receiver()
        if any(child.is_replaced for child in self._children):  # it has come to stay
            log.info("replaced")
            self._estate.leave()
            admin.close()
            self._stop(None)
            return
        if number == signal.SIGHUP or self._in_use.is_stale():
            self._take_new_mesh()
        self._end_laggards()
        for child in self._children:
            if not child.pid and time.monotonic() >= child.not_before:
                self._fork(child)

    def _until_the_next(self) -> float:
        """Seconds until there is something to do."""
        now = time.monotonic()
        waits = (max(0.0, child.not_before - now) for child in self._children if not child.pid)
        return min([LOOK_S if self._named else BEGINS_S, *waits])

    def _stop(self, number: int | None) -> None:
        """No worker comes after those that there are, so what they do not accept is to be refused.

        `number`: the signal that tells them; None: they see by themselves that they are replaced, but for those that are not.
        """
        self._stopping = True
        for child in self._children:
            child.name.let_go()
            if child.pid and (number or not child.is_replaced):
                os.kill(child.pid, number or signal.SIGTERM)

    def _tell(self, number: int) -> None:
        for child in self._children:
            if child.pid:
                os.kill(child.pid, number)

    def _reap(self) -> None:
        while True:
            try:
                pid, status, used = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            child = next(child for child in self._children if child.pid == pid)
            replaced = child.is_replaced
            child.cpu_s += used.ru_utime + used.ru_stime
            self._counts.bury(child)
            child.pid = 0
            code = os.waitstatus_to_exitcode(status)
            if self._stopping or replaced:
                continue
            self._meter.add(WORKER_RESTARTS, 1, (str(child.number),))
            young = time.monotonic() - child.started < YOUNG_S
            child.young_deaths = child.young_deaths + 1 if young else 0
            wait_s = min(0.1 * 2**child.young_deaths, HELD_BACK_S) if young else 0.0
            child.not_before = time.monotonic() + wait_s
            if wait_s > QUEUED_S:
                child.name.let_go()
            log.error("worker_died", pid=pid, code=code, socket=str(child.name.path))
            if child.young_deaths >= GIVE_UP and not any(other.serves for other in self._children):
                raise IntentmeshError(f"a worker died {GIVE_UP} times at its start; its last exit code was {code}")

    def _prepare(self) -> None:
        """What no worker could do without. Raises ConfigError."""
        telemetry = self._in_use.mesh.telemetry
        if telemetry.enabled and telemetry.audit:
            audit.check(telemetry.audit)
        for child in self._children if self._holds else ():
            try:
                child.name.hold()
            except OSError as error:
                raise ConfigError(f"cannot listen on unix:{child.name.path}: {error.strerror or error}") from None

    def _take_names(self) -> None:
        """Give the sockets their names, all at once: who is replaced ends all of its workers when one has lost its name."""
        if self._named:
            for child in self._children:
                if child.pid and child.name.held is not None and child.name.temporary.exists():
                    self._take_name(child)  # of one that was made anew
        elif any(child.serves for child in self._children) and all(c.serves or c.young_deaths for c in self._children):
            self._named = True
            for child in self._children:
                self._take_name(child)

    def _take_name(self, child: Child) -> None:
        child.name.take()
        child.inode = child.name.inode

    def _fork(self, child: Child) -> None:
        child.started = time.monotonic()
        child.lags_since = None
        child.pulse.want(self._in_use.generation)
        try:
            if self._holds:
                child.name.hold()
            with self._routed.still if self._routed else contextlib.nullcontext():
                pid = os.fork()
        except OSError as error:  # no memory, no process to be had: those that serve go on, and it is tried again
            child.young_deaths += 1
            child.not_before = time.monotonic() + min(0.1 * 2**child.young_deaths, HELD_BACK_S)
            log.error("fork_failed", reason=error.strerror, socket=str(child.name.path))  # noqa: TRY400
            return
        if pid:
            child.pid = pid
            return
        code = 1
        try:  # the child: whatever happens here, it must not return into the parent's code
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)  # without a parent nobody would end it
            signal.pthread_sigmask(signal.SIG_UNBLOCK, WATCHED)
            self._work(child)
            code = 0
        except BaseException as error:  # noqa: BLE001
            reason = str(error) if isinstance(error, IntentmeshError) else where(error)
            log.error("worker_failed", error=type(error).__name__, reason=reason)  # noqa: TRY400
        finally:
            os._exit(code)

    def _work(self, child: Child) -> None:
        """The life of a worker, in its own process."""
        mesh = self._in_use.mesh
        for other in self._children:
            if other is not child:
                other.name.let_go()
        parent = None if child.number else self._told
        with observing(mesh, log_requests=self._log_requests, arena=child.arena, parent=parent) as (
            observer,
            meter,
            use,
        ):
            worker = Worker(
                self._file,
                mesh,
                self._in_use.pipeline,
                observer,
                meter,
                name=child.name,
                build=self._build,
                use=use,
                started=self._in_use.started,
                pulse=child.pulse,
            )
            with uvloop_runner() as runner:
                runner.run(worker.run())
        if os.getppid() != self._pid:
            child.name.drop()  # nobody else is left to do it

    def _take_new_mesh(self) -> None:
        """Build the new mesh here first: for the workers of tomorrow, and to find out whether it is good."""
        if not self._in_use.renew():
            self._meter.add(CONFIG_REJECTED)
            return
        for child in self._children:
            child.pulse.want(self._in_use.generation)
        self._tell(signal.SIGHUP)
        if self._routed:
            self._routed.ask()
        log.info("reloaded", generation=self._in_use.generation, needs_restart=self._in_use.waiting)
        gc.collect()

    def _end_laggards(self) -> None:
        """A worker that could not build what its parent has built is ended kindly; the next one need not build it."""
        now = time.monotonic()
        for child in self._children:
            lags = child.pid and child.pulse.alive and 0 < child.pulse.generation < self._in_use.generation
            child.lags_since = (child.lags_since or now) if lags else None
            if child.lags_since is not None and now - child.lags_since > LAGS_S:
                log.error("worker_lags", pid=child.pid, generation=child.pulse.generation)
                child.lags_since = now
                os.kill(child.pid, signal.SIGTERM)

    def _counted(self) -> Snapshot:
        """What the workers have counted, and what their parent does itself."""
        return merge([self._meter.snapshot(), self._counts.snapshot()])
