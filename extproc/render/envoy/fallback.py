"""Failover between models: a cluster whose priorities are internal listeners, one a model, each asking the processor for itself.

Of Envoy's ways to try elsewhere this is the one that goes on after 429 and 5xx and lets another filter write the request for the
one that answers: internal redirects leave out 429, an aggregate cluster the filters of its members.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from envoy_data_plane.envoy.config.cluster.v3 import (
    CircuitBreakers,
    CircuitBreakersThresholds,
    CircuitBreakersThresholdsRetryBudget,
    Cluster,
    ClusterCommonLbConfig,
    ClusterDiscoveryType,
)
from envoy_data_plane.envoy.config.core.v3 import (
    Address,
    EnvoyInternalAddress,
    HeaderValue,
    HeaderValueOption,
    HeaderValueOptionHeaderAppendAction,
    TransportSocket,
)
from envoy_data_plane.envoy.config.endpoint.v3 import (
    ClusterLoadAssignment,
    Endpoint,
    LbEndpoint,
    LocalityLbEndpoints,
)
from envoy_data_plane.envoy.config.listener.v3 import Filter, FilterChain, Listener, ListenerInternalListenerConfig
from envoy_data_plane.envoy.config.route.v3 import (
    HeaderMatcher,
    RetryPolicy,
    RetryPolicyRetryPriority,
    Route,
    RouteAction,
    RouteConfiguration,
    RouteMatch,
    VirtualHost,
)
from envoy_data_plane.envoy.extensions.bootstrap.internal_listener.v3 import InternalListener
from envoy_data_plane.envoy.extensions.filters.http.router.v3 import Router
from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager.v3 import (
    HttpConnectionManager,
    HttpFilter,
)
from envoy_data_plane.envoy.extensions.retry.priority.previous_priorities.v3 import PreviousPrioritiesConfig
from envoy_data_plane.envoy.extensions.transport_sockets.internal_upstream.v3 import InternalUpstreamTransport
from envoy_data_plane.envoy.extensions.transport_sockets.raw_buffer.v3 import RawBuffer
from envoy_data_plane.envoy.type.matcher.v3 import StringMatcher
from envoy_data_plane.envoy.type.v3 import Percent

from extproc.config.wire_names import ANSWERED_HEADER, FALLBACK_HEADER, MODEL_HEADER
from extproc.render.envoy import processor
from extproc.render.envoy.extension import extension, packed, seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envoy_data_plane.envoy.config.core.v3 import TypedExtensionConfig

    from extproc.config import Mesh
    from extproc.config.models import Model

RETRIED = 429
"""Beside 5xx: another provider may have room."""


def cluster_name(name: str, *, alone: bool = False) -> str:
    """Of the cluster that tries a model and then its fallbacks; or that model alone, where none of them may stand in."""
    return f"{name}!alone" if alone else f"{name}!fallback"


def listener_name(name: str) -> str:
    """Of the internal listener before a model."""
    return f"attempt {name}"


def models(mesh: Mesh) -> list[str]:
    """The models that have an internal listener."""
    names = {name for first, model in mesh.models.items() if model.fallback for name in (first, *model.fallback)}
    return [name for name in mesh.models if name in names]


def clusters(mesh: Mesh) -> Iterator[Cluster]:
    """One for each model with fallbacks."""
    for name, model in mesh.models.items():
        if model.fallback:
            yield _cluster(cluster_name(name), model, (name, *model.fallback))
            yield _cluster(cluster_name(name, alone=True), model, (name,))


def _cluster(own: str, model: Model, names: tuple[str, ...]) -> Cluster:
    steps = [
        LocalityLbEndpoints(
            priority=priority,
            lb_endpoints=[
                LbEndpoint(
                    endpoint=Endpoint(
                        address=Address(
                            envoy_internal_address=EnvoyInternalAddress(
                                server_listener_name=listener_name(step), endpoint_id=step
                            )
                        )
                    )
                )
            ],
        )
        for priority, step in enumerate(names)
    ]
    transport = InternalUpstreamTransport(
        transport_socket=TransportSocket(name="envoy.transport_sockets.raw_buffer", typed_config=packed(RawBuffer()))
    )
    return Cluster(
        name=own,
        type=ClusterDiscoveryType.STATIC,
        connect_timeout=seconds(1),
        common_lb_config=ClusterCommonLbConfig(healthy_panic_threshold=Percent(value=0)),
        circuit_breakers=CircuitBreakers(
            thresholds=[
                CircuitBreakersThresholds(
                    max_connections=model.pool.connections,
                    max_pending_requests=model.pool.pending,
                    max_requests=model.pool.requests,
                    retry_budget=CircuitBreakersThresholdsRetryBudget(
                        budget_percent=Percent(value=100.0), min_retry_concurrency=3
                    ),
                )
            ]
        ),
        load_assignment=ClusterLoadAssignment(cluster_name=own, endpoints=steps),
        transport_socket=TransportSocket(
            name="envoy.transport_sockets.internal_upstream", typed_config=packed(transport)
        ),
    )


def routes(mesh: Mesh, name: str, model: Model) -> Iterator[Route]:
    """Where a request for a model with fallbacks goes. How far it may travel, each attempt's own routes hold."""
    by_name = HeaderMatcher(name=MODEL_HEADER, string_match=StringMatcher(exact=name))
    retries = model.retries
    policy = RetryPolicy(
        retry_on="5xx,reset,retriable-status-codes",
        retriable_status_codes=[RETRIED],
        num_retries=len(model.fallback),
        per_try_timeout=seconds(retries.per_try_timeout_s) if retries.per_try_timeout_s else None,
        retry_priority=RetryPolicyRetryPriority(
            name="envoy.retry_priorities.previous_priorities",
            typed_config=packed(PreviousPrioritiesConfig(update_frequency=1)),
        ),
    )
    yield Route(
        name=f"{name} and fallbacks",
        match=RouteMatch(prefix="/", headers=[by_name, HeaderMatcher(name=FALLBACK_HEADER, present_match=True)]),
        route=RouteAction(
            cluster=cluster_name(name),
            timeout=seconds(model.timeout_s * (1 + len(model.fallback))),
            retry_policy=policy,
        ),
        stat_prefix=name,
        request_body_buffer_limit=mesh.limits.max_body_bytes,
    )
    yield Route(
        name=f"{name} alone",
        match=RouteMatch(prefix="/", headers=[by_name]),
        route=RouteAction(cluster=cluster_name(name, alone=True), timeout=seconds(model.timeout_s)),
        stat_prefix=name,
        request_body_buffer_limit=mesh.limits.max_body_bytes,
    )


def listener(mesh: Mesh, name: str, routes: list[Route]) -> Listener:
    """The internal listener before a model: it asks the processor about it, and goes nowhere else."""
    for one in routes:
        if one.route is not None:
            one.request_body_buffer_limit = mesh.limits.max_body_bytes
    manager = HttpConnectionManager(
        stat_prefix=listener_name(name),
        stream_idle_timeout=seconds(mesh.envoy.idle_timeout_s),
        http_filters=[
            HttpFilter(name=processor.FILTER_NAME, typed_config=packed(processor.filter_config(mesh, attempt=name))),
            HttpFilter(name="envoy.filters.http.router", typed_config=packed(Router())),
        ],
        route_config=RouteConfiguration(
            name=listener_name(name),
            virtual_hosts=[
                VirtualHost(
                    name=name,
                    domains=["*"],
                    routes=routes,
                    response_headers_to_add=[
                        HeaderValueOption(
                            header=HeaderValue(key=ANSWERED_HEADER, value=name),
                            append_action=HeaderValueOptionHeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD,
                        )
                    ],
                )
            ],
        ),
    )
    chain = Filter(name="envoy.filters.network.http_connection_manager", typed_config=packed(manager))
    return Listener(
        name=listener_name(name),
        internal_listener=ListenerInternalListenerConfig(),
        filter_chains=[FilterChain(filters=[chain])],
    )


def extensions(mesh: Mesh) -> list[TypedExtensionConfig]:
    """What Envoy needs in its bootstrap for internal listeners."""
    return [extension("envoy.bootstrap.internal_listener", InternalListener())] if models(mesh) else []
