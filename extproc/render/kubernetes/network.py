"""Who may talk to whom in the cluster: NetworkPolicies. What they do not list is denied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from extproc.config.addresses import split_address
from extproc.render.envoy.identity import jwks_places
from extproc.render.kubernetes import pod
from extproc.render.kubernetes.objects import GATEWAY, PROCESSOR, labels
from extproc.render.kubernetes.pod import PROBE_PORT, PROCESSOR_PORT

if TYPE_CHECKING:
    from extproc.config import Mesh

Data = dict[str, Any]

NAMESPACE_NAME = "kubernetes.io/metadata.name"
"""The label that Kubernetes gives each namespace."""
DNS: Data = {"ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]}


def policies(mesh: Mesh) -> list[Data]:
    """Nothing may talk to anything but as listed: callers to Envoy, Prometheus to metrics, the gateway to its models."""
    http = split_address(mesh.envoy.listen)[1]
    monitoring = {"namespaceSelector": {"matchLabels": {NAMESPACE_NAME: mesh.kubernetes.monitoring}}}
    served = list(pod.in_cluster(mesh))
    to_models = [
        {
            "to": [{"podSelector": {"matchLabels": labels("model", each.name)}}],
            "ports": [{"protocol": "TCP", "port": each.port}],
        }
        for each in served
    ]
    return [
        _policy(mesh, "default-deny", {}, ingress=[], egress=[]),
        _policy(
            mesh,
            GATEWAY,
            labels("gateway"),
            ingress=[
                {"from": [{"namespaceSelector": {}}], "ports": [{"protocol": "TCP", "port": http}]},
                {
                    "from": [monitoring],
                    "ports": [{"protocol": "TCP", "port": port} for port in (PROCESSOR_PORT, PROBE_PORT)],
                },
            ],
            egress=[DNS, *to_models, *_outside(mesh)],
        ),
        *(
            _policy(
                mesh,
                each.name,
                labels("model", each.name),
                ingress=[
                    {
                        "from": [{"podSelector": {"matchLabels": labels("gateway")}}],
                        "ports": [{"protocol": "TCP", "port": each.port}],
                    }
                ],
                egress=[DNS, *([{"ports": [{"protocol": "TCP", "port": 443}]}] if each.gguf.repo else [])],
            )
            for each in served
        ),
    ]


def processor_policy(mesh: Mesh, port: int) -> Data:
    """Who may talk to a processor that is a Service: the proxies of the gateway, and Prometheus."""
    proxies = {"namespaceSelector": {"matchLabels": {NAMESPACE_NAME: mesh.kubernetes.gateway.proxies}}}
    monitoring = {"namespaceSelector": {"matchLabels": {NAMESPACE_NAME: mesh.kubernetes.monitoring}}}
    return _policy(
        mesh,
        PROCESSOR,
        labels("processor"),
        ingress=[
            {"from": [proxies], "ports": [{"protocol": "TCP", "port": port}]},
            {"from": [monitoring], "ports": [{"protocol": "TCP", "port": PROCESSOR_PORT}]},
        ],
        egress=[DNS, *({"ports": [{"protocol": "TCP", "port": port}]} for port in _store_ports(mesh))],
    )


def _store_ports(mesh: Mesh) -> set[int]:
    """Where the processor calls the store of a fleet's budgets."""
    store = mesh.budget_state.store if mesh.budgets else None
    port = store.port if store else None
    return {port} if port else set()


def _outside(mesh: Mesh) -> list[Data]:
    """Egress to endpoints that are no pods of ours, by port: a NetworkPolicy knows no host names."""
    own = {(each.name, each.port) for each in pod.in_cluster(mesh)}
    ports = {
        endpoint.port
        for model in mesh.models.values()
        for endpoint in model.every_endpoint()
        if not pod.is_loopback(endpoint) and (endpoint.hostname.partition(".")[0], endpoint.port) not in own
    }
    if any(each.gguf.repo for each in pod.in_pod(mesh)):
        ports.add(443)
    if mesh.envoy.upstream:
        ports.add(split_address(mesh.envoy.upstream)[1])
    ports |= _store_ports(mesh)
    ports |= {port for _, port in jwks_places(mesh)}
    return [{"ports": [{"protocol": "TCP", "port": port} for port in sorted(ports)]}] if ports else []


def _policy(mesh: Mesh, name: str, selector: Data, *, ingress: list[Data], egress: list[Data]) -> Data:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": mesh.kubernetes.namespace},
        "spec": {
            "podSelector": {"matchLabels": selector} if selector else {},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": ingress,
            "egress": egress,
        },
    }
