"""The target `envoy-gateway`: Envoy Gateway's kinds, with the processor as a Service behind its proxies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from extproc.config.models import ZONES
from extproc.config.wire_names import HEADER_PREFIX, METADATA_NAMESPACE, MODEL_HEADER, RESIDENCY_HEADER
from extproc.render.document import File, Note, to_yaml
from extproc.render.envoy.groups import Group, Part, parts
from extproc.render.envoy.processor import masks
from extproc.render.istio.destinations import dns_name
from extproc.render.kubernetes import kustomize, objects, services
from extproc.render.kubernetes.configuration import config_files

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extproc.config import Mesh
    from extproc.config.models import Model, Zone

Data = dict[str, Any]

API = "gateway.envoyproxy.io/v1alpha1"
PROCESSOR_PORT = 50051
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
    every_route = [route for found in routes.values() for route in found]
    backends = [data for name, model in mesh.models.items() for data in _backends(mesh, name, model)]
    policies = [_traffic_policy(mesh, name, model, routes[name]) for name, model in mesh.models.items()]
    return [
        kustomize.resources_file(HEAD, ["models.yaml", "processor.yaml", "policy.yaml", "routes.yaml"]),
        _file("processor.yaml", _processor(mesh), "The processor, as a Service."),
        _file(
            "policy.yaml", [_client_policy(mesh), _extension_policy(mesh)], "The filter, and what it needs of Envoy."
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
    ]


def _client_policy(mesh: Mesh) -> Data:
    gateway = mesh.kubernetes.gateway
    return {
        "apiVersion": API,
        "kind": "ClientTrafficPolicy",
        "metadata": {"name": "intentmesh", "namespace": gateway.namespace},
        "spec": {
            "targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": gateway.name}],
            "connection": {"bufferLimit": mesh.limits.max_body_bytes},
            "headers": {"earlyRequestHeaders": {"removeOnMatch": [{"type": "Prefix", "value": HEADER_PREFIX}]}},
        },
    }


def _extension_policy(mesh: Mesh) -> Data:
    timeout = mesh.limits.deadline_ms + mesh.envoy.margin_ms
    return {
        "apiVersion": API,
        "kind": "EnvoyExtensionPolicy",
        "metadata": _metadata(mesh, "intentmesh"),
        "spec": {
            "targetRefs": [_route_ref(route) for routes in _routes(mesh).values() for route in routes],
            "extProc": [
                {
                    "backendRefs": [
                        {"group": "", "kind": "Service", "name": objects.PROCESSOR, "port": PROCESSOR_PORT}
                    ],
                    "processingMode": {"allowModeOverride": True, "request": {"body": "Buffered"}, "response": {}},
                    "messageTimeout": f"{timeout}ms",
                    "failOpen": not masks(mesh),
                    "metadata": {"writableNamespaces": [METADATA_NAMESPACE]},
                }
            ],
        },
    }


def _routes(mesh: Mesh) -> dict[str, list[Data]]:
    """HTTPRoutes by model; under the default model also those for what no other rule takes."""
    found = {name: list(_rules(name, model)) for name, model in mesh.models.items()}
    default = mesh.models[mesh.default_model]
    rest = list(_rules(mesh.default_model, default, ("external",)))[-1]
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


def _rules(name: str, model: Model, bounds: tuple[Zone, ...] = ZONES) -> Iterator[Data]:
    by_version = parts(name, model)
    for bound in reversed(bounds):
        headers = [{"name": MODEL_HEADER, "value": name}]
        if bound != "external":
            headers.append({"name": RESIDENCY_HEADER, "value": bound})
        for key, version in model.versions.items():
            if version.headers:
                asked = [{"name": header, "value": value} for header, value in version.headers.items()]
                yield from _per_path(model, {key: by_version[key]}, [*headers, *asked], bound, by_version)
        yield from _per_path(model, by_version, headers, bound, by_version)


def _per_path(
    model: Model, chosen: dict[str, Part], headers: list[Data], bound: Zone, every: dict[str, Part]
) -> Iterator[Data]:
    refs = []
    for key, part in chosen.items():
        weight = model.versions[key].weight if len(chosen) > 1 else 1
        refs += [_backend_ref(group, weight) for group in part.within(bound) if weight]
    filters: list[Data] = []
    if model.mirror and refs and (copies := every[model.mirror.version].within(bound)):
        mirror: Data = {"backendRef": _backend_ref(copies[0], None)}
        if model.mirror.percent < 100:
            mirror["fraction"] = {"numerator": round(model.mirror.percent * 1000), "denominator": 100_000}
        filters.append({"type": "RequestMirror", "requestMirror": mirror})
    rest: Data = {"backendRefs": refs, "timeouts": {"request": f"{model.timeout_s:g}s"}} if refs else {}
    # A longer path outranks more headers: the paths of a bounded rule are named again even where it refuses.
    for rewrite in model.rewrite:
        change = {"type": "ReplacePrefixMatch", "replacePrefixMatch": rewrite.to.rstrip("/") or "/"}
        path = {"type": "PathPrefix", "value": rewrite.prefix.rstrip("/") or "/"}
        rewritten = {"type": "URLRewrite", "urlRewrite": {"path": change}}
        named = {"filters": [rewritten, *filters], **rest} if refs else {}
        yield {"matches": [{"path": path, "headers": headers}], **named}
    yield {"matches": [{"headers": headers}], **({"filters": filters} if filters else {}), **rest}


def _backend_ref(group: Group, weight: int | None) -> Data:
    ref = {"group": "gateway.envoyproxy.io", "kind": "Backend", "name": dns_name(group.name)}
    return ref if weight is None else {**ref, "weight": weight}


def _backends(mesh: Mesh, name: str, model: Model) -> Iterator[Data]:
    for part in parts(name, model).values():
        for i, group in enumerate(part.groups):
            nearest = group.endpoints[0]
            spec: Data = {
                "endpoints": [
                    {"fqdn": {"hostname": endpoint.hostname, "port": endpoint.port}} for endpoint in group.endpoints
                ]
            }
            if i:
                spec["fallback"] = True
            if nearest.tls:
                ca: Data = {"wellKnownCACertificates": "System"}
                if nearest.ca_file:
                    ca = {
                        "caCertificateRefs": [{"group": "", "kind": "ConfigMap", "name": dns_name(group.name) + "-ca"}]
                    }
                spec["tls"] = {"sni": nearest.server_name, **ca}
            yield {
                "apiVersion": API,
                "kind": "Backend",
                "metadata": _metadata(mesh, dns_name(group.name)),
                "spec": spec,
            }


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
            "retryBudget": {
                "percent": {"numerator": round(model.retries.budget_percent * 100), "denominator": 10_000},
                "minRetryConcurrency": 3,
            },
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
    return {"name": name, "namespace": mesh.kubernetes.namespace}


def _file(path: str, documents: list[Data], purpose: str) -> File:
    return File(path, to_yaml(documents, NOTES, f"{HEAD}\n{purpose}\n"))
