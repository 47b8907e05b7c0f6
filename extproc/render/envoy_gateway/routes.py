"""HTTPRoutes, and the Backends that they name: which request gets to which model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from extproc.config.addresses import is_ip_address
from extproc.config.models import ZONES
from extproc.config.wire_names import (
    MODEL_HEADER,
    RESIDENCY_HEADER,
)
from extproc.errors import ConfigError
from extproc.render.envoy.groups import Group, Part, parts
from extproc.render.envoy.model_routes import CALLER_CREDENTIALS
from extproc.render.envoy_gateway.references import API, metadata, service_ref
from extproc.render.istio.destinations import dns_name, service_host

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extproc.config import Mesh
    from extproc.config.models import Endpoint, Model, Zone

Data = dict[str, Any]

RULES_PER_ROUTE = 16
"""Gateway API's bound."""


def routes(mesh: Mesh) -> dict[str, list[Data]]:
    """HTTPRoutes by model; under the default model also those for what no other rule takes."""
    rules_by_model = {name: list(_rules(mesh, name, model)) for name, model in mesh.models.items()}
    default = mesh.models[mesh.default_model]
    rest = list(_rules(mesh, mesh.default_model, default, (mesh.default_residency,)))[-1]
    rules_by_model[mesh.default_model] += [
        # A pair of headers that no other rule knows. Without backends, the answer is 500: refused.
        {"matches": [{"headers": [{"type": "RegularExpression", "name": MODEL_HEADER, "value": ".+"}]}]},
        {**rest, "matches": [{"path": {"type": "PathPrefix", "value": "/"}}]},
    ]
    return {name: list(_http_routes(mesh, name, rules)) for name, rules in rules_by_model.items()}


def _http_routes(mesh: Mesh, name: str, rules: list[Data]) -> Iterator[Data]:
    gateway = mesh.kubernetes.gateway
    for i in range(0, len(rules), RULES_PER_ROUTE):
        nth = f"-{i // RULES_PER_ROUTE + 1}" if i else ""
        yield {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "HTTPRoute",
            "metadata": metadata(mesh, f"intentmesh-{name}{nth}"),
            "spec": {
                "parentRefs": [{"name": gateway.name, "namespace": gateway.namespace}],
                "hostnames": [mesh.kubernetes.host],
                "rules": rules[i : i + RULES_PER_ROUTE],
            },
        }


def _rules(mesh: Mesh, name: str, model: Model, bounds: tuple[Zone, ...] = ZONES) -> Iterator[Data]:
    by_version = parts(name, model)
    for bound in reversed(bounds):
        headers = [{"name": MODEL_HEADER, "value": name}]
        if bound != "external":
            headers.append({"name": RESIDENCY_HEADER, "value": bound})
        for key, version in model.versions.items():
            if version.headers:
                asked = [{"name": header, "value": value} for header, value in version.headers.items()]
                yield from _per_path(mesh, model, {key: by_version[key]}, [*headers, *asked], bound, by_version)
        yield from _per_path(mesh, model, by_version, headers, bound, by_version)


def _per_path(
    mesh: Mesh, model: Model, parts: dict[str, Part], headers: list[Data], bound: Zone, every: dict[str, Part]
) -> Iterator[Data]:
    refs = []
    for key, part in parts.items():
        weight = model.versions[key].weight if len(parts) > 1 else 1
        for group in part.within(bound) if weight else ():
            refs += [{**ref, "weight": weight} for ref in _backend_refs(mesh, group, part)]
    filters: list[Data] = []
    if model.mirror and refs and (copies := every[model.mirror.version].within(bound)):
        mirror: Data = {"backendRef": _backend_refs(mesh, copies[0], every[model.mirror.version])[0]}
        if model.mirror.percent < 100:
            mirror["fraction"] = {"numerator": round(model.mirror.percent * 1000), "denominator": 100_000}
        filters.append({"type": "RequestMirror", "requestMirror": mirror})
    if not model.takes_credentials(original=False):
        filters.append({"type": "RequestHeaderModifier", "requestHeaderModifier": {"remove": list(CALLER_CREDENTIALS)}})
    rest: Data = {"backendRefs": refs, "timeouts": {"request": f"{model.timeout_s:g}s"}} if refs else {}
    # A longer path outranks more headers: the paths of a bounded rule are named again even where it refuses.
    for rewrite in model.rewrite:
        change = {"type": "ReplacePrefixMatch", "replacePrefixMatch": rewrite.to.rstrip("/") or "/"}
        path = {"type": "PathPrefix", "value": rewrite.prefix.rstrip("/") or "/"}
        rewritten = {"type": "URLRewrite", "urlRewrite": {"path": change}}
        filters_of = {"filters": [rewritten, *filters], **rest} if refs else {}
        yield {"matches": [{"path": path, "headers": headers}], **filters_of}
    yield {"matches": [{"headers": headers}], **({"filters": filters} if filters else {}), **rest}


def _backend_refs(mesh: Mesh, group: Group, part: Part) -> list[Data]:
    """How a rule names a group's endpoints: as Services where all of them are, and no standby."""
    if services_of := _services(group, part):
        return [service_ref(mesh, name, space, port) for name, space, port in services_of]
    _all_alike(part)
    return [{"group": "gateway.envoyproxy.io", "kind": "Backend", "name": dns_name(group.name)}]


def _all_alike(part: Part) -> None:
    """Raise ConfigError where a model mixes names and addresses: Envoy Gateway makes a cluster of each Backend then, and splits
    the traffic among them, standbys included.
    """
    by_address = {is_ip_address(e.hostname): e for group in part.groups for e in group.endpoints}
    if len(by_address) > 1:
        raise ConfigError(
            f"models.{part.name}: {by_address[True].address} is an address and {by_address[False].address} a name: Envoy Gateway "
            "would send requests to both at once, a standby included; give all endpoints of the model by name, or all by address"
        )


def _services(group: Group, part: Part) -> list[tuple[str, str, int]]:
    """The Services that a group's endpoints are, with namespace and port; empty where a Backend has to stand for them."""
    services = []
    for endpoint in group.endpoints:
        host = service_host(endpoint.hostname)
        if host is None or endpoint.tls or len(part.groups) > 1:
            return []
        name, space = host.split(".")[:2]
        services.append((name, space, endpoint.port))
    return services


def backends(mesh: Mesh, name: str, model: Model) -> Iterator[Data]:
    """What stands for endpoints of a model that are no Services, or stand by."""
    for part in parts(name, model).values():
        for i, group in enumerate(part.groups):
            if _services(group, part):
                continue
            nearest = group.endpoints[0]
            common: Data = {"fallback": True} if i else {}
            if nearest.tls:
                ca: Data = {"wellKnownCACertificates": "System"}
                if nearest.ca_file:
                    ca = {
                        "caCertificateRefs": [{"group": "", "kind": "ConfigMap", "name": dns_name(group.name) + "-ca"}]
                    }
                common["tls"] = {"sni": nearest.server_name, **ca}
            yield {
                "apiVersion": API,
                "kind": "Backend",
                "metadata": metadata(mesh, dns_name(group.name)),
                "spec": {"endpoints": [_place(endpoint) for endpoint in group.endpoints], **common},
            }


def _place(endpoint: Endpoint) -> Data:
    if is_ip_address(endpoint.hostname):
        return {"ip": {"address": endpoint.hostname, "port": endpoint.port}}
    return {"fqdn": {"hostname": endpoint.hostname, "port": endpoint.port}}
