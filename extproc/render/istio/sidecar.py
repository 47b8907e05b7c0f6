"""The target `istio-sidecar`: an application's pod, its calls to models and the calls to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from extproc.render.document import File, Note, to_yaml
from extproc.render.envoy import clusters, routes
from extproc.render.istio import patches, traffic, workload
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
    places = traffic.destinations(mesh)
    kinds = [entry for place, _ in places if (entry := traffic.service_entry(mesh, place))]
    rules = [traffic.destination_rule(mesh, place, model) for place, model in places]
    return [
        kustomize.resources_file(HEAD, ["config.yaml", "outbound.yaml", "models.yaml", "inbound.yaml"]),
        _file("config.yaml", [workload.config_map(mesh, space)], "The processor's configuration."),
        _file(
            "deployment-patch.yaml",
            [workload.deployment_patch(mesh, name, space, with_models=True)],
            f"kubectl -n {space} patch deployment {name} --patch-file deployment-patch.yaml",
        ),
        _file(
            "outbound.yaml",
            [outbound(mesh)],
            "Calls of the application to the model host are intercepted." + traffic.without_credentials(mesh),
        ),
        _file(
            "models.yaml",
            [*kinds, *rules, traffic.virtual_service(mesh, space, ["mesh"])],
            "For outbound.yaml: where the models are, how they are treated, who gets which request.",
        ),
        _file(
            "inbound.yaml",
            [inbound(mesh)],
            "Calls to the application are routed to the models beside it." + traffic.without_credentials(mesh),
        ),
    ]


def outbound_place(mesh: Mesh) -> Place:
    """The listener for the model host's port, on the way out."""
    settings = mesh.kubernetes
    return Place("SIDECAR_OUTBOUND", {"portNumber": settings.port}, {}, virtual_host=f"{settings.host}:{settings.port}")


def inbound_place(mesh: Mesh) -> Place:
    """The filter chains for the application's port, on the way in: with mutual TLS and without."""
    port = mesh.kubernetes.workload.port
    return Place("SIDECAR_INBOUND", {"name": "virtualInbound"}, {"destinationPort": port}, f"inbound|http|{port}")


def outbound(mesh: Mesh) -> Data:
    """EnvoyFilter for the calls out of the pod. VirtualServices do the routing."""
    place = outbound_place(mesh)
    target = mesh.kubernetes.workload
    config = [*patches.plug(mesh, place), *traffic.route_patches(mesh, place)]
    return patches.envoy_filter("intentmesh-outbound", target.namespace, target.labels, config)


def inbound(mesh: Mesh) -> Data:
    """EnvoyFilter for the calls into the pod, where no VirtualService routes: it brings routes and clusters."""
    place = inbound_place(mesh)
    target = mesh.kubernetes.workload
    own = [patches.add_cluster(place.context, cluster) for cluster in clusters.model_clusters(mesh, credentials=False)]
    config = [*patches.plug(mesh, place), *own, *_inbound_routes(mesh, place)]
    return patches.envoy_filter("intentmesh-inbound", target.namespace, target.labels, config)


def _inbound_routes(mesh: Mesh, place: Place) -> list[Data]:
    match = {"routeConfiguration": {"vhost": {"name": place.virtual_host}}}
    # Each is put first, so that the last of them stands first in the end.
    decided: list[Route] = list(reversed(routes.decided(mesh)))
    return [patch("HTTP_ROUTE", place, match, "INSERT_FIRST", route) for route in decided]


def _file(path: str, documents: list[Data], purpose: str) -> File:
    return File(path, to_yaml(documents, NOTES, f"{HEAD}\n{purpose}\n"))
