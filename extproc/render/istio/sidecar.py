"""The target `istio-sidecar`: an application's pod, its calls to models and the calls to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from extproc.render.document import File, Note, to_yaml
from extproc.render.envoy import clusters, routes
from extproc.render.istio import authentication, destinations, intercepted, patches, traffic, workload
from extproc.render.istio.patches import Place, patch
from extproc.render.kubernetes import kustomize

if TYPE_CHECKING:
    from envoy_data_plane.envoy.config.route.v3 import Route

    from extproc.config import Mesh

Data = dict[str, Any]

HEAD = "Rendered by `intentmesh render istio-sidecar` from mesh.yaml: change that and render again.\n"
NOTES = (
    *patches.NOTES,
    *routes.NOTES,
    Note("spec.http", "The first that matches: bounded routes stand before the one without a bound."),
    Note(
        "failoverPriority", "Endpoints with all of these labels first, then those that lack the last of them, and on."
    ),
    Note("metadata.annotations", "istio-proxy (uid 1337) gets the folder with the socket, whose mode lets it in."),
    Note("spec.template.spec.initContainers", "Sidecars: they start before the application and stop after it."),
)


def render(mesh: Mesh) -> list[File]:
    """The target's files."""
    mesh = kustomize.in_cluster(mesh)
    space = mesh.kubernetes.workload.namespace
    name = mesh.kubernetes.workload.name
    hosts = destinations.hosts(mesh)
    entries = [entry for host, _ in hosts if (entry := destinations.service_entry(mesh, host))]
    rules = [rule for host, model in hosts if (rule := destinations.destination_rule(mesh, host, model))]
    routes = intercepted.virtual_services(mesh, space, ["mesh"])
    resources = ["config.yaml", "outbound.yaml", "models.yaml", "inbound.yaml"]
    change = workload.deployment_patch(mesh, name, space, with_models=True)
    return [
        kustomize.resources_file(HEAD, resources),
        workload.component_file(HEAD, resources),
        _file("config.yaml", [workload.config_map(mesh, space)], "The processor's configuration."),
        _file(
            "deployment-patch.yaml",
            [change],
            f"kubectl -n {space} patch deployment {name} --patch-file deployment-patch.yaml",
        ),
        _file(
            "outbound.yaml",
            [outbound(mesh)],
            "Calls of the application to the intercepted hosts." + traffic.without_credentials(mesh),
        ),
        _file(
            "models.yaml",
            [*entries, *intercepted.upstreams(mesh, space), *rules, *routes],
            "For outbound.yaml: where the models are, how they are treated, who gets which request.",
        ),
        _file(
            "inbound.yaml",
            [
                inbound(mesh),
                *authentication.request_authentication(
                    mesh, "intentmesh-inbound", space, mesh.kubernetes.workload.labels
                ),
            ],
            "Calls to the application are routed to the models beside it." + traffic.without_credentials(mesh),
        ),
    ]


def outbound_places(mesh: Mesh) -> list[Place]:
    """The listeners for the intercepted hosts' ports, on the way out."""
    by_port: dict[int, list[Data]] = {}
    for host in mesh.kubernetes.intercepted():
        by_port.setdefault(host.port, []).append(intercepted.virtual_host(host))
    return [Place("SIDECAR_OUTBOUND", {"portNumber": port}, {}, tuple(hosts)) for port, hosts in by_port.items()]


def inbound_place(mesh: Mesh) -> Place:
    """The filter chains for the port that the application's container listens on, with mutual TLS and without.

    istiod matches chains by this port, and names their routes by it; the virtual host has the Service's, which may be another.
    """
    port = mesh.kubernetes.workload.port
    return Place(
        "SIDECAR_INBOUND", {"name": "virtualInbound"}, {"destinationPort": port}, ({"name": f"inbound|{port}||"},)
    )


def outbound(mesh: Mesh) -> Data:
    """EnvoyFilter for the calls out of the pod. VirtualServices do the routing."""
    places = outbound_places(mesh)
    target = mesh.kubernetes.workload
    config = [
        patches.processor_patch(mesh, places[0]),
        *traffic.own_clusters(mesh, places[0]),
        *(entry for place in places for entry in (*patches.plug(mesh, place), *traffic.route_patches(mesh, place))),
    ]
    return patches.envoy_filter("intentmesh-outbound", target.namespace, target.labels, config)


def inbound(mesh: Mesh) -> Data:
    """EnvoyFilter for the calls into the pod, where no VirtualService routes: it brings routes and clusters."""
    place = inbound_place(mesh)
    target = mesh.kubernetes.workload
    own = [patches.add_cluster(place.context, cluster) for cluster in clusters.model_clusters(mesh, credentials=False)]
    config = [patches.processor_patch(mesh, place), *own, *_inbound_routes(mesh, place), *patches.plug(mesh, place)]
    return patches.envoy_filter("intentmesh-inbound", target.namespace, target.labels, config)


def _inbound_routes(mesh: Mesh, place: Place) -> list[Data]:
    # Each is put first, so that the last of them stands first in the end.
    decided: list[Route] = list(reversed(routes.decided(mesh, original=True)))
    return [
        patch("HTTP_ROUTE", place, {"routeConfiguration": on}, "INSERT_FIRST", route)
        for on in place.routes
        for route in decided
    ]


def _file(path: str, documents: list[Data], purpose: str) -> File:
    return File(path, to_yaml(documents, NOTES, f"{HEAD}\n{purpose}\n"))
