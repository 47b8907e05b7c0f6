"""The real processor with one part broken: `python -m tests.chaos.broken_processor WHAT SOCKET`."""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from extproc.pii import Analyzer
from extproc.pipeline import Pipeline
from extproc.process import worker
from extproc.process.mesh_file import MeshFile
from extproc.process.server import serve

if TYPE_CHECKING:
    from collections.abc import Callable

    from extproc.config import Mesh

DICE = random.Random(1)
KEPT: list[bytes] = []
LEAK_BYTES = 80_000
MOST_KEPT = 4_000
"""A leak that every machine bears."""


def raising(text: str) -> None:
    """Every fifth time."""
    if DICE.random() < 0.2:
        raise RuntimeError("a recognizer that quotes its text: " + text)


def slow(_text: str) -> None:
    """Every fifth time."""
    if DICE.random() < 0.2:
        time.sleep(0.3)


def hanging(_text: str) -> None:
    """Seldom, and for ever."""
    if DICE.random() < 0.002:
        time.sleep(1e9)


FAULTS = {"raising": raising, "slow": slow, "hanging": hanging}


def build(what: str, mesh: Mesh, previous: Pipeline | None = None) -> Pipeline:
    """The pipeline, broken."""
    pipeline = Pipeline.build(mesh, previous)
    if what in FAULTS:
        break_masking(FAULTS[what])
    elif what == "leaking":
        leak(pipeline)
    elif what in ("classifier", "saturated"):
        break_classifier(what, pipeline)
    return pipeline


def break_masking(fault: Callable[[str], None]) -> None:
    """Something happens with each text."""
    analyze = Analyzer._analyze

    def faulty(self: Analyzer, *args: Any, **options: Any) -> Any:
        fault(str(args[0]))
        return analyze(self, *args, **options)

    Analyzer._analyze = faulty  # type: ignore[method-assign]


def leak(pipeline: Pipeline) -> None:
    """A little is kept of each request."""
    inspect = pipeline.inspect

    def leaky(*args: Any) -> Any:
        if len(KEPT) < MOST_KEPT:
            KEPT.append(b"x" * LEAK_BYTES)
        return inspect(*args)

    pipeline.inspect = leaky  # type: ignore[method-assign]


def break_classifier(what: str, pipeline: Pipeline) -> None:
    """It fails half of the time, or its transformer is slow."""
    classifier: Any = pipeline._classifier
    if what == "classifier":
        ask, answer = classifier.ask, classifier.answer

        def unasked(*args: Any) -> Any:
            if DICE.random() < 0.5:
                raise ValueError("no idea")
            return ask(*args)

        async def unanswered(asked: Any) -> Any:
            if DICE.random() < 0.5:
                raise ValueError("no idea")
            return await answer(asked)

        classifier.ask, classifier.answer = unasked, unanswered
    else:
        transform = classifier.cascade.transform

        def late(views: Any) -> Any:
            time.sleep(0.2)
            return transform(views)

        classifier._batcher._work = late


def break_process(what: str) -> None:
    """Break what is not a part but the world around."""
    if what == "clock":
        real = time.time
        time.time = lambda: real() + DICE.uniform(-1e6, 1e6)  # type: ignore[method-assign]
    elif what == "hanging":
        worker.HANG_S = 3.0  # instead of 15: a run is to see many of them


def main() -> None:
    """Serve the mesh.yaml beside the socket."""
    what, socket = sys.argv[1], Path(sys.argv[-1])
    file = MeshFile(socket.with_name("mesh.yaml"), {"socket": str(socket), "admin": "127.0.0.1:0"})
    break_process(what)
    serve(file, build=lambda mesh, previous=None: build(what, mesh, previous))


if __name__ == "__main__":
    main()
