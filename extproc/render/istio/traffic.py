"""Who gets which request (VirtualService), and what a VirtualService cannot say (patches of its routes)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from envoy_data_plane.envoy.config.route.v3 import (
    Route,
    RouteAction,
    RouteActionHashPolicy,
    RouteActionHashPolicyHeader,
    WeightedCluster,
)

from extproc.config.models import ZONES
from extproc.config.wire_names import MODEL_HEADER, RESIDENCY_HEADER
from extproc.render.envoy import clusters
from extproc.render.envoy.groups import Group, Part, parts
from extproc.render.envoy.model_routes import CALLER_CREDENTIALS
from extproc.render.istio.destinations import Host, destination, dns_name
from extproc.render.istio.patches import add_cluster, patch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extproc.config import Mesh
    from extproc.config.models import Model, Version, Zone
    from extproc.config.traffic import Rewrite
    from extproc.render.istio.patches import Place

Data = dict[str, Any]
REFUSED = '{"error": {"message": "No model may take this request.", "type": "unavailable", "code": "no_model"}}'


def virtual_service(mesh: Mesh, name: str, host: str, namespace: str, gateways: list[str], rest: list[Data]) -> Data:
    """Routes by the headers that the processor writes; the order is the meaning.

    `rest`: routes for requests on which nothing was decided; without any they go to the default model.
    """
    routes = [r for model, section in mesh.models.items() for r in _routes(model, section, original=bool(rest))]
    refused = {
        "name": "refused",
        "match": [{"headers": {MODEL_HEADER: {"regex": ".+"}}}],
        "directResponse": {"status": 503, "body": {"string": REFUSED}},
    }
    wanted = route_name(mesh.default_model, mesh.default_residency)
    default = next(route for route in routes if route["name"] == wanted)
    onward = rest or [{key: value for key, value in default.items() if key != "match"}]
    undecided = [{"name": f"undecided{f'-{i}' if i else ''}", **route} for i, route in enumerate(onward)]
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "hosts": [host],
            "gateways": gateways,
            "http": [*routes, refused, *undecided],
            "exportTo": ["."],
        },
    }


def _routes(name: str, model: Model, *, original: bool) -> Iterator[Data]:
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
                yield from _per_path(f"{label}-{key}", name, model, only, {**headers, **asked}, bound, original)
        yield from _per_path(label, name, model, by_version, headers, bound, original)


def route_name(name: str, bound: Zone) -> str:
    """Name of a model's route; Envoy's route has it too, so that patches find it."""
    return name if bound == "external" else f"{name}-within-{bound}"


def path_name(route: str, rewrite: Rewrite) -> str:
    """Name of a route for one path."""
    return f"{route}-{dns_name(rewrite.prefix.lower())}"


def _per_path(
    label: str,
    name: str,
    model: Model,
    by_version: dict[str, Part],
    headers: Data,
    bound: Zone,
    original: bool,
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
    called = {place.first.authority for place in targets.values()}
    split = [
        {
            "destination": _named(place.first),
            **({"weight": weight} if len(targets) > 1 else {}),
            **({"headers": {"request": {"set": {":authority": name}}}} if len(called) > 1 and name else {}),
        }
        for place, weight in zip(targets.values(), _weights(model, list(targets)), strict=True)
        for name in [place.first.authority]
    ]
    common: Data = {"route": split, "timeout": f"{model.timeout_s:g}s", "retries": _retries(model)}
    if not model.takes_credentials(original=original):
        common["headers"] = {"request": {"remove": list(CALLER_CREDENTIALS)}}
    authority = {"authority": only} if len(called) == 1 and (only := next(iter(called))) else {}
    mirrored = every_version.get(model.mirror.version) if model.mirror else None
    if model.mirror and mirrored and (mirror := destination(mirrored, bound)):
        common["mirrors"] = [
            {
                "destination": _named(mirror.first),
                "percentage": {"value": model.mirror.percent},
            }
        ]
    for rewrite in sorted(model.rewrite, key=lambda r: -len(r.prefix)):
        match = {"headers": headers, "uri": {"prefix": rewrite.prefix}}
        changed = {"uri": rewrite.to, **authority}
        yield {"name": path_name(label, rewrite), "match": [match], "rewrite": changed, **common}
    yield {"name": label, "match": [{"headers": headers}], **({"rewrite": authority} if authority else {}), **common}


def _named(host: Host) -> Data:
    return {"host": host.name, "port": {"number": host.port}}


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
    return {"attempts": retries.attempts, "retryOn": ",".join(words), **timeout}


def own_clusters(mesh: Mesh, place: Place) -> list[Data]:
    """Clusters that no kind of Istio's can bring: standbys that are encrypted otherwise, and what joins several hosts."""
    resources = []
    for name, model in mesh.models.items():
        for part in parts(name, model).values():
            for group in _own_clusters(part):
                ours = replace(group, name=place.own(group.name))
                cluster = clusters.group_cluster(ours, model, has_standby=False, credentials=False)
                resources.append(add_cluster(place.context, cluster))
            joined = {d.name: d for bound in ZONES if (d := destination(part, bound)) and len(d.members) > 1}
            for each in joined.values():
                members = [m.cluster if isinstance(m, Host) else place.own(m.name) for m in each.members]
                resources.append(
                    add_cluster(place.context, clusters.aggregate_cluster(place.own(each.name), members, model.retries))
                )
    return resources


def route_patches(mesh: Mesh, place: Place) -> list[Data]:
    """What a VirtualService cannot say of a route: the clusters above, and a split that keeps its callers."""
    return [
        entry
        for name, model in mesh.models.items()
        for bound in ZONES
        for entry in _route_patches(name, model, bound, place)
    ]


def _own_clusters(part: Part) -> list[Group]:
    """The groups that no ServiceEntry stands for, in any of the destinations."""
    groups: dict[str, Group] = {}
    for bound in ZONES:
        place = destination(part, bound)
        groups |= {member.name: member for member in (place.members if place else ()) if isinstance(member, Group)}
    return list(groups.values())


def _route_patches(name: str, model: Model, bound: Zone, place: Place) -> Iterator[Data]:
    by_version = parts(name, model)
    label = route_name(name, bound)
    names = [label, *(path_name(label, rewrite) for rewrite in model.rewrite)]
    joined = destination(by_version[""], bound) if "" in by_version else None
    if joined and len(joined.members) > 1:
        action = RouteAction(cluster=place.own(joined.name), auto_host_rewrite=True)
        yield from (entry for route in names for entry in _on_route(place, route, action))
    if model.sticky:
        header = RouteActionHashPolicyHeader(header_name=model.sticky.header)
        several = [v for v in model.versions.values() if v.weight and _within(v, bound)]
        action = RouteAction(
            hash_policy=[RouteActionHashPolicy(header=header)],
            weighted_clusters=WeightedCluster(use_hash_policy=True) if len(several) > 1 else None,
        )
        yield from (entry for route in names for entry in _on_route(place, route, action))


def _on_route(place: Place, route: str, action: RouteAction) -> Iterator[Data]:
    for on in place.routes:
        match = {"routeConfiguration": {**on, "vhost": {**on.get("vhost", {}), "route": {"name": route}}}}
        yield patch("HTTP_ROUTE", place, match, "MERGE", Route(route=action))


def _within(version: Version, bound: Zone) -> bool:
    return any(ZONES.index(e.zone) <= ZONES.index(bound) for e in version.endpoints)


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
