"""Where a model is, in Istio's words: hosts that Istio knows, and clusters of our own behind them.

Each cluster of the plain rendering has a destination here, which reaches exactly the endpoints that its residency allows:

    a Service of the cluster         its own host: Istio encrypts the way, and its owner's DestinationRule holds
    addresses that are not one       a ServiceEntry of ours, with labels that make Istio try near ones first
    an encrypted endpoint            a ServiceEntry of ours where it stands first; else a cluster of our own, since one
                                     DestinationRule is one TLS setting

Where a destination has several of these, an aggregate cluster joins them in their order, under the same route.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from extproc.config.addresses import is_ip_address
from extproc.config.models import ZONES
from extproc.render.envoy.groups import Group, parts
from extproc.render.envoy.tls import SYSTEM_CA_FILE

if TYPE_CHECKING:
    from extproc.config import Mesh
    from extproc.config.models import Endpoint, Model, Zone
    from extproc.render.envoy.groups import Part

Data = dict[str, Any]
DOMAIN = "intentmesh.internal"
SERVICE = re.compile(r"(?P<name>[a-z0-9-]+)\.(?P<namespace>[a-z0-9-]+)\.svc(\.cluster\.local)?\.?")


@dataclass(frozen=True, slots=True)
class Host:
    """A host that Istio knows, or is told of."""

    name: str
    port: int
    endpoints: tuple[Endpoint, ...]
    """Those that it stands for; for a Service, the one that names it."""
    ours: bool
    """Whether a ServiceEntry of ours makes it known."""

    @property
    def cluster(self) -> str:
        """What Istio calls its cluster."""
        return f"outbound|{self.port}||{self.name}"

    @property
    def authority(self) -> str | None:
        """What it wants to be called; None: what the caller says."""
        first = self.endpoints[0]
        return first.server_name if first.tls or first.host or not self.ours else None


@dataclass(frozen=True, slots=True)
class Destination:
    """What a model may reach within a bound."""

    name: str
    """Name of the cluster in the plain rendering, and of the aggregate."""
    members: tuple[Host | Group, ...]
    """From near to far. The first is a host; a group is a cluster of our own."""

    @property
    def first(self) -> Host:
        """The host that a VirtualService names."""
        host = self.members[0]
        assert isinstance(host, Host)
        return host

    def hosts(self) -> tuple[Host, ...]:
        """The hosts among the members."""
        return tuple(member for member in self.members if isinstance(member, Host))


def destination(part: Part, bound: Zone) -> Destination | None:
    """Where requests for a model (or a version) go that may travel up to a zone; None: nowhere."""
    name = part.cluster(bound)
    if name is None:
        return None
    members: list[Host | Group] = []
    plain: list[Endpoint] = []

    def close() -> None:
        if plain:
            own = f"{dns_name(name)}{f'-{len(members) + 1}' if members else ''}.{DOMAIN}"
            members.append(Host(own, 80, tuple(plain), ours=True))
            plain.clear()

    for group in part.within(bound):
        if group.endpoints[0].tls:
            close()
            first = not members
            members.append(Host(f"{dns_name(name)}.{DOMAIN}", 80, group.endpoints, ours=True) if first else group)
            continue
        for endpoint in group.endpoints:
            if service := service_host(endpoint.hostname):
                close()
                members.append(Host(service, endpoint.port, (endpoint,), ours=False))
            else:
                plain.append(endpoint)
    close()
    return Destination(name, tuple(members))


def service_host(host: str) -> str | None:
    """The full name of a Service of the cluster; None: it is none."""
    match = SERVICE.fullmatch(host.lower())
    return f"{match['name']}.{match['namespace']}.svc.cluster.local" if match else None


def dns_name(cluster: str) -> str:
    """A cluster's name as a name that Kubernetes and DNS take."""
    return re.sub(r"[^a-z0-9]+", "-", cluster).strip("-")


def destinations(mesh: Mesh) -> list[tuple[Destination, Model]]:
    """Every destination of every model, once."""
    by_host: dict[str, tuple[Destination, Model]] = {}
    for name, model in mesh.models.items():
        for part in parts(name, model).values():
            for bound in reversed(ZONES):
                if place := destination(part, bound):
                    by_host.setdefault(place.name, (place, model))
    return list(by_host.values())


def hosts(mesh: Mesh) -> list[tuple[Host, Model]]:
    """Every host of every destination, once."""
    by_name: dict[str, tuple[Host, Model]] = {}
    for place, model in destinations(mesh):
        for host in place.hosts():
            by_name.setdefault(host.name, (host, model))
    return list(by_name.values())


def service_entry(mesh: Mesh, host: Host) -> Data | None:
    """What tells Istio of a host; None where it knows it already."""
    if not host.ours:
        return None
    by_address = all(is_ip_address(endpoint.hostname) for endpoint in host.endpoints)
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "ServiceEntry",
        "metadata": _metadata(mesh, host),
        "spec": {
            "hosts": [host.name],
            "location": "MESH_EXTERNAL",
            "resolution": "STATIC" if by_address else "DNS",
            "ports": [{"number": host.port, "name": "http", "protocol": "HTTP"}],
            "endpoints": [
                {"address": e.hostname, "ports": {"http": e.port}, "labels": zone_labels(e.zone)}
                for e in host.endpoints
            ],
            "exportTo": ["."],
        },
    }


def destination_rule(mesh: Mesh, host: Host, model: Model) -> Data | None:
    """Limits, ejection and the order of zones for one host; None for a Service that is not ours, whose owner's rule holds."""
    if not host.ours and not host.name.endswith(f".{mesh.kubernetes.namespace}.svc.cluster.local"):
        return None
    policy: Data = {
        "connectionPool": {
            "tcp": {"maxConnections": model.pool.connections},
            "http": {"http1MaxPendingRequests": model.pool.pending, "http2MaxRequests": model.pool.requests},
        },
        "loadBalancer": {
            **(
                {"consistentHash": {"httpHeaderName": model.sticky.header}}
                if model.sticky
                else {"simple": "LEAST_REQUEST"}
            ),
            "localityLbSetting": {
                "enabled": True,
                "failoverPriority": [f"{label}=yes" for label in zone_labels("pod")],
            },
        },
    }
    if model.ejection.enabled:
        several = len(model.zones()) > 1
        policy["outlierDetection"] = {
            "consecutive5xxErrors": model.ejection.consecutive_5xx,
            "interval": f"{model.ejection.interval_s:g}s",
            "baseEjectionTime": f"{model.ejection.base_s:g}s",
            # A zone in which all is ejected must be left for the next one.
            "maxEjectionPercent": 100 if several else model.ejection.max_percent,
            "minHealthPercent": 0,
        }
    nearest = host.endpoints[0]
    if nearest.tls:
        policy["tls"] = {
            "mode": "SIMPLE",
            "sni": nearest.server_name,
            "subjectAltNames": [nearest.server_name],
            "caCertificates": str(nearest.ca_file or SYSTEM_CA_FILE),
        }
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "DestinationRule",
        "metadata": _metadata(mesh, host),
        "spec": {"host": host.name, "trafficPolicy": policy, "exportTo": ["."]},
    }


def zone_labels(zone: Zone) -> Data:
    """Labels of an endpoint: one for each zone that holds it, from far to near. More of them means nearer."""
    return {f"intentmesh.io/{each}": "yes" for each in reversed(ZONES[:-1]) if ZONES.index(each) >= ZONES.index(zone)}


def _metadata(mesh: Mesh, host: Host) -> Data:
    name = host.name.removesuffix(f".{DOMAIN}").removesuffix(".svc.cluster.local")
    return {"name": f"intentmesh-{dns_name(name)}", "namespace": mesh.kubernetes.workload.namespace}
