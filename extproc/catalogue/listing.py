"""The registry as callers see it: an entry a model, with the fields of OpenAI's and of Anthropic's lists and our own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from extproc.config.models import AUTO, INTENT_PREFIX, within
from extproc.routing import Names

if TYPE_CHECKING:
    from extproc.config import Mesh
    from extproc.config.models import Model, Zone
    from extproc.decision import Facts

OWNER = "intentmesh"
"""Of what has no owner in the registry."""


class Listing:
    """The entries of one `mesh.yaml`, made beforehand."""

    def __init__(self, mesh: Mesh) -> None:
        self._names = Names(mesh)
        self._entries = {name: _entry(name, model) for name, model in mesh.models.items()}
        self._nearest = {name: model.zones()[0] for name, model in mesh.models.items()}
        policy = mesh.policy
        self._allowed = {
            rule.name: frozenset(rule.then.models)
            for rule in policy.rules
            if rule.then.models and rule.mode == policy.mode == "enforce"
        }
        """Rule of the policy -> the models to which it sends whom it is about."""
        self._chosen = {AUTO: _named(AUTO, "The model that the intent of a request leads to.")} | {
            f"{INTENT_PREFIX}{name}": _named(
                f"{INTENT_PREFIX}{name}", intent.description or "The model of this intent."
            )
            for name, intent in mesh.intents.items()
        }

    def every(self, facts: Facts) -> list[dict[str, Any]]:
        """The models that this caller may use, as far as its headers tell."""
        return [entry for name, entry in self._entries.items() if self._may_use(name, facts)]

    def names(self, facts: Facts) -> list[str]:
        """All that it may ask for."""
        return [*(entry["id"] for entry in self.every(facts)), *self._chosen]

    def find(self, name: str, facts: Facts) -> dict[str, Any] | None:
        """What a request of this caller's may name; an alias gives the entry of its model."""
        if name in self._chosen:
            return self._chosen[name]
        wanted = self._names.find(name)
        if wanted is None:
            return None
        return self._entries[wanted.model] if self._may_use(wanted.model, facts) else None

    def _may_use(self, name: str, facts: Facts) -> bool:
        """Whether no verdict keeps the caller nearer than the model is, and no rule of the policy sends it elsewhere."""
        nearest = self._nearest[name]
        confined = (cast("Zone", v.to) for v in facts.enforced() if v.action == "confine")
        sent = (self._allowed.get(duty.to) for duty in facts.duties if duty.what == "models")
        return all(within(nearest, zone) for zone in confined) and all(name in to for to in sent if to is not None)


def _named(name: str, description: str | None) -> dict[str, Any]:
    """What every entry has. Nobody knows when a model was made, which both APIs have a place for."""
    return {
        "id": name,
        "object": "model",
        "type": "model",
        "created": 0,
        "created_at": "1970-01-01T00:00:00Z",
        "display_name": name,
        "lifecycle": "active",
        "owned_by": OWNER,
        "description": description,
    }


def _entry(name: str, model: Model) -> dict[str, Any]:
    price = model.price_per_million
    fields: dict[str, Any] = {
        "owned_by": model.owner or OWNER,
        "aliases": list(model.aliases),
        "context_length": model.context_tokens,
        "max_input_tokens": model.context_tokens,
        "capabilities": None if model.capabilities is None else list(model.capabilities),
        "zone": model.zones()[0],
        "price_per_million": {"input": price.input, "output": price.output},
        "sla": model.sla and model.sla.model_dump(exclude_none=True),
        "data": model.data and model.data.model_dump(exclude_none=True),
    }
    entry = _named(name, model.description) | fields
    return {key: value for key, value in entry.items() if value is not None}
