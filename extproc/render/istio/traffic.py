"""Istio's own kinds for the models: where they are (ServiceEntry), how they are treated (DestinationRule), who gets
which request (VirtualService).

Each cluster of the plain rendering has a host here. A host holds exactly the endpoints that its residency allows, and
labels on them make Istio try near ones first. One DestinationRule is one TLS setting, so an encrypted endpoint behind
plain ones is joined to them by an aggregate cluster (an EnvoyFilter), under the same route.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from envoy_data_plane.envoy.config.route.v3 import (
    Route,
    RouteAction,
    RouteActionHashPolicy,
    RouteActionHashPolicyHeader,
    WeightedCluster,
)

from extproc.config.models import MODEL_HEADER, RESIDENCY_HEADER, ZONES
from extproc.render.envoy import clusters
from extproc.render.envoy.groups import Group, Part, parts
from extproc.render.istio.patches import add_cluster, patch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extproc.config import Mesh
    from extproc.config.models import Model, Version, Zone
    from extproc.config.traffic import Rewrite
    from extproc.render.istio.patches import Place

Data = dict[str, Any]
DOMAIN = "intentmesh.internal"
SERVICE_SUFFIX = ".svc.cluster.local"
REFUSED = '{"error": {"message": "No model may take this request.", "type": "unavailable", "code": "no_model"}}'


@dataclass(frozen=True, slots=True)
class Destination:
    """A host of Istio's that stands for what a model may reach within a bound."""

    host: str
    port: int
    groups: tuple[Group, ...]
    """The groups in it: all plain, or all encrypted in one way."""
    beyond: tuple[Group, ...]
    """Encrypted groups behind them, joined by an aggregate cluster."""
    name: str
    """Name of the cluster in the plain rendering, and of the aggregate."""

    @property
    def istio_cluster(self) -> str:
        """What Istio calls the cluster of this host."""
        return f"outbound|{self.port}||{self.host}"


def destination(part: Part, bound: Zone) -> Destination | None:
    """Where requests for a model (or a version) go that may travel up to a zone; None: nowhere."""
    name, groups = part.cluster(bound), part.within(bound)
    if name is None:
        return None
    near = tuple(group for group in groups if not group.endpoints[0].tls)
    far = tuple(group for group in groups if group.endpoints[0].tls)
    if not near:
        near, far = far[:1], far[1:]
    endpoints = [endpoint for group in near for endpoint in group.endpoints]
    if len(endpoints) == 1 and endpoints[0].hostname.endswith(SERVICE_SUFFIX):
        # A Service of the mesh: Istio knows it, and encrypts the way to it.
        return Destination(endpoints[0].hostname, endpoints[0].port, near, far, name)
    return Destination(f"{dns_name(name)}.{DOMAIN}", 80, near, far, name)


def dns_name(cluster: str) -> str:
    """A cluster's name as a name that Kubernetes and DNS take."""
    return re.sub(r"[^a-z0-9]+", "-", cluster).strip("-")


def destinations(mesh: Mesh) -> list[tuple[Destination, Model]]:
    """Every destination of every model, once."""
    found: dict[str, tuple[Destination, Model]] = {}
    for name, model in mesh.models.items():
        for part in parts(name, model).values():
            for bound in reversed(ZONES):
                if place := destination(part, bound):
                    found.setdefault(place.name, (place, model))
    return list(found.values())


def service_entry(mesh: Mesh, place: Destination) -> Data | None:
    """The endpoints of a host; None where Istio knows the host already."""
    if place.host.endswith(SERVICE_SUFFIX):
        return None
    endpoints = [endpoint for group in place.groups for endpoint in group.endpoints]
    by_address = all(_is_address(endpoint.hostname) for endpoint in endpoints)
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "ServiceEntry",
        "metadata": _metadata(mesh, place),
        "spec": {
            "hosts": [place.host],
            "location": "MESH_EXTERNAL",
            "resolution": "STATIC" if by_address else "DNS",
            "ports": [{"number": place.port, "name": "http", "protocol": "HTTP"}],
            "endpoints": [
                {"address": e.hostname, "ports": {"http": e.port}, "labels": _zone_labels(e.zone)} for e in endpoints
            ],
            "exportTo": ["."],
        },
    }


def destination_rule(mesh: Mesh, place: Destination, model: Model) -> Data:
    """Limits, ejection and the order of zones for one host."""
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
                "failoverPriority": [f"{label}=yes" for label in _zone_labels("pod")],
            },
        },
    }
    if model.ejection.enabled:
        policy["outlierDetection"] = {
            "consecutive5xxErrors": model.ejection.consecutive_5xx,
            "interval": f"{model.ejection.interval_s:g}s",
            "baseEjectionTime": f"{model.ejection.base_s:g}s",
            # A zone in which all is ejected must be left for the next one.
            "maxEjectionPercent": 100 if _several_zones(place) else model.ejection.max_percent,
            "minHealthPercent": 0,
        }
    nearest = place.groups[0].endpoints[0]
    if nearest.tls:
        policy["tls"] = {
            "mode": "SIMPLE",
            "sni": nearest.server_name,
            "subjectAltNames": [nearest.server_name],
            **({"caCertificates": str(nearest.ca_file)} if nearest.ca_file else {}),
        }
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "DestinationRule",
        "metadata": _metadata(mesh, place),
        "spec": {"host": place.host, "trafficPolicy": policy, "exportTo": ["."]},
    }


def virtual_service(mesh: Mesh, namespace: str, gateways: list[str]) -> Data:
    """Routes by the headers that the processor writes; the order is the meaning."""
    routes = [route for name, model in mesh.models.items() for route in _routes(name, model)]
    default = next(_routes(mesh.default_model, mesh.models[mesh.default_model]))
    refused = {
        "name": "refused",
        "match": [{"headers": {MODEL_HEADER: {"regex": ".+"}}}],
        "directResponse": {"status": 503, "body": {"string": REFUSED}},
    }
    undecided = {key: value for key, value in default.items() if key != "match"} | {"name": "undecided"}
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": "intentmesh-models", "namespace": namespace},
        "spec": {
            "hosts": [mesh.kubernetes.host],
            "gateways": gateways,
            "http": [*routes, refused, undecided],
            "exportTo": ["."],
        },
    }


def _routes(name: str, model: Model) -> Iterator[Data]:
    """The routes of one model, bounded ones first: the last one takes a request without a bound."""
    by_version = parts(name, model)
    for bound in ZONES:
        headers: Data = {MODEL_HEADER: {"exact": name}}
        if bound != "external":
            headers[RESIDENCY_HEADER] = {"exact": bound}
        label = route_name(name, bound)
        for key, version in model.versions.items():
            if version.headers:
                asked = {header.lower(): {"exact": value} for header, value in version.headers.items()}
                only = {key: by_version[key]}
                yield from _per_path(f"{label}-{key}", name, model, only, {**headers, **asked}, bound)
        yield from _per_path(label, name, model, by_version, headers, bound)


def route_name(name: str, bound: Zone) -> str:
    """Name of a model's route; Envoy's route has it too, so that patches find it."""
    return name if bound == "external" else f"{name}-within-{bound}"


def path_name(route: str, rewrite: Rewrite) -> str:
    """Name of a route for one path."""
    return f"{route}-{dns_name(rewrite.prefix.lower())}"


def _per_path(
    label: str, name: str, model: Model, by_version: dict[str, Part], headers: Data, bound: Zone
) -> Iterator[Data]:
    every_version = parts(name, model)
    targets = {key: place for key, part in by_version.items() if (place := destination(part, bound))}
    if len(by_version) > 1:
        targets = {key: place for key, place in targets.items() if model.versions[key].weight}
    if not targets:
        yield {
            "name": label,
            "match": [{"headers": headers}],
            "directResponse": {"status": 503, "body": {"string": REFUSED}},
        }
        return
    split = [
        {
            "destination": {"host": place.host, "port": {"number": place.port}},
            **({"weight": weight} if len(targets) > 1 else {}),
        }
        for place, weight in zip(targets.values(), _weights(model, list(targets)), strict=True)
    ]
    common: Data = {"route": split, "timeout": f"{model.timeout_s:g}s", "retries": _retries(model)}
    mirrored = every_version.get(model.mirror.version) if model.mirror else None
    if model.mirror and mirrored and (mirror := destination(mirrored, bound)):
        common["mirrors"] = [
            {
                "destination": {"host": mirror.host, "port": {"number": mirror.port}},
                "percentage": {"value": model.mirror.percent},
            }
        ]
    for rewrite in sorted(model.rewrite, key=lambda r: -len(r.prefix)):
        match = {"headers": headers, "uri": {"prefix": rewrite.prefix}}
        yield {"name": path_name(label, rewrite), "match": [match], "rewrite": {"uri": rewrite.to}, **common}
    yield {"name": label, "match": [{"headers": headers}], **common}


def _weights(model: Model, versions: list[str]) -> list[int]:
    """Weights that add up to 100, where some versions may have no endpoint within the bound."""
    if len(versions) < 2:
        return [100]
    given = [model.versions[version].weight for version in versions]
    scaled = [round(100 * weight / sum(given)) for weight in given]
    scaled[0] += 100 - sum(scaled)
    return scaled


def _retries(model: Model) -> Data:
    retries = model.retries
    if not retries.attempts:
        return {"attempts": 0}
    words = [*retries.on, *map(str, retries.statuses)]
    timeout = {"perTryTimeout": f"{retries.per_try_timeout_s:g}s"} if retries.per_try_timeout_s else {}
    return {"attempts": retries.attempts, "retryOn": ",".join(words), **timeout, "retryIgnorePreviousHosts": True}


def route_patches(mesh: Mesh, place: Place) -> list[Data]:
    """What a VirtualService cannot say: a standby that is encrypted otherwise, and a split that keeps its callers."""
    found = []
    for name, model in mesh.models.items():
        for part in parts(name, model).values():
            for group in (g for g in part.groups if g.endpoints[0].tls and g is not part.groups[0]):
                ours = replace(group, name=place.own(group.name))
                cluster = clusters.group_cluster(ours, model, has_standby=False, credentials=False)
                found.append(add_cluster(place.context, cluster))
        for bound in ZONES:
            found += _route_patches(name, model, bound, place)
    return found


def _route_patches(name: str, model: Model, bound: Zone, place: Place) -> Iterator[Data]:
    by_version = parts(name, model)
    label = route_name(name, bound)
    names = [label, *(path_name(label, rewrite) for rewrite in model.rewrite)]
    joined = destination(by_version[""], bound) if "" in by_version else None
    if joined and joined.beyond:
        members = [joined.istio_cluster, *(place.own(group.name) for group in joined.beyond)]
        own = place.own(joined.name)
        yield add_cluster(place.context, clusters.aggregate_cluster(own, members, model.retries))
        action = RouteAction(cluster=own, auto_host_rewrite=True)
        yield from (_on_route(place, route, action) for route in names)
    if model.sticky:
        header = RouteActionHashPolicyHeader(header_name=model.sticky.header)
        several = [v for v in model.versions.values() if v.weight and _within(v, bound)]
        action = RouteAction(
            hash_policy=[RouteActionHashPolicy(header=header)],
            weighted_clusters=WeightedCluster(use_hash_policy=True) if len(several) > 1 else None,
        )
        yield from (_on_route(place, route, action) for route in names)


def _on_route(place: Place, route: str, action: RouteAction) -> Data:
    match = {"routeConfiguration": {"vhost": {"name": place.virtual_host, "route": {"name": route}}}}
    return patch("HTTP_ROUTE", place, match, "MERGE", Route(route=action))


def _within(version: Version, bound: Zone) -> bool:
    return any(ZONES.index(e.zone) <= ZONES.index(bound) for e in version.endpoints)


def _several_zones(place: Destination) -> bool:
    return len({group.zone for group in (*place.groups, *place.beyond)}) > 1


def _zone_labels(zone: Zone) -> Data:
    """Labels of an endpoint: one for each zone that holds it, from far to near. More of them means nearer."""
    return {f"intentmesh.io/{each}": "yes" for each in reversed(ZONES[:-1]) if ZONES.index(each) >= ZONES.index(zone)}


def _metadata(mesh: Mesh, place: Destination) -> Data:
    return {"name": f"intentmesh-{dns_name(place.name)}", "namespace": mesh.kubernetes.workload.namespace}


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def without_credentials(mesh: Mesh) -> str:
    """What to tell of endpoints whose credential cannot be put in here; empty where there is none."""
    wanting = {
        endpoint.address: endpoint.credentials_file
        for model in mesh.models.values()
        for endpoint in model.every_endpoint()
        if endpoint.credentials_file
    }
    return "".join(
        f"\n{address} wants the credential in {file}: istio-proxy reads no such file. Let an egress gateway that runs\n"
        "the plain Envoy rendering put it in, or have the callers send it."
        for address, file in wanting.items()
    )
