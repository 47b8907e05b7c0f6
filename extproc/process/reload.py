"""What a running processor works by, and how another takes its place: the one way that workers and their parent reload.

Whatever is wrong with a new `mesh.yaml`, or with what is built from it, the last good one stays in use and the reason is told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from extproc.config.references import as_written
from extproc.errors import IntentmeshError
from extproc.logs import logger, where
from extproc.process.fixed import with_fixed

if TYPE_CHECKING:
    from collections.abc import Callable

    from extproc.config import Mesh
    from extproc.pipeline import Pipeline
    from extproc.process.mesh_file import MeshFile

log = logger()


class InUse:
    """A mesh and the pipeline that was built from it."""

    def __init__(
        self,
        file: MeshFile,
        mesh: Mesh,
        pipeline: Pipeline,
        build: Callable[[Mesh, Pipeline], Pipeline],
        *,
        started: Mesh | None = None,
        generation: int = 1,
    ) -> None:
        """`started`: the mesh that the processor was started with, where this is a later one."""
        self.mesh = mesh
        """As it is used: with what holds from the start to the end (`fixed.py`)."""
        self.pipeline = pipeline
        self.started = started or mesh
        self.generation = generation
        """Counts the meshes that were taken into use."""
        self.refused: str | None = None
        """Why the last changed mesh.yaml was refused; None: it was not."""
        self.waiting: tuple[str, ...] = ()
        """Settings of the mesh.yaml that only a restart takes into use."""
        self._file = file
        self._build = build
        self._stamp = file.stamp()

    def is_stale(self) -> bool:
        """Whether the file, or one that it names, is another than the one that was read last."""
        stamp = self._file.stamp()
        return stamp != self._stamp and None not in stamp

    def renew(self) -> bool:
        """Read, validate and build what the file says now, beside what is in use; False where that cannot be.

        May run in a thread: what was in use is whole until this returns, and is not touched.
        """
        self._stamp = self._file.stamp()
        try:
            mesh, waiting = with_fixed(self._file.load(), self.started)
            pipeline = self._build(mesh, self.pipeline)
        except IntentmeshError as error:
            return self._refuse(str(error))
        except Exception as error:  # noqa: BLE001 - a fault of ours in reading or building costs the new mesh, not the old
            # Its place, and what it says: a fault of ours, which nobody's request is quoted in.
            return self._refuse(f"{type(error).__name__}: {error} ({where(error)})")
        self.mesh, self.pipeline, self.refused, self.waiting = mesh, pipeline, None, waiting
        self.generation += 1
        return True

    def told(self) -> dict[str, Any]:
        """For `/readyz`."""
        return {"generation": self.generation, "refused": self.refused, "needs_restart": list(self.waiting)}

    def shown(self) -> dict[str, Any]:
        """For `/config`: what is in use, with references in the place of what they stand for."""
        return as_written(self.mesh, self.mesh.model_dump(mode="json"))

    def _refuse(self, reason: str) -> bool:
        self.refused = reason
        log.error("reload_refused", reason=reason, generation=self.generation)
        return False
