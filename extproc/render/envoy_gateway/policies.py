"""Policies: the filter and what it needs of Envoy, tokens, and how models are treated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from extproc.config.wire_names import (
    CLAIMS_NAMESPACE,
    DIRECTION_ATTRIBUTE,
    METADATA_NAMESPACE,
    MODEL_HEADER,
    RESIDENCY_HEADER,
)
from extproc.render.envoy.clusters import MOST_EXCHANGES
from extproc.render.envoy.identity import key_set
from extproc.render.envoy.processor import connection_attributes, fails_open
from extproc.render.envoy_gateway.references import API, metadata, route_ref, service_ref
from extproc.render.envoy_gateway.routes import routes
from extproc.render.kubernetes import objects

if TYPE_CHECKING:
    from extproc.config import Mesh
    from extproc.config.models import Model

Data = dict[str, Any]

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


def client_policy(mesh: Mesh) -> Data:
    """What the Gateway asks of those who call: the size of bodies, and no headers of ours."""
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


def security_policy(mesh: Mesh) -> list[Data]:
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
            "metadata": metadata(mesh, "intentmesh"),
            "spec": {
                "targetRefs": [route_ref(route) for routes in routes(mesh).values() for route in routes],
                "jwt": {"optional": True, "providers": providers},
            },
        }
    ]


def extension_policy(mesh: Mesh) -> Data:
    """The filter, on our routes."""
    timeout = mesh.limits.deadline_ms + mesh.envoy.margin_ms
    # a gateway is nobody's own sidecar, and Envoy Gateway passes no attribute of listeners on
    names = [name for name in connection_attributes(mesh) if name != DIRECTION_ATTRIBUTE]
    request = {"attributes": names} if names else {}
    claims = {"accessibleNamespaces": [CLAIMS_NAMESPACE]} if mesh.identity.jwt else {}
    return {
        "apiVersion": API,
        "kind": "EnvoyExtensionPolicy",
        "metadata": metadata(mesh, "intentmesh"),
        "spec": {
            "targetRefs": [route_ref(route) for routes in routes(mesh).values() for route in routes],
            "extProc": [
                {
                    "backendRefs": [service_ref(mesh, objects.PROCESSOR, mesh.kubernetes.namespace, PROCESSOR_PORT)],
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


def traffic_policy(mesh: Mesh, name: str, model: Model, routes: list[Data]) -> Data:
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
        "targetRefs": [route_ref(route) for route in routes],
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
        "metadata": metadata(mesh, f"intentmesh-{name}"),
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
