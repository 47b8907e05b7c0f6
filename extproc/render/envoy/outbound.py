"""Calls that applications of this machine make: a proxy for what can be told of one, and connections that the kernel hands over.

Both read the calls in the clear that `mesh.yaml` names, and pass on all others as they are.
"""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from importlib.resources import files
from typing import TYPE_CHECKING

from envoy_data_plane.envoy.config.cluster.v3 import (
    Cluster,
    ClusterCustomClusterType,
    ClusterDiscoveryType,
    ClusterDnsLookupFamily,
    ClusterLbPolicy,
)
from envoy_data_plane.envoy.config.core.v3 import Address, SocketAddress
from envoy_data_plane.envoy.config.listener.v3 import (
    AdditionalAddress,
    Filter,
    FilterChain,
    FilterChainMatch,
    Listener,
    ListenerFilter,
)
from envoy_data_plane.envoy.config.route.v3 import (
    HeaderMatcher,
    RouteAction,
    RouteActionUpgradeConfig,
    RouteActionUpgradeConfigConnectConfig,
    RouteMatch,
    RouteMatchConnectMatcher,
    VirtualHost,
)
from envoy_data_plane.envoy.extensions.clusters.dynamic_forward_proxy.v3 import ClusterConfig
from envoy_data_plane.envoy.extensions.common.dynamic_forward_proxy.v3 import DnsCacheConfig
from envoy_data_plane.envoy.extensions.filters.http.dynamic_forward_proxy.v3 import FilterConfig
from envoy_data_plane.envoy.extensions.filters.http.router.v3 import Router
from envoy_data_plane.envoy.extensions.filters.listener.original_dst.v3 import OriginalDst
from envoy_data_plane.envoy.extensions.filters.listener.tls_inspector.v3 import TlsInspector
from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager.v3 import (
    HttpConnectionManagerServerHeaderTransformation,
    HttpConnectionManagerUpgradeConfig,
    HttpFilter,
)
from envoy_data_plane.envoy.extensions.filters.network.tcp_proxy.v3 import TcpProxy
from envoy_data_plane.envoy.type.matcher.v3 import RegexMatcher, StringMatcher

from extproc.config.hosts import HTTP_PORT, TLS_PORT
from extproc.render.document import File, Note
from extproc.render.envoy import listener, routes, tls
from extproc.render.envoy.clusters import plain_cluster
from extproc.render.envoy.extension import packed, socket_address

if TYPE_CHECKING:
    from extproc.config import Mesh
    from extproc.config.hosts import InterceptedHost, Outbound, Transparent

PROXY = "proxy"
TRANSPARENT = "transparent"
CALLED = "called"
"""Cluster of whichever host a caller of the proxy names."""
ORIGINAL = "original"
"""Cluster of wherever a connection was going."""
NOWHERE = "nowhere"
ODD_PORT = ".*:(0[0-9]*)?"
"""`host:08000` and `host:` are called as `host:8000` and `host:80` are, and match no virtual host of theirs."""
LOOPBACK = ("127.0.0.1", "::1")

NOTES = (
    Note(
        "connect_matcher",
        "A tunnel, which nobody can read: to port 443 only, and to no host whose calls are to be read.",
    ),
    Note("server_names", "envoy.outbound.encrypted: what one of the hosts gets encrypted cannot be read, and is cut."),
    Note("listener_filters", "Where the connection was going; TLS, or HTTP in the clear."),
)


def listeners(mesh: Mesh) -> list[Listener]:
    """The listeners for applications of this machine."""
    outbound = mesh.envoy.outbound
    if outbound is None:
        return []
    rendered = []
    if outbound.proxy is not None:
        rendered.append(_proxy(mesh, outbound, outbound.proxy))
    if outbound.transparent is not None:
        rendered.append(_transparent(mesh, outbound, outbound.transparent))
    return rendered


def clusters(mesh: Mesh) -> list[Cluster]:
    """What the listeners send on to: hosts as they are named, as they were called, and those with an upstream of their own."""
    outbound = mesh.envoy.outbound
    if outbound is None:
        return []
    made = [_upstream_cluster(host) for host in outbound.hosts if host.upstream]
    if outbound.proxy is not None:
        config = packed(ClusterConfig(dns_cache_config=_dns_cache()))
        kind = ClusterCustomClusterType(name="envoy.clusters.dynamic_forward_proxy", typed_config=config)
        made.append(Cluster(name=CALLED, lb_policy=ClusterLbPolicy.CLUSTER_PROVIDED, cluster_type=kind))
    if outbound.transparent is not None:
        kind = ClusterDiscoveryType.ORIGINAL_DST
        made.append(Cluster(name=ORIGINAL, type=kind, lb_policy=ClusterLbPolicy.CLUSTER_PROVIDED))
        if _cut(outbound):
            made.append(Cluster(name=NOWHERE, type=ClusterDiscoveryType.STATIC))
    return made


def _proxy(mesh: Mesh, outbound: Outbound, address: str) -> Listener:
    resolves = HttpFilter(
        name="envoy.filters.http.dynamic_forward_proxy",
        typed_config=packed(FilterConfig(dns_cache_config=_dns_cache())),
    )
    tunnel = RouteAction(
        cluster=CALLED,
        upgrade_configs=[
            RouteActionUpgradeConfig(upgrade_type="CONNECT", connect_config=RouteActionUpgradeConfigConnectConfig())
        ],
    )
    connect = RouteMatch(connect_matcher=RouteMatchConnectMatcher())
    port = StringMatcher(safe_regex=RegexMatcher(regex=f".*:{TLS_PORT}"))
    encrypted = dataclasses.replace(connect, headers=[HeaderMatcher(name=":authority", string_match=port)])
    message = f"A tunnel is opened to port {TLS_PORT} only: send what is not encrypted without one."
    tunnels = [
        routes.passed("tunnel", encrypted, tunnel),
        routes.refused("tunnel refused", connect, 403, message, "tunnel"),
    ]
    hosts = _hosts(mesh, outbound, RouteAction(cluster=CALLED))
    hosts[-1].routes = [*tunnels, *hosts[-1].routes]
    if cut := _cut(outbound):
        message = "What this host gets is read on the way: call it by http://, and encryption begins behind this proxy."
        refusal = routes.refused("encrypted", connect, 403, message, "encrypted")
        domains = [f"{name}:{TLS_PORT}" for name in cut]
        hosts.insert(0, VirtualHost(name="encrypted", domains=domains, routes=[refusal]))
    return Listener(
        name=PROXY,
        address=socket_address(address),
        filter_chains=[FilterChain(filters=[_http(mesh, PROXY, hosts, resolves)])],
    )


def _transparent(mesh: Mesh, outbound: Outbound, settings: Transparent) -> Listener:
    hosts = _hosts(mesh, outbound, RouteAction(cluster=ORIGINAL))
    chains = [FilterChain(filter_chain_match=FilterChainMatch(transport_protocol="tls"), filters=[_bytes(ORIGINAL)])]
    if cut := _cut(outbound):
        match = FilterChainMatch(transport_protocol="tls", server_names=cut)
        chains.insert(0, FilterChain(filter_chain_match=match, filters=[_bytes(NOWHERE)]))
    address, *more = (
        Address(socket_address=SocketAddress(address=ip, port_value=settings.port))
        for ip in (LOOPBACK if settings.ipv6 else LOOPBACK[:1])
    )
    return Listener(
        name=TRANSPARENT,
        address=address,
        additional_addresses=[AdditionalAddress(address=each) for each in more],
        listener_filters=[
            ListenerFilter(name="envoy.filters.listener.original_dst", typed_config=packed(OriginalDst())),
            ListenerFilter(name="envoy.filters.listener.tls_inspector", typed_config=packed(TlsInspector())),
        ],
        filter_chains=chains,
        default_filter_chain=FilterChain(filters=[_http(mesh, TRANSPARENT, hosts)]),
    )


def _hosts(mesh: Mesh, outbound: Outbound, onward: RouteAction) -> list[VirtualHost]:
    """A virtual host for each host that is named; the last one is for all others."""
    onward = dataclasses.replace(onward, timeout=timedelta())
    if not outbound.hosts:
        return [routes.virtual_host(mesh, "all", onward=onward)]
    odd = StringMatcher(safe_regex=RegexMatcher(regex=ODD_PORT))
    match = RouteMatch(prefix="/", headers=[HeaderMatcher(name=":authority", string_match=odd)])
    disguised = routes.refused(
        "disguised port", match, 400, "Write the port as a number without zeros before it.", "host"
    )
    rest = routes.passed("rest", RouteMatch(prefix="/"), onward)
    return [
        *(_host(mesh, outbound, host, onward) for host in outbound.hosts),
        VirtualHost(name="others", domains=["*"], routes=[disguised, rest]),
    ]


def _host(mesh: Mesh, outbound: Outbound, host: InterceptedHost, onward: RouteAction) -> VirtualHost:
    domains = [f"{host.host}:{host.port}"]
    same = [other for other in outbound.hosts if other.host.lower() == host.host.lower()]
    if host.port == HTTP_PORT or len(same) == 1:
        domains.append(host.host)  # the port that HTTP leaves out, or that some client does
    if host.upstream is not None:
        onward = RouteAction(cluster=_name(host), host_rewrite_literal=host.host, timeout=timedelta())
    return routes.virtual_host(mesh, _name(host), domains, onward)


def _upstream_cluster(host: InterceptedHost) -> Cluster:
    assert host.upstream is not None
    cluster = plain_cluster(_name(host), f"{host.host}:{host.upstream.port}")
    if cluster.type is ClusterDiscoveryType.STRICT_DNS:
        cluster.type = ClusterDiscoveryType.LOGICAL_DNS  # of many addresses the first that answers, IPv6 or not
        cluster.dns_lookup_family = ClusterDnsLookupFamily.ALL
    if host.upstream.tls:
        cluster.transport_socket = tls.verified(host.host)
    return cluster


def _name(host: InterceptedHost) -> str:
    return f"{host.host}:{host.port}"


def _cut(outbound: Outbound) -> list[str]:
    """Names of the hosts that nobody is to call encrypted."""
    if outbound.encrypted == "pass":
        return []
    return sorted({host.host.lower() for host in outbound.hosts})


def _http(mesh: Mesh, name: str, hosts: list[VirtualHost], *last: HttpFilter) -> Filter:
    """HTTP that leaves no trace of this proxy with hosts that know of none."""
    manager = listener.connection_manager(mesh, name, hosts, last)
    manager.skip_xff_append = True
    manager.strip_trailing_host_dot = True  # `host.` is the same host
    manager.server_header_transformation = HttpConnectionManagerServerHeaderTransformation.PASS_THROUGH
    manager.upgrade_configs.append(HttpConnectionManagerUpgradeConfig(upgrade_type="CONNECT"))
    manager.http_filters[-1].typed_config = packed(Router(suppress_envoy_headers=True))
    return Filter(name="envoy.filters.network.http_connection_manager", typed_config=packed(manager))


def _bytes(cluster: str) -> Filter:
    proxy = TcpProxy(stat_prefix=f"{TRANSPARENT} {cluster}", cluster=cluster)
    return Filter(name="envoy.filters.network.tcp_proxy", typed_config=packed(proxy))


def _dns_cache() -> DnsCacheConfig:
    return DnsCacheConfig(name=PROXY, dns_lookup_family=ClusterDnsLookupFamily.ALL)


def scripts(mesh: Mesh) -> list[File]:
    """What hands connections over to the transparent listener, and takes that back."""
    outbound = mesh.envoy.outbound
    if outbound is None or outbound.transparent is None:
        return []
    settings = outbound.transparent
    values = {
        "user": settings.user,
        "port": str(settings.port),
        "ports": ",".join(map(str, [*outbound.ports(), *([TLS_PORT] if _cut(outbound) else [])])),
        "ipv6": "yes" if settings.ipv6 else "no",
    }
    text = files(__package__).joinpath("capture.sh").read_text(encoding="utf-8")
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return [File("capture.sh", text)]
