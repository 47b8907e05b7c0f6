"""What a running processor works by, and how another takes its place: the one way that workers and their parent reload.

Whatever is wrong with a new `mesh.yaml`, or with what is built from it, the last good one stays in use and the reason is told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from extproc.errors import IntentmeshError
from extproc.logs import logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from extproc.config import Mesh
    from extproc.pipeline import Pipeline
    from extproc.process.mesh_file import MeshFile

log = logger()


class InUse:
    """A mesh and the pipeline that was built from it."""

    def __init__(
        self, file: MeshFile, mesh: Mesh, pipeline: Pipeline, build: Callable[[Mesh, Pipeline], Pipeline]
    ) -> None:
        self.mesh = mesh
        self.pipeline = pipeline
        self.generation = 1
        """Counts the meshes that were taken into use."""
        self.refused: str | None = None
        """Why the last changed mesh.yaml was refused; None: it was not."""
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
            mesh = self._file.load()
            pipeline = self._build(mesh, self.pipeline)
        except IntentmeshError as error:
            return self._refuse(str(error))
        except Exception as error:  # noqa: BLE001 - a fault of ours in reading or building costs the new mesh, not the old
            return self._refuse(f"{type(error).__name__}: {error}")
        self.mesh, self.pipeline, self.refused = mesh, pipeline, None
        self.generation += 1
        return True

    def _refuse(self, reason: str) -> bool:
        self.refused = reason
        log.error("reload_refused", reason=reason, generation=self.generation)
        return False
