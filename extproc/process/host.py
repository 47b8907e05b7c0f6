"""What a process that serves needs around a worker: telemetry, an event loop, its sockets to itself, memory that is settled."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import gc
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import uvloop

from extproc.errors import ConfigError
from extproc.exchange.observer import Silence
from extproc.process import private
from extproc.process.listening import answers
from extproc.telemetry import Meter, Telemetry
from extproc.telemetry.isolation import Isolated
from extproc.telemetry.request_log import RequestLog
from extproc.telemetry.settlement import Settling

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from extproc.config import Mesh
    from extproc.exchange.observer import Observer
    from extproc.pipeline import Pipeline
    from extproc.telemetry.arena import Arena
    from extproc.telemetry.otlp import Parent

    Build = Callable[[Mesh, Pipeline | None], Pipeline]
    """Makes the pipeline of a mesh; what can be shared with an earlier one is."""
    Use = Callable[[Mesh], None]
    """Tells telemetry of a reloaded mesh."""

GARBAGE_THRESHOLDS = (10_000, 5, 1_000_000)
"""New objects before the young are looked through (1 ms), and how often that is before those of middle age are (5 ms). All
others are looked through by the worker, when nothing waits: in the middle of a large body that took 100 ms."""
SWITCH_S = 0.0005
"""After so long a thread that masks lets another run Python: the transformer's, which begins beside it, needs a moment."""


@contextlib.contextmanager
def observing(
    mesh: Mesh,
    *,
    log_requests: bool,
    arena: Arena | None = None,
    look: Callable[[], None] = lambda: None,
    parent: Parent | None = None,
) -> Iterator[tuple[Observer, Meter, Use]]:
    """Telemetry as `mesh.yaml` wants it. Its exporters have threads, so it is made in the process that serves.

    `arena`: where the counts lie, if a parent is to see them. `look` sets what is measured by looking, before all is told.
    `parent`: whose counts this process tells.
    """
    meter = Meter(arena)
    telemetry = Telemetry(mesh, meter=meter, look=look, parent=parent) if mesh.telemetry.enabled else None
    observer: Observer = Isolated(telemetry, meter) if telemetry else Silence()
    try:
        settling: Observer = Settling(observer)
        yield (
            RequestLog(settling) if log_requests or mesh.processor.log_level == "debug" else settling,
            meter,
            telemetry.use if telemetry else lambda _: None,
        )
    finally:
        if telemetry:
            telemetry.close()


def settle() -> None:
    """Leave out of every later garbage collection what has been built for good, and let threads take turns."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE_THRESHOLDS)
    sys.setswitchinterval(SWITCH_S)


def uvloop_runner() -> asyncio.Runner:
    """A runner on uvloop: a message costs a fifth less than on asyncio's own loop."""
    return asyncio.Runner(loop_factory=uvloop.new_event_loop)


@contextlib.contextmanager
def claimed(mesh: Mesh, *, replaces: bool = False) -> Iterator[None]:
    """The sockets are ours alone; removed at the end, unless another has taken them.

    Sockets left behind by a killed processor are replaced; those of a living one are an error, unless we are to take its place:
    then the claim becomes ours when it ends.
    """
    if mesh.processor.address:
        yield
        return
    paths = [Path(socket) for socket in mesh.processor.sockets()]
    for path in paths:
        if path.is_dir() or (path.exists() and not path.is_socket()):
            raise ConfigError(f"processor.socket: {path} is there, and is no socket: choose another name, or remove it")
    lock_path = paths[0].with_suffix(".lock")
    with private.lock(lock_path, "processor.socket") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if not replaces:
                raise ConfigError(
                    f"processor.socket: another processor serves {paths[0]}; `serve --replace` takes its place"
                ) from None
            threading.Thread(target=fcntl.flock, args=(lock, fcntl.LOCK_EX), name="claim", daemon=True).start()
        try:
            yield
        finally:
            left = [path for path in paths if not answers(path)]
            for path in left:
                path.unlink(missing_ok=True)
            if len(left) == len(paths):  # else it is the claim of who took our place
                lock_path.unlink(missing_ok=True)
