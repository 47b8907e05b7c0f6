"""The processor: builds every part once, and serves with as many workers as `mesh.yaml` says.

One worker lives in this process. Several are forked from it when all is built, so that they share the weights of the
models (see `supervisor.py`); each has a socket of its own, all of them listed in Envoy's cluster.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from extproc import logs
from extproc.pipeline import Pipeline
from extproc.process.admin import Admin
from extproc.process.host import claimed, observing, settle, uvloop_runner
from extproc.process.supervisor import supervise
from extproc.process.worker import Worker

if TYPE_CHECKING:
    from extproc.config import Mesh
    from extproc.process.host import Build
    from extproc.process.mesh_file import MeshFile


def serve(
    file: MeshFile,
    *,
    log_requests: bool = False,
    build: Build = Pipeline.build,
) -> None:
    """Serve until SIGTERM or SIGINT."""
    mesh = file.load()
    logs.configure("info" if log_requests else mesh.processor.log_level)
    if mesh.processor.workers > 1 and not mesh.processor.address:
        supervise(file, mesh, build(mesh, None), build=build, log_requests=log_requests)
        return
    with claimed(mesh):
        serve_one(file, mesh, build(mesh, None), build=build, log_requests=log_requests)


def serve_one(
    file: MeshFile,
    mesh: Mesh,
    pipeline: Pipeline,
    *,
    build: Build,
    log_requests: bool,
) -> None:
    """Serve in this process, admin port included."""
    settle()
    with observing(mesh, log_requests=log_requests) as (observer, meter, use), contextlib.ExitStack() as stack:

        async def run() -> None:
            worker = Worker(file, mesh, pipeline, observer, meter, build=build, use=use)
            admin = Admin(mesh.processor.admin, snapshot=worker.snapshot, ready=worker.ready, config=worker.config)
            stack.callback(admin.close)
            await worker.run()

        with uvloop_runner() as runner:
            runner.run(run())
