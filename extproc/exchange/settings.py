"""What an exchange needs to know of `mesh.yaml` itself; all else is the pipeline's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from extproc.config.policy_facts import needs_body
from extproc.identity import Callers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from extproc.config import Mesh
    from extproc.config.intercept import Intercept
    from extproc.config.models import Model


@dataclass(frozen=True, slots=True)
class ExchangeSettings:
    """The same for all exchanges that begin while one `mesh.yaml` is in use."""

    rules: tuple[Intercept, ...]
    """Which requests are read."""
    callers: Callers
    """Tells who calls."""
    max_body_bytes: int
    routes: bool
    """The body decides the route, which STREAMED cannot wait for."""
    shadow: bool
    """Nothing is to change."""
    models: Mapping[str, Model]

    @classmethod
    def of(cls, mesh: Mesh) -> Self:
        """Those of a mesh."""
        return cls(
            mesh.read,
            Callers(mesh.identity),
            mesh.limits.max_body_bytes,
            bool(mesh.intents or mesh.budgets) or needs_body(mesh),
            mesh.shadow,
            mesh.models,
        )
