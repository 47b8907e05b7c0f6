"""The decision: intent, personal data and headers, through the rules of `mesh.yaml`, to one model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from extproc.config import Mesh
    from extproc.config.models import Route, Zone


@dataclass(frozen=True, slots=True)
class RouteDecision:
    """Which model gets the request, how far it may travel, and why."""

    model: str
    """Name in the registry; the value of `x-intentmesh-model`."""
    residency: Zone
    """The farthest zone that the request may reach."""
    reason: str
    """`route[i]`: the rule of `routes` that matched, from 0; `default`: none did."""
    upstream_name: str | None
    """What the upstream calls the model; None: the body's `model` stays."""


class Router:
    """The rules of one `mesh.yaml`, each with its answer made beforehand."""

    def __init__(self, mesh: Mesh) -> None:
        models = mesh.models
        rules = [
            (rule, RouteDecision(rule.model, rule.residency, f"route[{i}]", models[rule.model].upstream_name))
            for i, rule in enumerate(mesh.routes)
        ]
        self._rules: dict[str | None, list[tuple[Route, RouteDecision]]] = {
            intent: [(rule, decision) for rule, decision in rules if rule.intent in (None, intent)]
            for intent in {None, *(rule.intent for rule in mesh.routes)}
        }
        """The rules that an intent may match, in their order: with a thousand intents few of a thousand rules."""
        default = models[mesh.default_model]
        self._default = RouteDecision(mesh.default_model, mesh.default_residency, "default", default.upstream_name)

    def decide(self, intent: str | None, entity_types: Collection[str], headers: Mapping[str, str]) -> RouteDecision:
        """The first rule whose every condition holds; else the default model.

        `entity_types`: the types found in the request, whatever was done with them. `headers`: names in lower case.
        """
        for rule, decision in self._rules.get(intent, self._rules[None]):
            if rule.entities and not any(t in entity_types for t in rule.entities):
                continue
            if any(headers.get(name.lower()) != value for name, value in rule.headers.items()):
                continue
            return decision
        return self._default
