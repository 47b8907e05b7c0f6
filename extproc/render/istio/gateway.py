"""The target `istio-gateway`: the filter in a gateway of Istio's, the models in the cluster behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from extproc.render.document import File, to_yaml
from extproc.render.istio import authentication, destinations, intercepted, patches, traffic, workload
from extproc.render.istio.patches import Place
from extproc.render.istio.sidecar import NOTES
from extproc.render.kubernetes import kustomize, services

if TYPE_CHECKING:
    from extproc.config import Mesh

Data = dict[str, Any]

HEAD = "Rendered by `intentmesh render istio-gateway` from mesh.yaml: change that and render again.\n"


def render(mesh: Mesh) -> list[File]:
    """The target's files."""
    mesh = prepared(mesh)
    gateway = mesh.kubernetes.gateway
    hosts = destinations.hosts(mesh)
    entries = [entry for host, _ in hosts if (entry := destinations.service_entry(mesh, host))]
    rules = [rule for host, model in hosts if (rule := destinations.destination_rule(mesh, host, model))]
    routes = intercepted.virtual_services(mesh, gateway.namespace, [f"{gateway.namespace}/{gateway.name}"])
    resources = ["config.yaml", "gateway.yaml", "routes.yaml", "models.yaml"]
    change = workload.deployment_patch(mesh, gateway.deployment, gateway.namespace, with_models=False, gateway=True)
    return [
        kustomize.resources_file(HEAD, resources),
        workload.component_file(HEAD, resources),
        _file("config.yaml", [workload.config_map(mesh, gateway.namespace)], "The processor's configuration."),
        _file(
            "deployment-patch.yaml",
            [change],
            f"kubectl -n {gateway.namespace} patch deployment {gateway.deployment} --patch-file deployment-patch.yaml",
        ),
        _file(
            "gateway-parameters.yaml",
            [workload.gateway_parameters(change)],
            "For a gateway whose Deployment istiod makes from a Gateway of the Gateway API: name this ConfigMap in its\n"
            "spec.infrastructure.parametersRef instead of patching the Deployment.",
        ),
        _file(
            "gateway.yaml",
            [
                envoy_filter(mesh),
                *authentication.request_authentication(
                    mesh, "intentmesh-gateway", mesh.kubernetes.gateway.namespace, mesh.kubernetes.gateway.labels
                ),
            ],
            "What comes in for the intercepted hosts." + traffic.without_credentials(mesh),
        ),
        _file(
            "routes.yaml",
            [*entries, *intercepted.upstreams(mesh, gateway.namespace), *rules, *routes],
            "Where the models are, and who gets which request.",
        ),
        *services.model_files(mesh, HEAD),
    ]


def prepared(mesh: Mesh) -> Mesh:
    """The mesh as a gateway sees it: models beside the processor become Services of their own."""
    mesh = services.as_services(kustomize.in_cluster(mesh))
    gateway = mesh.kubernetes.gateway
    # The kinds for routing live where the gateway does.
    target = mesh.kubernetes.workload.model_copy(update={"namespace": gateway.namespace})
    return mesh.model_copy(update={"kubernetes": mesh.kubernetes.model_copy(update={"workload": target})})


def gateway_place(mesh: Mesh) -> Place:
    """The gateway's server for the intercepted hosts."""
    port = mesh.kubernetes.gateway.port
    hosts = {intercepted.name_of(host): host for host in mesh.kubernetes.intercepted()}
    return Place("GATEWAY", {}, {}, tuple(intercepted.virtual_host(host, port) for host in hosts.values()))


def envoy_filter(mesh: Mesh) -> Data:
    """EnvoyFilter for the gateway's pods. A VirtualService does the routing."""
    place = gateway_place(mesh)
    gateway = mesh.kubernetes.gateway
    config = [
        patches.processor_patch(mesh, place),
        *traffic.own_clusters(mesh, place),
        *patches.plug(mesh, place),
        *traffic.route_patches(mesh, place),
    ]
    return patches.envoy_filter("intentmesh-gateway", gateway.namespace, gateway.labels, config)


def _file(path: str, documents: list[Data], purpose: str) -> File:
    return File(path, to_yaml(documents, NOTES, f"{HEAD}\n{purpose}\n"))
