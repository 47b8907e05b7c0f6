"""The section of `mesh.yaml` of the sketch of a guardrail."""

from pydantic import Field

from extproc.config.mesh import Mesh
from extproc.config.section import Section


class PhraseSettings(Section):
    """What is not to be said."""

    denied: dict[str, str] = Field(default_factory=dict)
    """Name -> phrase, in lower case."""
    monitor: bool = False
    """Tell, and let it pass."""


class SketchMesh(Mesh):
    """A mesh.yaml with that section."""

    phrases: PhraseSettings = Field(default_factory=PhraseSettings)
