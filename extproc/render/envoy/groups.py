"""Where a model's endpoints go: groups of like endpoints, and the clusters that may reach each of them.

    telemetry                 the model; where all its endpoints are alike, its only cluster
    telemetry:v2              one of its versions
    telemetry@pod             endpoints of one zone (and one way of encryption), where a model has several such groups
    telemetry/cluster         the groups up to the zone `cluster`, tried from near to far

A group is one Envoy cluster, with its own connection limits, health checks and ejection. What reaches several groups
is an aggregate cluster: it has no endpoints of its own, so limits hold however many aggregates reach a group.
"""

from __future__ import annotations

from dataclasses import dataclass

from extproc.config.models import ZONES, Endpoint, Model, Version, Zone, within


@dataclass(frozen=True, slots=True)
class Group:
    """Endpoints of one zone that are reached in one way."""

    name: str
    zone: Zone
    endpoints: tuple[Endpoint, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A model without versions, or one version of one: what a cluster stands for."""

    name: str
    groups: tuple[Group, ...]
    """From near to far."""

    def within(self, bound: Zone) -> tuple[Group, ...]:
        """The groups that a request with this residency may reach."""
        return tuple(group for group in self.groups if within(group.zone, bound))

    def cluster(self, bound: Zone = "external") -> str | None:
        """Name of the cluster that reaches exactly these groups; None where there are none."""
        groups = self.within(bound)
        if not groups:
            return None
        if groups == self.groups:
            return self.name
        return groups[0].name if len(groups) == 1 else f"{self.name}/{groups[-1].zone}"

    def aggregates(self) -> dict[str, tuple[str, ...]]:
        """Clusters that reach several groups -> the names of these, from near to far."""
        aggregates = {}
        for bound in reversed(ZONES):
            groups = self.within(bound)
            name = self.cluster(bound)
            if name and len(groups) > 1:
                aggregates[name] = tuple(group.name for group in groups)
        return aggregates


def parts(name: str, model: Model) -> dict[str, Part]:
    """The parts of a model by version; one part under the empty name where it has no versions."""
    if not model.versions:
        return {"": _part(name, model)}
    return {version: _part(f"{name}:{version}", section) for version, section in model.versions.items()}


def _part(name: str, section: Model | Version) -> Part:
    alike: dict[tuple[object, ...], list[Endpoint]] = {}
    for endpoint in sorted(section.endpoints, key=lambda e: ZONES.index(e.zone)):
        alike.setdefault(_way(endpoint), []).append(endpoint)
    zones = [way[0] for way in alike]
    groups = []
    for i, endpoints in enumerate(alike.values()):
        zone = endpoints[0].zone
        nth = zones[:i].count(zone)
        label = f"{name}@{zone}{f'-{nth + 1}' if nth else ''}"
        groups.append(Group(name if len(alike) == 1 else label, zone, tuple(endpoints)))
    return Part(name, tuple(groups))


def _way(endpoint: Endpoint) -> tuple[object, ...]:
    """What endpoints of one cluster have in common."""
    if not endpoint.tls:
        return (endpoint.zone,)
    return (
        endpoint.zone,
        endpoint.server_name,
        endpoint.ca_file,
        endpoint.credentials_file,
        endpoint.credentials_header,
    )
