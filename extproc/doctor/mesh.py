"""Rules on EnvoyFilters: what istiod takes, and what it takes amiss."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extproc.doctor.rule import Trouble, rule
from extproc.doctor.source import is_message, items, part

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extproc.doctor.source import Patch, Subject

HTTP = {"http", "http2", "grpc", "kubernetes.io/h2c"}
"""Protocols of a Service's port in which Istio reads requests."""


def _is_ours(patch: Patch) -> bool:
    """Whether a patch puts an ext_proc filter in."""
    return patch.apply_to == "HTTP_FILTER" and is_message(patch.value.get("typed_config"), "ExternalProcessor")


@rule("context-any", "error", "Name the context: SIDECAR_INBOUND, SIDECAR_OUTBOUND or GATEWAY.")
def _context(subject: Subject) -> Iterator[Trouble]:
    for patch in subject.patches:
        if _is_ours(patch) and patch.context == "ANY":
            yield patch.path, "the filter goes into every listener, both ways through: requests are processed twice"


@rule("insert-first", "error", "Use INSERT_BEFORE with subFilter envoy.filters.http.router.")
def _first(subject: Subject) -> Iterator[Trouble]:
    for patch in subject.patches:
        if _is_ours(patch) and patch.operation in ("INSERT_FIRST", "ADD"):
            where = (
                "before authentication and authorization" if patch.operation == "INSERT_FIRST" else "behind the router"
            )
            yield patch.path, f"{patch.operation} puts the filter {where}"


@rule("filter-class", "error", "Use `operation: ADD` with filterClass, or INSERT_BEFORE without it.")
def _filter_class(subject: Subject) -> Iterator[Trouble]:
    for patch in subject.patches:
        if patch.filter_class not in ("", "UNSPECIFIED") and patch.operation != "ADD":
            yield patch.path, "filterClass counts with `operation: ADD` only"


@rule("inbound-port", "warning", "Match filterChain.destinationPort instead.")
def _inbound(subject: Subject) -> Iterator[Trouble]:
    for patch in subject.patches:
        if patch.context == "SIDECAR_INBOUND" and "port_number" in part(patch.match, "listener"):
            yield (
                patch.path,
                "all inbound traffic has one listener, virtualInbound: portNumber does not find it reliably",
            )


@rule("router-match", "error", "Match filter envoy.filters.network.http_connection_manager and subFilter …http.router.")
def _router(subject: Subject) -> Iterator[Trouble]:
    for patch in subject.patches:
        if not _is_ours(patch) or patch.operation not in ("INSERT_BEFORE", "INSERT_AFTER"):
            continue
        router = part(patch.match, "listener", "filter_chain", "filter", "sub_filter")
        sub_filter = str(router.get("name", ""))
        if not sub_filter:
            yield patch.path, f"{patch.operation} without a subFilter puts the filter first or last, as istiod pleases"
        elif patch.operation == "INSERT_AFTER" and sub_filter.endswith("router"):
            yield patch.path, "behind the router no filter runs"


@rule("inbound-host", "error", "Match routeConfiguration.name inbound|PORT||, with the container's port.")
def _inbound_host(subject: Subject) -> Iterator[Trouble]:
    for patch in subject.patches:
        name = str(part(patch.match, "route_configuration", "vhost").get("name", ""))
        if patch.context == "SIDECAR_INBOUND" and name.startswith("inbound|"):
            yield (
                patch.path,
                (
                    f"{name} has the port of the Service, the filter chain that of the container: where they differ, the patch "
                    "matches nothing, and istiod does not say so"
                ),
            )


@rule("socket-mount", "error", "Mount the socket's folder into istio-proxy, as `render istio-sidecar` does.")
def _mount(subject: Subject) -> Iterator[Trouble]:
    for workload in subject.workloads:
        containers = {
            str(c.get("name")): c for key in ("init_containers", "containers") for c in items(workload.spec, key)
        }
        ours, proxy = containers.get("intentmesh"), containers.get("istio-proxy")
        if ours is None or proxy is None:
            continue
        folders = [{str(m.get("mount_path")) for m in items(c, "volume_mounts")} for c in (ours, proxy)]
        shared = {f for f in folders[0] & folders[1] if "intentmesh" in f}
        if not shared:
            yield workload.path, "istio-proxy has no folder in common with the processor: it finds no socket there"


@rule("inbound-routing", "warning", "Patch HTTP_ROUTE into the routes inbound|PORT||, as `render istio-sidecar` does.")
def _inbound_routing(subject: Subject) -> Iterator[Trouble]:
    inbound = [p for p in subject.patches if p.context == "SIDECAR_INBOUND"]
    ours = [p for p in inbound if _is_ours(p)]
    if ours and not any(p.apply_to in ("HTTP_ROUTE", "VIRTUAL_HOST") and "route" in str(p.value) for p in inbound):
        yield ours[0].path, "no VirtualService routes what comes into a sidecar: decisions have no effect there"


@rule("service-protocol", "error", "Name the port http-…, or set appProtocol: http.")
def _protocol(subject: Subject) -> Iterator[Trouble]:
    """Istio gives bytes, not HTTP, to a port whose Service says another protocol; and guesses where it says none."""
    inbound = {
        str(part(p.match, "listener", "filter_chain").get("destination_port", ""))
        for p in subject.patches
        if _is_ours(p)
    }
    for path, service in subject.services:
        for i, port in enumerate(items(part(service, "spec"), "ports")):
            if str(port.get("target_port", port.get("port"))) not in inbound - {""}:
                continue
            protocol = str(port.get("app_protocol") or str(port.get("name", "")).partition("-")[0]).lower()
            if protocol in HTTP:
                continue
            what = f"says {protocol}" if protocol else "says nothing of its protocol"
            yield (*path, "spec", "ports", i), f"this port is read, and its Service {what}: Istio may see no HTTP there"
