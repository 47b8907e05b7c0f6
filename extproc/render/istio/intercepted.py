"""The hosts that applications call: who gets their requests, and how what no model takes goes on to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from extproc.errors import ConfigError
from extproc.render.envoy.tls import SYSTEM_CA_FILE
from extproc.render.istio import traffic
from extproc.render.istio.destinations import dns_name, service_host

if TYPE_CHECKING:
    from collections.abc import Sequence

    from extproc.config import Mesh
    from extproc.config.hosts import InterceptedHost

Data = dict[str, Any]


def name_of(host: InterceptedHost) -> str:
    """The host as Istio knows it: a Service by its full name."""
    return service_host(host.host) or host.host


def virtual_host(host: InterceptedHost, port: int | None = None) -> Data:
    """The virtual host of a host, as a patch matches it; at a gateway it has the port of the gateway's server."""
    return {"vhost": {"name": f"{name_of(host)}:{port or host.port}"}}


def virtual_services(mesh: Mesh, namespace: str, gateways: list[str]) -> list[Data]:
    """One for each host name: of several, Istio would heed the first."""
    by_name: dict[str, list[InterceptedHost]] = {}
    for host in mesh.kubernetes.intercepted():
        by_name.setdefault(name_of(host), []).append(host)
    own = mesh.kubernetes.model_host()
    services = []
    for name, hosts in by_name.items():
        label = "intentmesh-models" if own in hosts else f"intentmesh-{dns_name(name)}"
        rest = [] if own in hosts else _onward(hosts, in_mesh=gateways == ["mesh"])
        services.append(traffic.virtual_service(mesh, label, name, namespace, gateways, rest))
    return services


def _onward(hosts: Sequence[InterceptedHost], *, in_mesh: bool) -> list[Data]:
    """Where requests go on which nothing was decided: to the host that was called."""
    return [
        {
            **({"match": [{"port": host.port}]} if len(hosts) > 1 and in_mesh else {}),
            "route": [{"destination": {"host": name_of(host), "port": {"number": host.port}}}],
            "retries": {"attempts": 0},
        }
        for host in hosts
    ]


def upstreams(mesh: Mesh, namespace: str) -> list[Data]:
    """What makes hosts beyond the cluster known to Istio, with TLS that begins at the proxy."""
    clusters = []
    for host in mesh.kubernetes.intercepted():
        name = name_of(host)
        if host == mesh.kubernetes.model_host() or (service_host(name) and host.upstream is None):
            continue
        wildcard = name.startswith("*.")
        if wildcard and host.upstream:
            raise ConfigError(
                f"kubernetes.intercept: {name}: a name with a wildcard has no address of its own; leave `upstream` out, or name "
                "the hosts one by one"
            )
        port: Data = {"number": host.port, "name": "http", "protocol": "HTTP"}
        if host.upstream and host.upstream.port != host.port:
            port["targetPort"] = host.upstream.port
        label = {"name": f"intentmesh-{dns_name(name)}", "namespace": namespace}
        if not service_host(name):
            clusters.append(
                {
                    "apiVersion": "networking.istio.io/v1",
                    "kind": "ServiceEntry",
                    "metadata": label,
                    "spec": {
                        "hosts": [name],
                        "location": "MESH_EXTERNAL",
                        "resolution": "NONE" if wildcard else "DNS",
                        "ports": [port],
                        "exportTo": ["."],
                    },
                }
            )
        if host.upstream and host.upstream.tls:
            tls = {"mode": "SIMPLE", "sni": name, "subjectAltNames": [name], "caCertificates": SYSTEM_CA_FILE}
            clusters.append(
                {
                    "apiVersion": "networking.istio.io/v1",
                    "kind": "DestinationRule",
                    "metadata": label,
                    "spec": {
                        "host": name,
                        "trafficPolicy": {"portLevelSettings": [{"port": {"number": host.port}, "tls": tls}]},
                        "exportTo": ["."],
                    },
                }
            )
    return clusters
