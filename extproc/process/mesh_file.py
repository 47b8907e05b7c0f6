"""The `mesh.yaml` of a running processor: what it says, and whether it says something else by now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from extproc.config import load
from extproc.config.processor import ProcessorSettings
from extproc.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from extproc.config import Mesh

Stamp = tuple[tuple[int, int, int] | None, ...]


class MeshFile:
    """A `mesh.yaml` and the files that it names, with the command line's own values on top."""

    def __init__(self, path: Path, overrides: Mapping[str, Any] | None = None) -> None:
        self.path = path
        self._overrides = dict(overrides or {})
        self._named: tuple[Path, ...] = ()

    def load(self) -> Mesh:
        """Read and validate. Raises ConfigError."""
        mesh = load(self.path)
        folder = self.path.resolve().parent
        examples = [
            *(folder / i.examples_file for i in mesh.intents.values() if i.examples_file),
            *mesh.referenced,
        ]
        keys = (mesh.identity.keys.file,) if mesh.identity.keys else ()
        self._named = (*examples, *mesh.prompts.files(), *keys)
        return mesh.model_copy(update={"processor": self._with_overrides(mesh.processor)})

    def _with_overrides(self, settings: ProcessorSettings) -> ProcessorSettings:
        given = {name: getattr(settings, name) for name in settings.model_fields_set} | self._overrides
        try:
            return ProcessorSettings.model_validate(given)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            name = ".".join(map(str, first["loc"]))
            reason = (first.get("ctx") or {}).get("error") or first["msg"]
            option = f"--{name.replace('_', '-')}" if name in self._overrides else f"processor.{name}".rstrip(".")
            raise ConfigError(f"{option}: {reason}") from None

    def stamp(self) -> Stamp:
        """Changes whenever a file does: rewritten, replaced, or reached through another symlink.

        Kubernetes swaps a symlink to a folder, and editors rename a new file over the old one, so that watching the
        inode would miss both; asking once a second misses neither and costs some microseconds.
        """
        return tuple(_stat(path) for path in (self.path, *self._named))


def _stat(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None  # between the two steps of a swap
    return status.st_ino, status.st_mtime_ns, status.st_size
