"""Several workers: forked from one process in which everything is built, and forked again when one dies.

Forking after building is what shares the memory: the weights of the models lie in pages that nobody writes to, so the
kernel keeps one copy of them. gRPC must not have been touched before the fork, and is not: the parent only looks after
its children, answers on the admin port for all of them, and watches `mesh.yaml`.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import os
import pickle
import signal
import socket
import struct
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from extproc.errors import IntentmeshError
from extproc.logs import logger, where
from extproc.process.admin import Admin
from extproc.process.host import claimed, observing, settle, uvloop_runner
from extproc.process.reload import InUse
from extproc.process.worker import Worker
from extproc.telemetry.instruments import CONFIG_REJECTED
from extproc.telemetry.meter import Meter, merge

if TYPE_CHECKING:
    from extproc.config import Mesh
    from extproc.pipeline import Pipeline
    from extproc.process.host import Build
    from extproc.process.mesh_file import MeshFile
    from extproc.telemetry.meter import Snapshot

log = logger()

LOOK_S = 1.0
"""How often mesh.yaml is looked at."""
ANSWER_S = 2.0
"""How long a worker may take to tell of itself; one that is stopped tells nothing."""
YOUNG_S = 2.0
"""A worker that dies younger than this did not get to work: the next one is held back a little."""
GIVE_UP = 5
"""Young deaths in a row after which the processor ends, for an orchestrator to see."""
PR_SET_PDEATHSIG = 1
WATCHED = {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP}


@dataclass
class Child:
    """One worker, as its parent knows it."""

    address: str
    pid: int = 0
    started: float = 0.0
    not_before: float = 0.0
    young_deaths: int = 0
    line: socket.socket | None = None
    asking: threading.Lock = field(default_factory=threading.Lock)

    def ask(self) -> tuple[Snapshot, bool, dict[str, Any]] | None:
        """What it counts, whether it is ready, and details; None when it does not answer."""
        with self.asking:
            if self.line is None:
                return None
            try:
                self.line.sendall(b"?")
                (size,) = struct.unpack("!I", _exactly(self.line, 4))
                answer: tuple[Snapshot, bool, dict[str, Any]] = pickle.loads(_exactly(self.line, size))  # noqa: S301 - our own child
            except OSError:
                self.line = None  # an answer that came late would be taken for the next one's
                return None
            return answer


def supervise(file: MeshFile, mesh: Mesh, pipeline: Pipeline, *, build: Build, log_requests: bool) -> None:
    """Run `processor.workers` workers until SIGTERM or SIGINT."""
    with claimed(mesh):
        Supervisor(file, mesh, pipeline, build=build, log_requests=log_requests).run()


class Supervisor:
    """The parent of the workers."""

    def __init__(self, file: MeshFile, mesh: Mesh, pipeline: Pipeline, *, build: Build, log_requests: bool) -> None:
        self._file = file
        self._in_use = InUse(file, mesh, pipeline, build)
        self._meter = Meter()
        """Of what the parent does itself; the workers count the rest."""
        self._build = build
        self._log_requests = log_requests
        self._children = [Child(address) for address in mesh.processor.sockets()]
        self._stopping = False

    def run(self) -> None:
        """Fork, look after, and end the workers."""
        signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
        settle()  # so that collecting garbage writes to no page that is shared
        admin = None
        try:
            for child in self._children:
                self._fork(child)
            admin = Admin(
                self._in_use.mesh.processor.admin, snapshot=self._snapshot, ready=self._ready, config=self._config
            )
            while any(child.pid for child in self._children) or not self._stopping:
                self._look_after()
        finally:
            for child in self._children:
                if child.pid:
                    os.kill(child.pid, signal.SIGKILL)
            if admin:
                admin.close()

    def _look_after(self) -> None:
        found = signal.sigtimedwait(WATCHED, LOOK_S)
        number = found.si_signo if found else None
        if number in (signal.SIGTERM, signal.SIGINT):
            self._stopping = True
            self._tell(number)
        self._reap()
        if self._stopping:
            return
        if number == signal.SIGHUP or self._in_use.is_stale():
            self._take_new_mesh()
        for child in self._children:
            if not child.pid and time.monotonic() >= child.not_before:
                self._fork(child)

    def _tell(self, number: int) -> None:
        for child in self._children:
            if child.pid:
                os.kill(child.pid, number)

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            child = next(child for child in self._children if child.pid == pid)
            child.pid, child.line = 0, None
            if self._stopping:
                continue
            code = os.waitstatus_to_exitcode(status)
            young = time.monotonic() - child.started < YOUNG_S
            child.young_deaths = child.young_deaths + 1 if young else 0
            child.not_before = time.monotonic() + (0.1 * 2**child.young_deaths if young else 0)
            log.error("worker_died", pid=pid, code=code, socket=child.address)
            if child.young_deaths >= GIVE_UP:
                raise IntentmeshError(f"a worker died {GIVE_UP} times at its start; its last exit code was {code}")

    def _fork(self, child: Child) -> None:
        ours, theirs = socket.socketpair()
        ours.settimeout(ANSWER_S)
        child.started = time.monotonic()
        child.pid = os.fork()
        if child.pid:
            theirs.close()
            child.line = ours
            return
        code = 1
        try:  # the child: whatever happens here, it must not return into the parent's code
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)  # without a parent nobody would end it
            signal.pthread_sigmask(signal.SIG_UNBLOCK, WATCHED)
            for other in self._children:
                if other.line is not None:
                    other.line.close()
            ours.close()
            code = self._work(child.address, theirs)
        except BaseException as error:  # noqa: BLE001
            reason = str(error) if isinstance(error, IntentmeshError) else where(error)
            log.error("worker_failed", error=type(error).__name__, reason=reason)  # noqa: TRY400
        finally:
            os._exit(code)

    def _work(self, address: str, line: socket.socket) -> int:
        """The life of a worker, in its own process."""
        mesh = self._in_use.mesh
        with observing(mesh, log_requests=self._log_requests) as (observer, meter, use):
            worker = Worker(
                self._file,
                mesh,
                self._in_use.pipeline,
                observer,
                meter,
                socket=address,
                build=self._build,
                use=use,
                watches=False,
            )

            def report() -> None:
                if not line.recv(1):
                    return
                told = pickle.dumps((worker.snapshot(), *worker.ready()))
                line.sendall(struct.pack("!I", len(told)) + told)

            async def run() -> None:
                asyncio.get_running_loop().add_reader(line, report)
                await worker.run()

            with uvloop_runner() as runner:
                runner.run(run())
        return 0

    def _take_new_mesh(self) -> None:
        """Build the new mesh here first: for the workers of tomorrow, and to find out whether it is good."""
        if not self._in_use.renew():
            self._meter.add(CONFIG_REJECTED)
            return
        self._tell(signal.SIGHUP)
        gc.collect()

    # What the admin port tells

    def _snapshot(self) -> Snapshot:
        return merge([self._meter.snapshot(), *(told[0] for child in self._children if (told := child.ask()))])

    def _ready(self) -> tuple[bool, dict[str, Any]]:
        answers = [child.ask() for child in self._children]
        workers = [{"ready": a[1], **a[2]} if a else {"ready": False} for a in answers]
        return any(w["ready"] for w in workers), {"workers": workers, "refused": self._in_use.refused}

    def _config(self) -> dict[str, Any]:
        return self._in_use.mesh.model_dump(mode="json")


def _exactly(line: socket.socket, size: int) -> bytes:
    parts = b""
    while len(parts) < size:
        part = line.recv(size - len(parts))
        if not part:
            raise ConnectionResetError
        parts += part
    return parts
