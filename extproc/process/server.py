"""The processor: builds every part once, and serves with as many workers as `mesh.yaml` says.

One worker lives in this process. Several are forked from it when all is built, so that they share the weights of the
models (see `supervisor.py`); each has a socket of its own, all of them listed in Envoy's cluster.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from extproc import heap, logs
from extproc.pipeline import Pipeline
from extproc.process import vitals
from extproc.process.admin import AdminPort
from extproc.process.host import claimed, observing, settle, uvloop_runner
from extproc.process.inheritance import Estate
from extproc.process.routed import Routed
from extproc.process.supervisor import Supervisor
from extproc.process.worker import Worker
from extproc.telemetry.instruments import CONFIG_REJECTED, WORKER_RESTARTS, WORKER_UP

if TYPE_CHECKING:
    from extproc.config import Mesh
    from extproc.process.host import Build
    from extproc.process.mesh_file import MeshFile
    from extproc.telemetry.series import Snapshot


def serve(
    file: MeshFile,
    *,
    log_requests: bool = False,
    build: Build = Pipeline.build,
    replaces: bool = False,
) -> None:
    """Serve until SIGTERM or SIGINT, or until another processor takes our place. `replaces`: take that of one that serves."""
    mesh = file.load()
    logs.configure("info" if log_requests else mesh.processor.log_level)
    heap.share()
    with claimed(mesh, replaces=replaces):
        pipeline = build(mesh, None)
        if mesh.processor.workers > 1 and not mesh.processor.address:
            Supervisor(file, mesh, pipeline, build=build, log_requests=log_requests, replaces=replaces).run()
        else:
            serve_one(file, mesh, pipeline, build=build, log_requests=log_requests, replaces=replaces)


def serve_one(
    file: MeshFile,
    mesh: Mesh,
    pipeline: Pipeline,
    *,
    build: Build,
    log_requests: bool,
    replaces: bool = False,
) -> None:
    """Serve in this process, admin port included."""
    settle()

    def look() -> None:
        meter.set(WORKER_UP, float(worker.serving), ("0",))
        vitals.note(meter, "0", os.getpid())
        worker.measure()

    with observing(mesh, log_requests=log_requests, look=look) as (observer, meter, use):
        vitals.note_build(meter)
        meter.add(CONFIG_REJECTED, 0)
        meter.add(WORKER_RESTARTS, 0, ("0",))  # an orchestrator's, where there is no parent

        def snapshot() -> Snapshot:
            look()
            return estate.snapshot()

        def close() -> None:
            estate.leave()
            admin.close()

        def ready() -> tuple[bool, dict[str, Any]]:
            serves, state = worker.ready()
            return serves, {**state, "unrouted": list(routed.unrouted)}

        worker = Worker(file, mesh, pipeline, observer, meter, build=build, use=use, replaced=close)
        admin = AdminPort(
            mesh.processor.admin,
            snapshot=snapshot,
            ready=ready,
            config=worker.config,
            budgets=worker.budgets,
            older=mesh.telemetry.conventions == "older",
        )
        folder = None if mesh.processor.address else Path(mesh.processor.socket).parent
        estate = Estate(folder, meter.snapshot)
        routed = Routed(lambda: worker.mesh, meter)
        worker.on_reload = routed.ask
        try:
            admin.open(patiently=replaces)
            with uvloop_runner() as runner:
                runner.run(worker.run())
        finally:
            if estate.is_left:
                estate.leave()
            routed.close()
            admin.close()
