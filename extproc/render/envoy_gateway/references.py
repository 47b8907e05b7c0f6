"""How objects of Envoy Gateway are named, and name one another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from extproc.config import Mesh

Data = dict[str, Any]

API = "gateway.envoyproxy.io/v1alpha1"


def service_ref(mesh: Mesh, name: str, namespace: str, port: int) -> Data:
    """A Service, named from the Gateway's namespace."""
    away = {} if namespace == mesh.kubernetes.gateway.namespace else {"namespace": namespace}
    return {"group": "", "kind": "Service", "name": name, **away, "port": port}


def route_ref(route: Data) -> Data:
    """A route of ours, named by a policy."""
    return {"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": route["metadata"]["name"]}


def metadata(mesh: Mesh, name: str) -> Data:
    """Of what stands beside the Gateway."""
    return {"name": name, "namespace": mesh.kubernetes.gateway.namespace}
