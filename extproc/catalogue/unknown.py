"""Refuses requests for a model that nobody knows, where `catalogue.unknown` says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

from extproc.decision import NOTHING, Ruling, Verdict
from extproc.errors import ModelNotFoundError
from extproc.routing import Names

if TYPE_CHECKING:
    from extproc.config import Mesh
    from extproc.decision import Content, Facts


class UnknownModels:
    """Asked as soon as the body is read: nothing else need be known of such a request."""

    name: Final = "catalogue"
    edits_answers: Final = False

    def __init__(self, mesh: Mesh) -> None:
        self._names = Names(mesh)

    @classmethod
    def of(cls, mesh: Mesh) -> Self | None:
        """The judge of a mesh that refuses such requests."""
        return cls(mesh) if mesh.catalogue.unknown == "refuse" else None

    async def judge(self, facts: Facts, _content: Content) -> Ruling:
        """See decision.Judge. A request without a model goes by its intent."""
        if not facts.model or self._names.find(facts.model):
            return NOTHING
        error = ModelNotFoundError(self._names.every())
        return Ruling((Verdict(self.name, "block", "unknown model"),), error=error)
