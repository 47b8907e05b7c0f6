"""The targets of `intentmesh render`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from extproc.render.envoy import bootstrap

if TYPE_CHECKING:
    from collections.abc import Callable

    from extproc.config import Mesh
    from extproc.render.document import File


@dataclass(frozen=True, slots=True)
class Target:
    """One thing that can be rendered."""

    files: Callable[[Mesh], list[File]]
    folder: str
    """Where its files are kept in a project, if no other folder is named."""


TARGETS: dict[str, Target] = {
    "envoy": Target(bootstrap.render, "envoy"),
}


def render(target: str, mesh: Mesh) -> list[File]:
    """The files of one target, their paths relative to its folder."""
    return TARGETS[target].files(mesh)
