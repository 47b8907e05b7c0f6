"""What a request may name instead of a model of its upstream: `auto`, a model of the registry, an alias, an intent."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from extproc.config.models import AUTO, INTENT_PREFIX

if TYPE_CHECKING:
    from extproc.config import Mesh


class Wanted(NamedTuple):
    """What a name stands for; neither: whichever model the request's own intent leads to."""

    model: str = ""
    """A name in the registry."""
    intent: str = ""


class Names:
    """The names of one `mesh.yaml`."""

    def __init__(self, mesh: Mesh) -> None:
        self._known = {AUTO: Wanted()}
        self._known |= {f"{INTENT_PREFIX}{intent}": Wanted(intent=intent) for intent in mesh.intents}
        self._known |= {alias: Wanted(name) for name, model in mesh.models.items() for alias in model.aliases}
        self._known |= {name: Wanted(name) for name in mesh.models}

    def find(self, name: str) -> Wanted | None:
        """What a name stands for; None: nobody knows it."""
        return self._known.get(name)

    def every(self) -> tuple[str, ...]:
        """All names, those of models first."""
        return tuple(reversed(self._known))
