"""What a registry declares of each place where a model answers, as the facts `destination.*` of rules.

All of it is total: what `mesh.yaml` does not say of a model is empty, or 0. Nothing here is known of a request; it is read once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from extproc.config.policy_facts import DESTINATION, FACTS
from extproc.config.prices import Rate, provider_of, rate_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from extproc.config.mesh import Mesh
    from extproc.config.models import Endpoint, Model, Zone


class Place(NamedTuple):
    """A model in one of its zones."""

    name: str
    zone: Zone
    model: Model
    currency: str

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """Those in the zone."""
        return tuple(endpoint for endpoint in self.model.every_endpoint() if endpoint.zone == self.zone)

    @property
    def rate(self) -> Rate:
        """What it costs, by `mesh.yaml` or by list."""
        return rate_of(self.currency, self.name, self.model)


_READ: Final[dict[str, Callable[[Place], Any]]] = {
    "destination.model": lambda place: place.name,
    "destination.zone": lambda place: place.zone,
    "destination.hosts": lambda place: sorted({name for e in place.endpoints for name in (e.hostname, e.server_name)}),
    "destination.provider": lambda place: provider_of(place.endpoints) or "",
    "destination.api": lambda place: place.model.api or ("llama.cpp" if place.model.gguf is not None else "openai"),
    "destination.owner": lambda place: place.model.owner or "",
    "destination.capabilities": lambda place: list(place.model.capabilities or ()),
    "destination.context_tokens": lambda place: place.model.context_tokens,
    "destination.sla.ttft_ms": lambda place: (place.model.sla and place.model.sla.ttft_ms) or 0,
    "destination.sla.tokens_per_s": lambda place: float((place.model.sla and place.model.sla.tokens_per_s) or 0),
    "destination.data.trained_by": lambda place: (place.model.data and place.model.data.trained_by) or "",
    "destination.data.residency": lambda place: (place.model.data and place.model.data.residency) or "",
    "destination.price.input": lambda place: _first(place.rate.input),
    "destination.price.output": lambda place: _first(place.rate.output),
}
TOLD: Final = tuple(name for name in FACTS if name.startswith(DESTINATION))


def _first(steps: tuple[Any, ...]) -> float:
    """The price of a request that is not large."""
    return float(steps[0].price) if steps else 0.0


def places(mesh: Mesh, names: Iterable[str] = TOLD) -> Mapping[tuple[str, Zone], Mapping[str, Any]]:
    """(model, zone) -> these facts of it: of every model, each zone in which it has an endpoint."""
    wanted = [(name, _READ[name]) for name in names if name in _READ]
    return {(place.name, place.zone): {name: reader(place) for name, reader in wanted} for place in _every(mesh)}


def declared(mesh: Mesh, names: Iterable[str] = TOLD) -> Mapping[str, tuple[str, ...]]:
    """Name of a fact that is a text, or a list of them -> all texts that it may be in this registry."""
    names = tuple(names)
    known_places = places(mesh, names).values()
    declarations = {
        name: [facts[name] for facts in known_places] for name in names if FACTS[name].kind in ("string", "strings")
    }
    flat = {
        name: [v for some in values for v in (some if isinstance(some, list) else [some])]
        for name, values in declarations.items()
    }
    return {name: tuple(dict.fromkeys(values)) for name, values in flat.items()}


def _every(mesh: Mesh) -> Iterator[Place]:
    for name, model in mesh.models.items():
        for zone in model.zones():
            yield Place(name, zone, model, mesh.telemetry.currency)
