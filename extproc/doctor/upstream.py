"""Rules on the processor's cluster: how Envoy reaches it, and how it learns that it is well."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extproc.doctor.rule import Trouble, rule
from extproc.doctor.source import items, part

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extproc.doctor.source import Data, ExtProc, Path, Subject

OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
LONGEST_SOCKET_PATH = 107
"""Bytes that Linux takes for the path of a Unix socket."""


def cluster_name(ext_proc: ExtProc) -> str:
    """The cluster of the filter's processor."""
    return str(part(ext_proc.config, "grpc_service", "envoy_grpc").get("cluster_name", ""))


def processor_clusters(subject: Subject) -> Iterator[tuple[Path, Data]]:
    """The clusters of all processors, as far as they are in the file."""
    for name in dict.fromkeys(cluster_name(ext_proc) for ext_proc in subject.filters):
        if name in subject.clusters:
            yield subject.clusters[name]


def addresses(cluster: Data) -> Iterator[Data]:
    """The addresses of a cluster's endpoints."""
    for group in items(part(cluster, "load_assignment"), "endpoints"):
        for end in items(group, "lb_endpoints"):
            if address := part(end, "endpoint", "address"):
                yield address


@rule("processor-cluster", "error", "Add the cluster: see envoy/snippets/clusters.yaml.")
def _missing(subject: Subject) -> Iterator[Trouble]:
    if not subject.clusters:
        return
    for ext_proc in subject.filters:
        name = cluster_name(ext_proc)
        if name and name not in subject.clusters:
            yield (
                (*ext_proc.path, "grpc_service"),
                f"there is no cluster `{name}`: Envoy does not start, or every request fails",
            )


@rule("http2", "error", "Set explicit_http_config.http2_protocol_options in the cluster's HttpProtocolOptions.")
def _http2(subject: Subject) -> Iterator[Trouble]:
    for path, cluster in processor_clusters(subject):
        explicit = part(cluster, "typed_extension_protocol_options", OPTIONS, "explicit_http_config")
        if "http2_protocol_options" not in explicit and "http2_protocol_options" not in cluster:
            yield path, "the processor's cluster does not speak HTTP/2, and gRPC is HTTP/2"


@rule("grpc-health-check", "warning", "Add health_checks with grpc_health_check: {}.")
def _health(subject: Subject) -> Iterator[Trouble]:
    for path, cluster in processor_clusters(subject):
        if not any("grpc_health_check" in check for check in items(cluster, "health_checks")):
            yield path, "without a gRPC health check, requests go to a worker that is starting, draining or gone"


@rule("no-traffic-interval", "info", "Set no_traffic_interval to the interval.")
def _no_traffic(subject: Subject) -> Iterator[Trouble]:
    for path, cluster in processor_clusters(subject):
        for i, check in enumerate(items(cluster, "health_checks")):
            if "no_traffic_interval" not in check:
                yield (
                    (*path, "health_checks", i),
                    "before its first request a cluster is checked once a minute only: a late processor is found late",
                )


@rule("socket-path", "error", "Choose a shorter path, as /var/run/intentmesh/extproc.sock.")
def _socket(subject: Subject) -> Iterator[Trouble]:
    for path, cluster in processor_clusters(subject):
        for address in addresses(cluster):
            where = str(part(address, "pipe").get("path", ""))
            if len(where.encode()) > LONGEST_SOCKET_PATH:
                yield path, f"the socket's path has {len(where.encode())} bytes; {LONGEST_SOCKET_PATH} are possible"


@rule("plain-network", "warning", "Use a Unix socket in the pod, or give the cluster a TLS transport_socket.")
def _plain(subject: Subject) -> Iterator[Trouble]:
    for path, cluster in processor_clusters(subject):
        if cluster.get("transport_socket"):
            continue
        for address in addresses(cluster):
            host = str(part(address, "socket_address").get("address", "127.0.0.1"))
            if host not in ("127.0.0.1", "::1", "localhost"):
                yield (
                    path,
                    f"whole bodies go to {host} unencrypted; a cluster from an EnvoyFilter gets none of Istio's mutual TLS",
                )
