"""EnvoyFilters: what istiod is told to change in the Envoys that it configures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from envoy_data_plane.envoy.config.core.v3 import DataSource
from envoy_data_plane.envoy.config.listener.v3 import Filter, Listener
from envoy_data_plane.envoy.config.route.v3 import DirectResponseAction, Route, RouteMatch, VirtualHost
from envoy_data_plane.envoy.extensions.filters.http.ext_proc.v3 import ExtProcOverrides, ExtProcPerRoute
from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager.v3 import HttpConnectionManager

from extproc.render.document import Note, plain
from extproc.render.envoy import clusters, processor
from extproc.render.envoy.extension import packed
from extproc.render.envoy.processor import FILTER_NAME

if TYPE_CHECKING:
    import betterproto2

    from extproc.config import Mesh

Data = dict[str, Any]
Context = Literal["SIDECAR_INBOUND", "SIDECAR_OUTBOUND", "GATEWAY"]

HCM = "envoy.filters.network.http_connection_manager"
ROUTER = "envoy.filters.http.router"
BUFFER_MARGIN = 2**20
"""Bytes beyond the largest body: Envoy's own buffer must not refuse what the processor takes."""
SIGN = "/.well-known/intentmesh"
"""Answered by the proxy itself where the filter is on."""

NOTES = (
    *processor.NOTES,
    processor.EARLY_NOTE,
    *clusters.NOTES,
    Note(
        "value.disabled",
        "Off, but for the virtual host that is patched below: all other traffic of this listener passes as before.",
    ),
    Note(
        "value.per_connection_buffer_limit_bytes", "limits.max_body_bytes and a margin; Istio's 1 MiB would answer 413."
    ),
)


@dataclass(frozen=True, slots=True)
class Place:
    """The listener and the virtual hosts that are patched."""

    context: Context
    listener: Data
    """Which listener, as `match.listener` names it."""
    filter_chain: Data
    """Which of its filter chains; empty: all."""
    routes: tuple[Data, ...]
    """Which virtual hosts, as `match.routeConfiguration` names each."""

    @property
    def cluster(self) -> str:
        """Name of the processor's cluster."""
        return self.own(processor.PROCESSOR_CLUSTER)

    def own(self, cluster: str) -> str:
        """A cluster's name in this direction: both may be patched into one proxy, and no name may be there twice."""
        return f"{cluster}|{self.context.rpartition('_')[2].lower()}"

    def in_chain(self, *, before_router: bool) -> Data:
        """Match for the connection manager, or for the router in it."""
        chain: Data = {"name": HCM}
        if before_router:
            chain["subFilter"] = {"name": ROUTER}
        return {"listener": {**self.listener, "filterChain": {**self.filter_chain, "filter": chain}}}


def plug(mesh: Mesh, place: Place) -> list[Data]:
    """The patches that put the filter into a listener, for some virtual hosts of it."""
    size = mesh.limits.max_body_bytes + BUFFER_MARGIN
    manager = HttpConnectionManager(early_header_mutation_extensions=[processor.early_header_mutation(by_prefix=False)])
    http_filter = processor.http_filter(mesh, place.cluster)
    http_filter.disabled = True
    enabled = VirtualHost(typed_per_filter_config={FILTER_NAME: packed(ExtProcPerRoute(overrides=ExtProcOverrides()))})
    return [
        patch(
            "LISTENER", place, {"listener": place.listener}, "MERGE", Listener(per_connection_buffer_limit_bytes=size)
        ),
        patch(
            "NETWORK_FILTER",
            place,
            place.in_chain(before_router=False),
            "MERGE",
            Filter(name=HCM, typed_config=packed(manager)),
        ),
        patch("HTTP_FILTER", place, place.in_chain(before_router=True), "INSERT_BEFORE", http_filter),
        *(patch("VIRTUAL_HOST", place, {"routeConfiguration": on}, "MERGE", enabled) for on in place.routes),
        *(patch("HTTP_ROUTE", place, {"routeConfiguration": on}, "INSERT_FIRST", _sign()) for on in place.routes),
    ]


def processor_patch(mesh: Mesh, place: Place) -> Data:
    """The patch that brings the processor's cluster."""
    return add_cluster(place.context, clusters.processor_cluster(mesh, place.cluster))


def _sign() -> Route:
    """A route that only answers where these patches have reached the virtual host: istiod is silent where they match nothing."""
    answer = DirectResponseAction(status=200, body=DataSource(inline_string='{"intentmesh": "on"}'))
    return Route(name="intentmesh", match=RouteMatch(path=SIGN), direct_response=answer)


def patch(kind: str, place: Place, match: Data, operation: str, value: betterproto2.Message) -> Data:
    """One entry of `configPatches`."""
    return {
        "applyTo": kind,
        "match": {"context": place.context, **match},
        "patch": {"operation": operation, "value": plain(value)},
    }


def add_cluster(context: Context, cluster: betterproto2.Message) -> Data:
    """A cluster of our own, beside Istio's."""
    return {
        "applyTo": "CLUSTER",
        "match": {"context": context},
        "patch": {"operation": "ADD", "value": plain(cluster)},
    }


PRIORITY = 10
"""After the patches of those who name none: what ours are placed beside has to be there."""


def envoy_filter(name: str, namespace: str, labels: dict[str, str], config_patches: list[Data]) -> Data:
    """The object that carries patches to the pods with these labels; without any, to all of the namespace (of the mesh, in
    Istio's root namespace).
    """
    return {
        "apiVersion": "networking.istio.io/v1alpha3",
        "kind": "EnvoyFilter",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            **({"workloadSelector": {"labels": labels}} if labels else {}),
            "priority": PRIORITY,
            "configPatches": config_patches,
        },
    }
