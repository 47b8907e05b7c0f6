"""The listener: where callers connect, what is done to their headers, and the line in the access log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envoy_data_plane.envoy.config.accesslog.v3 import AccessLog
from envoy_data_plane.envoy.config.core.v3 import HttpProtocolOptions, SubstitutionFormatString, TrafficDirection
from envoy_data_plane.envoy.config.listener.v3 import Filter, FilterChain, Listener
from envoy_data_plane.envoy.config.route.v3 import Route, RouteAction, RouteConfiguration, RouteMatch, VirtualHost
from envoy_data_plane.envoy.extensions.access_loggers.stream.v3 import StdoutAccessLog
from envoy_data_plane.envoy.extensions.filters.http.router.v3 import Router
from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager.v3 import (
    HttpConnectionManager,
    HttpConnectionManagerUpgradeConfig,
    HttpFilter,
)
from envoy_data_plane.google.protobuf import Struct, Value

from extproc.config.wire_names import METADATA_NAMESPACE
from extproc.render.document import Note
from extproc.render.envoy import identity, tls, token_limit, usage
from extproc.render.envoy.extension import packed, seconds, socket_address
from extproc.render.envoy.local_replies import local_replies
from extproc.render.envoy.processor import early_header_mutation, http_filter
from extproc.render.envoy.routes import virtual_host
from extproc.render.envoy.tracing import tracing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from extproc.config import Mesh

LISTENER = "intentmesh"
ADMIN_CLUSTER = "admin"
ACCESS_LOG = {
    "start": "%START_TIME%",
    "method": "%REQ(:METHOD)%",
    "path": "%PATH(NQ)%",
    "status": "%RESPONSE_CODE%",
    "flags": "%RESPONSE_FLAGS%",
    "details": "%RESPONSE_CODE_DETAILS%",
    "duration_ms": "%DURATION%",
    "bytes_in": "%BYTES_RECEIVED%",
    "bytes_out": "%BYTES_SENT%",
    "request_id": "%REQ(X-REQUEST-ID)%",
    "trace_id": "%TRACE_ID%",
    "route": "%ROUTE_NAME%",
    "cluster": "%UPSTREAM_CLUSTER_RAW%",
    "upstream": "%UPSTREAM_HOST%",
    "attempts": "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
    "intentmesh": f"%DYNAMIC_METADATA({METADATA_NAMESPACE})%",
}
"""Key -> Envoy's command. The path is written without its query, in which personal data may stand."""

NOTES = (
    Note("access_log", "One JSON line a request: what the processor decided stands under `intentmesh`. Never text."),
    Note("normalize_path", "`/x/../v1/` is `/v1/` to an upstream; so it is to the filter."),
    Note("stream_idle_timeout", "envoy.idle_timeout_s: how long a stream may stand still, not how long it may last."),
    Note(
        "request_headers_timeout",
        "envoy.headers_timeout_s, and envoy.request_timeout_s for all of a request: who sends byte by byte holds no "
        "stream for ever.",
    ),
    Note("upgrade_configs", "WebSockets pass untouched."),
)


def connection_manager(
    mesh: Mesh, name: str = "intentmesh", hosts: Sequence[VirtualHost] = (), last: Sequence[HttpFilter] = ()
) -> HttpConnectionManager:
    """HTTP as this Envoy serves it; `last` are filters just before the router."""
    return HttpConnectionManager(
        stat_prefix=name,
        access_log=[
            AccessLog(name="envoy.access_loggers.stdout", typed_config=packed(access_log())),
            *usage.access_logs(mesh),
        ],
        tracing=tracing(mesh),
        use_remote_address=True,
        normalize_path=True,
        stream_idle_timeout=seconds(mesh.envoy.idle_timeout_s),
        request_headers_timeout=seconds(mesh.envoy.headers_timeout_s),
        request_timeout=seconds(mesh.envoy.request_timeout_s),
        common_http_protocol_options=HttpProtocolOptions(idle_timeout=seconds(3600)),
        upgrade_configs=[HttpConnectionManagerUpgradeConfig(upgrade_type="websocket")],
        local_reply_config=local_replies(mesh),
        early_header_mutation_extensions=[early_header_mutation(by_prefix=not mesh.prompts.named)],
        http_filters=[
            *identity.filters(mesh),
            http_filter(mesh, logs_usage=mesh.logs_usage),
            *token_limit.filters(mesh),
            *usage.filters(mesh),
            *last,
            HttpFilter(name="envoy.filters.http.router", typed_config=packed(Router())),
        ],
        route_config=RouteConfiguration(name=name, virtual_hosts=list(hosts) or [virtual_host(mesh)]),
    )


def listener(mesh: Mesh) -> Listener:
    """The listener for callers."""
    manager = Filter(
        name="envoy.filters.network.http_connection_manager", typed_config=packed(connection_manager(mesh))
    )
    return Listener(
        name=LISTENER,
        address=socket_address(mesh.envoy.listen),
        filter_chains=[FilterChain(filters=[manager], transport_socket=tls.towards_callers(mesh.envoy.tls))],
        # the workload's own sidecar: what comes from it is on its way out
        traffic_direction=TrafficDirection.OUTBOUND if mesh.identity.workload else TrafficDirection.UNSPECIFIED,
    )


def probe_listener(address: str) -> Listener:
    """A listener for two pages of the admin interface, which itself stays on loopback."""
    routes = [
        Route(match=RouteMatch(path=path), route=RouteAction(cluster=ADMIN_CLUSTER))
        for path in ("/ready", "/stats/prometheus")
    ]
    manager = HttpConnectionManager(
        stat_prefix="probes",
        http_filters=[HttpFilter(name="envoy.filters.http.router", typed_config=packed(Router()))],
        route_config=RouteConfiguration(
            name="probes", virtual_hosts=[VirtualHost(name="probes", domains=["*"], routes=routes)]
        ),
    )
    chain = Filter(name="envoy.filters.network.http_connection_manager", typed_config=packed(manager))
    return Listener(name="probes", address=socket_address(address), filter_chains=[FilterChain(filters=[chain])])


def access_log() -> StdoutAccessLog:
    """One line of JSON a request."""
    return StdoutAccessLog(
        log_format=SubstitutionFormatString(
            json_format=Struct(fields={key: Value(string_value=value) for key, value in ACCESS_LOG.items()}),
        )
    )
