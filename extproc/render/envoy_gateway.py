"""The target `envoy-gateway`: Envoy Gateway's kinds, with the processor as a Service behind its proxies.

Routes and policies live where the Gateway does: a listener takes routes of its own namespace, unless told otherwise. The
processor and the models live in ours, and a ReferenceGrant lets the Gateway's namespace refer to them. Models are named by
their Services; a Backend, which Envoy Gateway takes only where `extensionApis.enableBackend` is on, stands for what is none: an
endpoint beyond the cluster, and a standby.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from extproc.config.models import ZONES
from extproc.config.wire_names import (
    CLAIMS_NAMESPACE,
    DIRECTION_ATTRIBUTE,
    METADATA_NAMESPACE,
    MODEL_HEADER,
    RESIDENCY_HEADER,
)
from extproc.errors import ConfigError
from extproc.render.document import File, Note, to_yaml
from extproc.render.envoy.clusters import MOST_EXCHANGES
from extproc.render.envoy.groups import Group, Part, parts
from extproc.render.envoy.identity import key_set
from extproc.render.envoy.processor import connection_attributes, fails_open
from extproc.render.envoy.routes import CALLER_CREDENTIALS
from extproc.render.istio.destinations import dns_name, is_address, service_host
from extproc.render.kubernetes import kustomize, objects, services
from extproc.render.kubernetes.configuration import config_files

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extproc.config import Mesh
    from extproc.config.models import Endpoint, Model, Zone

Data = dict[str, Any]

API = "gateway.envoyproxy.io/v1alpha1"
PROCESSOR_PORT = 50051
PROCESSOR_SETTINGS: Data = {
    "circuitBreaker": {"maxParallelRequests": MOST_EXCHANGES, "maxPendingRequests": MOST_EXCHANGES},
    "healthCheck": {
        "active": {
            "type": "GRPC",
            "grpc": {},
            "interval": "2s",
            "timeout": "1s",
            "unhealthyThreshold": 2,
            "healthyThreshold": 1,
        }
    },
}
"""As the plain rendering has them: Envoy's own limit would answer 500 to the 1025th streamed answer."""
RULES_PER_ROUTE = 16
"""Gateway API's bound."""
HEAD = "Rendered by `intentmesh render envoy-gateway` from mesh.yaml: change that and render again.\n"
NOTES = (
    *kustomize.NOTES,
    Note("processingMode.request", "The decision needs the whole body, and Envoy can re-route only while it holds it."),
    Note("processingMode.allowModeOverride", "Lets the processor leave out what it need not read."),
    Note("extProc.failOpen", "Closed: without the processor a request gets an error, and is never sent on unmasked."),
    Note("extProc.messageTimeout", "limits.deadline_ms and a margin: the processor answers first."),
    Note("extProc.metadata", "For access logs: %DYNAMIC_METADATA(intentmesh:model)%"),
    Note("connection.bufferLimit", "limits.max_body_bytes; Envoy Gateway's own 32 KiB would answer 413."),
    Note("headers.earlyRequestHeaders", "A client must not choose its model."),
    Note("spec.fallback", "Used when nothing before it is healthy."),
    Note("healthCheck.panicThreshold", "Never send to endpoints that are known to be down, even if all are."),
    Note("spec.rules", "The rule with more headers wins: bounded requests never meet a rule without a bound."),
)


def render(mesh: Mesh) -> list[File]:
    """The target's files."""
    mesh = services.as_services(kustomize.in_cluster(mesh))
    routes = _routes(mesh)
    every_route = [route for some in routes.values() for route in some]
    backends = [data for name, model in mesh.models.items() for data in _backends(mesh, name, model)]
    policies = [_traffic_policy(mesh, name, model, routes[name]) for name, model in mesh.models.items()]
    grant = [_grant(mesh)] if mesh.kubernetes.gateway.namespace != mesh.kubernetes.namespace else []
    return [
        kustomize.resources_file(HEAD, ["models.yaml", "processor.yaml", "policy.yaml", "routes.yaml"]),
        _file("processor.yaml", [*_processor(mesh), *grant], "The processor, as a Service."),
        _file(
            "policy.yaml",
            [_client_policy(mesh), *_security_policy(mesh), _extension_policy(mesh)],
            "The filter, and what it needs of Envoy.",
        ),
        _file(
            "routes.yaml", [*every_route, *backends, *policies], "Who gets which request, and how models are treated."
        ),
        *services.model_files(mesh, HEAD),
    ]


def _processor(mesh: Mesh) -> list[Data]:
    over_tcp = mesh.processor.model_copy(update={"address": f"0.0.0.0:{PROCESSOR_PORT}", "workers": 1})
    served = mesh.model_copy(update={"processor": over_tcp})
    config = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "intentmesh", "namespace": mesh.kubernetes.namespace},
        "data": config_files(served),
    }
    return [
        config,
        objects.processor_deployment(mesh, PROCESSOR_PORT),
        objects.processor_service(mesh, PROCESSOR_PORT),
        objects.disruption_budget(mesh, objects.PROCESSOR, "processor"),
        objects.autoscaler(mesh, objects.PROCESSOR, "processor", least=mesh.kubernetes.replicas),
        objects.processor_policy(mesh, PROCESSOR_PORT),
    ]


def _grant(mesh: Mesh) -> Data:
    """Lets routes and policies of the Gateway's namespace refer to our Services."""
    space = mesh.kubernetes.gateway.namespace
    kinds = (("gateway.networking.k8s.io", "HTTPRoute"), ("gateway.envoyproxy.io", "EnvoyExtensionPolicy"))
    return {
        "apiVersion": "gateway.networking.k8s.io/v1beta1",
        "kind": "ReferenceGrant",
        "metadata": {"name": "intentmesh", "namespace": mesh.kubernetes.namespace},
        "spec": {
            "from": [{"group": group, "kind": kind, "namespace": space} for group, kind in kinds],
            "to": [{"group": "", "kind": "Service"}],
        },
    }


def _client_policy(mesh: Mesh) -> Data:
    gateway = mesh.kubernetes.gateway
    return {
        "apiVersion": API,
        "kind": "ClientTrafficPolicy",
        "metadata": {"name": "intentmesh", "namespace": gateway.namespace},
        "spec": {
            "targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": gateway.name}],
            "connection": {"bufferLimit": mesh.limits.max_body_bytes},
            "headers": {"earlyRequestHeaders": {"remove": [MODEL_HEADER, RESIDENCY_HEADER]}},
        },
    }


def _security_policy(mesh: Mesh) -> list[Data]:
    """Whose tokens are good; none without `identity.jwt.providers`. It stands before the filter; a bad token is refused."""
    jwt = mesh.identity.jwt
    if jwt is None or not jwt.providers:
        return []
    providers = []
    for name, provider in jwt.providers.items():
        keys: Data = {}
        if provider.jwks_uri:
            keys["remoteJWKS"] = {"uri": provider.jwks_uri}
        else:
            keys["localJWKS"] = {"type": "Inline", "inline": key_set(provider)}
        audiences = {"audiences": list(provider.audiences)} if provider.audiences else {}
        providers.append({"name": name, "issuer": provider.issuer, **audiences, **keys})
    return [
        {
            "apiVersion": API,
            "kind": "SecurityPolicy",
            "metadata": _metadata(mesh, "intentmesh"),
            "spec": {
                "targetRefs": [_route_ref(route) for routes in _routes(mesh).values() for route in routes],
                "jwt": {"optional": True, "providers": providers},
            },
        }
    ]


def _extension_policy(mesh: Mesh) -> Data:
    timeout = mesh.limits.deadline_ms + mesh.envoy.margin_ms
    # a gateway is nobody's own sidecar, and Envoy Gateway passes no attribute of listeners on
    names = [name for name in connection_attributes(mesh) if name != DIRECTION_ATTRIBUTE]
    request = {"attributes": names} if names else {}
    claims = {"accessibleNamespaces": [CLAIMS_NAMESPACE]} if mesh.identity.jwt else {}
    return {
        "apiVersion": API,
        "kind": "EnvoyExtensionPolicy",
        "metadata": _metadata(mesh, "intentmesh"),
        "spec": {
            "targetRefs": [_route_ref(route) for routes in _routes(mesh).values() for route in routes],
            "extProc": [
                {
                    "backendRefs": [_service_ref(mesh, objects.PROCESSOR, mesh.kubernetes.namespace, PROCESSOR_PORT)],
                    "backendSettings": PROCESSOR_SETTINGS,
                    "processingMode": {
                        "allowModeOverride": True,
                        "request": {"body": "Buffered", **request},
                        "response": {},
                    },
                    "messageTimeout": f"{timeout}ms",
                    "failOpen": fails_open(mesh),
                    "metadata": {"writableNamespaces": [METADATA_NAMESPACE], **claims},
                }
            ],
        },
    }


def _routes(mesh: Mesh) -> dict[str, list[Data]]:
    """HTTPRoutes by model; under the default model also those for what no other rule takes."""
    found = {name: list(_rules(mesh, name, model)) for name, model in mesh.models.items()}
    default = mesh.models[mesh.default_model]
    rest = list(_rules(mesh, mesh.default_model, default, (mesh.default_residency,)))[-1]
    found[mesh.default_model] += [
        # A pair of headers that no other rule knows. Without backends, the answer is 500: refused.
        {"matches": [{"headers": [{"type": "RegularExpression", "name": MODEL_HEADER, "value": ".+"}]}]},
        {**rest, "matches": [{"path": {"type": "PathPrefix", "value": "/"}}]},
    ]
    return {name: list(_http_routes(mesh, name, rules)) for name, rules in found.items()}


def _http_routes(mesh: Mesh, name: str, rules: list[Data]) -> Iterator[Data]:
    gateway = mesh.kubernetes.gateway
    for i in range(0, len(rules), RULES_PER_ROUTE):
        nth = f"-{i // RULES_PER_ROUTE + 1}" if i else ""
        yield {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "HTTPRoute",
            "metadata": _metadata(mesh, f"intentmesh-{name}{nth}"),
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
        return [_service_ref(mesh, name, space, port) for name, space, port in services_of]
    _all_alike(part)
    return [{"group": "gateway.envoyproxy.io", "kind": "Backend", "name": dns_name(group.name)}]


def _all_alike(part: Part) -> None:
    """Raise ConfigError where a model mixes names and addresses: Envoy Gateway makes a cluster of each Backend then, and splits
    the traffic among them, standbys included.
    """
    by_address = {is_address(e.hostname): e for group in part.groups for e in group.endpoints}
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


def _service_ref(mesh: Mesh, name: str, namespace: str, port: int) -> Data:
    away = {} if namespace == mesh.kubernetes.gateway.namespace else {"namespace": namespace}
    return {"group": "", "kind": "Service", "name": name, **away, "port": port}


def _backends(mesh: Mesh, name: str, model: Model) -> Iterator[Data]:
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
                "metadata": _metadata(mesh, dns_name(group.name)),
                "spec": {"endpoints": [_place(endpoint) for endpoint in group.endpoints], **common},
            }


def _place(endpoint: Endpoint) -> Data:
    if is_address(endpoint.hostname):
        return {"ip": {"address": endpoint.hostname, "port": endpoint.port}}
    return {"fqdn": {"hostname": endpoint.hostname, "port": endpoint.port}}


def _traffic_policy(mesh: Mesh, name: str, model: Model, routes: list[Data]) -> Data:
    """Retries, limits, ejection and health checks for the routes of one model."""
    pool, ejection = model.pool, model.ejection
    health: Data = {"panicThreshold": 0}
    if ejection.enabled:
        health["passive"] = {
            "consecutive5XxErrors": ejection.consecutive_5xx,
            "interval": f"{ejection.interval_s:g}s",
            "baseEjectionTime": f"{ejection.base_s:g}s",
            "maxEjectionPercent": ejection.max_percent,
        }
    if model.health.enabled:
        health["active"] = {
            "type": "HTTP",
            "http": {"path": model.health.path},
            "interval": f"{model.health.interval_s:g}s",
            "timeout": f"{model.health.timeout_s:g}s",
            "unhealthyThreshold": model.health.unhealthy,
            "healthyThreshold": model.health.healthy,
        }
    spec: Data = {
        "targetRefs": [_route_ref(route) for route in routes],
        "circuitBreaker": {
            "maxConnections": pool.connections,
            "maxPendingRequests": pool.pending,
            "maxParallelRequests": pool.requests,
            "maxParallelRetries": max(3, round(pool.requests * model.retries.budget_percent / 100)),
        },
        "healthCheck": health,
        **({"retry": _retry(model)} if model.retries.attempts else {}),
    }
    if model.sticky:
        header = {"name": model.sticky.header}
        spec["loadBalancer"] = {"type": "ConsistentHash", "consistentHash": {"type": "Header", "header": header}}
    return {
        "apiVersion": API,
        "kind": "BackendTrafficPolicy",
        "metadata": _metadata(mesh, f"intentmesh-{name}"),
        "spec": spec,
    }


def _retry(model: Model) -> Data:
    retries = model.retries
    triggers = [*retries.on, *(["retriable-status-codes"] if retries.statuses else [])]
    codes = {"httpStatusCodes": list(retries.statuses)} if retries.statuses else {}
    timeout = {"perRetry": {"timeout": f"{retries.per_try_timeout_s:g}s"}} if retries.per_try_timeout_s else {}
    # After one attempt in a group of endpoints, the next one goes to the group behind it.
    return {
        "numRetries": retries.attempts,
        "numAttemptsPerPriority": 1,
        "retryOn": {"triggers": triggers, **codes},
        **timeout,
    }


def _route_ref(route: Data) -> Data:
    return {"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": route["metadata"]["name"]}


def _metadata(mesh: Mesh, name: str) -> Data:
    return {"name": name, "namespace": mesh.kubernetes.gateway.namespace}


def _file(path: str, documents: list[Data], purpose: str) -> File:
    return File(path, to_yaml(documents, NOTES, f"{HEAD}\n{purpose}\n"))
