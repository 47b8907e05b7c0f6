"""The real processor with one part broken: `python -m tests.chaos.broken_processor WHAT SOCKET`."""

from __future__ import annotations

import random
import resource
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from extproc.mesh_file import MeshFile
from extproc.pii import Analyzer
from extproc.pipeline import Pipeline
from extproc.server import serve

if TYPE_CHECKING:
    from extproc.config import Mesh

DICE = random.Random(1)
MEMORY_MB = 700


def build(what: str, mesh: Mesh, previous: Pipeline | None = None) -> Pipeline:
    """The pipeline, broken."""
    pipeline = Pipeline.build(mesh, previous)
    if what in ("raising", "slow"):
        analyze = Analyzer.analyze

        def faulty(self: Analyzer, *args: Any, **options: Any) -> Any:
            if DICE.random() < 0.2:
                if what == "raising":
                    raise RuntimeError("a recognizer that quotes its text: " + str(args[0]))
                time.sleep(0.3)
            return analyze(self, *args, **options)

        Analyzer.analyze = faulty  # type: ignore[method-assign]
    classifier: Any = pipeline._classifier
    if what == "classifier":

        async def failing(*_: Any) -> Any:
            if DICE.random() < 0.5:
                raise ValueError("no idea")
            return await type(classifier).classify(classifier, *_)

        classifier.classify = failing
    elif what == "saturated":
        transform = classifier.cascade.transform

        def slow(views: Any) -> Any:
            time.sleep(0.2)
            return transform(views)

        classifier._batcher._work = slow
    return pipeline


def break_process(what: str) -> None:
    """Break what is not a part but the world around."""
    if what == "memory":
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MB * 4 * 2**20, MEMORY_MB * 4 * 2**20))
    elif what == "clock":
        real = time.time
        time.time = lambda: real() + DICE.uniform(-1e6, 1e6)  # type: ignore[method-assign]
    elif what == "disk":
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))


def main() -> None:
    """Serve the mesh.yaml beside the socket."""
    what, socket = sys.argv[1], Path(sys.argv[-1])
    import signal

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a full disk is an error of `write`, not the end of the process
    file = MeshFile(socket.with_name("mesh.yaml"), {"socket": str(socket), "admin": "127.0.0.1:0"})
    break_process(what)
    serve(file, build=lambda mesh, previous=None: build(what, mesh, previous), log_requests=what == "disk")


if __name__ == "__main__":
    main()
