"""Envoy's clusters: the processor's workers, and the groups of endpoints behind each model."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from envoy_data_plane.envoy.config.cluster.v3 import (
    CircuitBreakers,
    CircuitBreakersThresholds,
    CircuitBreakersThresholdsRetryBudget,
    Cluster,
    ClusterCommonLbConfig,
    ClusterCustomClusterType,
    ClusterDiscoveryType,
    ClusterLbPolicy,
    OutlierDetection,
)
from envoy_data_plane.envoy.config.core.v3 import (
    HealthCheck,
    HealthCheckGrpcHealthCheck,
    HealthCheckHttpHealthCheck,
    Http1ProtocolOptions,
    Http2ProtocolOptions,
)
from envoy_data_plane.envoy.config.endpoint.v3 import (
    ClusterLoadAssignment,
    Endpoint,
    EndpointHealthCheckConfig,
    LbEndpoint,
    LocalityLbEndpoints,
)
from envoy_data_plane.envoy.extensions.clusters.aggregate.v3 import ClusterConfig
from envoy_data_plane.envoy.extensions.upstreams.http.v3 import (
    HttpProtocolOptions as UpstreamOptions,
)
from envoy_data_plane.envoy.extensions.upstreams.http.v3 import HttpProtocolOptionsExplicitHttpConfig as ExplicitConfig
from envoy_data_plane.envoy.type.v3 import Percent

from extproc.config.addresses import split_address
from extproc.render.document import Note
from extproc.render.envoy import signing, tls
from extproc.render.envoy.extension import packed, pipe_address, seconds, socket_address
from extproc.render.envoy.groups import Group, Part, parts
from extproc.render.envoy.processor import PROCESSOR_CLUSTER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from envoy_data_plane.google.protobuf import Any as AnyMessage

    from extproc.config import Mesh
    from extproc.config.models import Endpoint as MeshEndpoint
    from extproc.config.models import Model
    from extproc.config.traffic import Ejection, Health, Pool, Retries

UPSTREAM_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
FALLBACK_CLUSTER = "upstream"
STREAMS_PER_CONNECTION = 1024
"""Envoy's own bound since 1.36; the processor's server has to allow as many."""

NOTES = (
    Note(
        "health_checks",
        "Active checks: what still loads, or died, gets no request. Checked at the same pace before the first request "
        "as after it (no_traffic_interval), so that a standby is known to be well when it is needed.",
    ),
    Note(
        "common_lb_config.healthy_panic_threshold",
        "Never send to endpoints that are known to be down, even if all are: 503 at once, or the next group.",
    ),
    Note("common_lb_config.healthy_panic_threshold.value", "", shown=0),
    Note("outlier_detection", "Passive checks: an endpoint that fails often is left out for a while."),
    Note(
        "circuit_breakers", "What is over these limits gets 503 at once. The retry budget keeps retries a small share."
    ),
    Note("transport_socket", "The certificate is verified: by this CA, and for this name."),
    Note(
        "cluster_type", "Tried from left to right: the next one takes over when the one before it has nothing healthy."
    ),
    Note("http2_protocol_options.max_concurrent_streams", "One stream is one HTTP exchange."),
)


MOST_EXCHANGES = 10_000
"""Exchanges in flight at the processor, as many as connections are accepted. Envoy's default of 1024 would answer 500 to a
client of the 1025th streamed answer."""


def processor_cluster(mesh: Mesh, name: str = PROCESSOR_CLUSTER) -> Cluster:
    """The processor's workers, each on its own socket (or all behind one TCP address)."""
    settings = mesh.processor
    addresses = (
        [socket_address(settings.address)] if settings.address else [pipe_address(p) for p in mesh.processor.sockets()]
    )
    return Cluster(
        name=name,
        type=_type([settings.address] if settings.address else []),
        connect_timeout=seconds(0.25),
        lb_policy=ClusterLbPolicy.LEAST_REQUEST,
        typed_extension_protocol_options=_http2(),
        transport_socket=tls.towards_processor(settings),
        health_checks=[
            HealthCheck(
                timeout=seconds(1),
                interval=seconds(2),
                no_traffic_interval=seconds(2),
                unhealthy_threshold=2,
                healthy_threshold=1,
                grpc_health_check=HealthCheckGrpcHealthCheck(),
            )
        ],
        circuit_breakers=CircuitBreakers(
            thresholds=[
                CircuitBreakersThresholds(
                    max_requests=MOST_EXCHANGES, max_pending_requests=MOST_EXCHANGES, max_retries=MOST_EXCHANGES
                )
            ]
        ),
        common_lb_config=_no_panic(),
        load_assignment=ClusterLoadAssignment(
            cluster_name=name,
            endpoints=[LocalityLbEndpoints(lb_endpoints=[LbEndpoint(endpoint=Endpoint(address=a)) for a in addresses])],
        ),
    )


def worker_cluster(name: str, socket: str) -> Cluster:
    """One worker of the processor, unchecked."""
    cluster = _cluster(name, [LbEndpoint(endpoint=Endpoint(address=pipe_address(socket)))], _type([]))
    cluster.typed_extension_protocol_options = _http2()
    return cluster


def grpc_cluster(name: str, address: str) -> Cluster:
    """One address that speaks gRPC, unchecked."""
    cluster = plain_cluster(name, address)
    cluster.typed_extension_protocol_options = _http2()
    return cluster


def _http2() -> dict[str, AnyMessage]:
    options = Http2ProtocolOptions(max_concurrent_streams=STREAMS_PER_CONNECTION)
    explicit = ExplicitConfig(http2_protocol_options=options)
    return {UPSTREAM_OPTIONS: packed(UpstreamOptions(explicit_http_config=explicit))}


def plain_cluster(name: str, address: str) -> Cluster:
    """One address, unchecked."""
    return _cluster(name, [LbEndpoint(endpoint=Endpoint(address=socket_address(address)))], _type([address]))


def model_clusters(mesh: Mesh, *, credentials: bool = True) -> list[Cluster]:
    """Every cluster of every model, and of the service for what is not intercepted."""
    secrets = mesh.envoy.secrets_file
    clusters = [c for name, model in mesh.models.items() for c in _clusters(name, model, credentials, secrets)]
    if mesh.envoy.upstream:
        clusters.append(plain_cluster(FALLBACK_CLUSTER, mesh.envoy.upstream))
    return clusters


def _clusters(name: str, model: Model, credentials: bool, secrets: Path | None) -> Iterator[Cluster]:
    for part in parts(name, model).values():
        for group in part.groups:
            has_standby = group is not part.groups[-1]
            yield group_cluster(group, model, has_standby=has_standby, credentials=credentials, secrets=secrets)
        yield from aggregate_clusters(part, model.retries)


def group_cluster(
    group: Group, model: Model, *, has_standby: bool, credentials: bool = True, secrets: Path | None = None
) -> Cluster:
    """One cluster of endpoints that are reached alike; where another stands by, even a single one can be ejected.

    Without `credentials`, the endpoints get what the caller sent: for an Envoy that has no secrets of ours.
    """
    endpoints = [_lb_endpoint(e, model.health) for e in group.endpoints]
    cluster = _cluster(group.name, endpoints, _type(e.address for e in group.endpoints))
    paths = {path for e in group.endpoints if (path := health_path(e, model.health))}
    cluster.health_checks = (
        [_health_check(path, model.health) for path in sorted(paths)] if model.health.enabled else []
    )
    if model.sticky:
        cluster.lb_policy = ClusterLbPolicy.MAGLEV
    cluster.common_lb_config = _no_panic()
    cluster.outlier_detection = _ejection(model.ejection, has_standby=has_standby)
    cluster.circuit_breakers = _limits(model.pool, model.retries)
    nearest = group.endpoints[0]
    if nearest.tls:
        cluster.transport_socket = tls.transport_socket(nearest)
    filters = []
    if nearest.credentials_file and credentials:
        filters = tls.credential_filters(nearest, model.key_header(nearest), secrets)
    elif model.platform is not None and model.platform.bedrock is not None:
        filters = signing.filters(model.platform.bedrock, nearest)
    if filters:
        options = ExplicitConfig(http_protocol_options=Http1ProtocolOptions())
        cluster.typed_extension_protocol_options = {
            UPSTREAM_OPTIONS: packed(UpstreamOptions(explicit_http_config=options, http_filters=filters))
        }
    return cluster


def aggregate_clusters(part: Part, retries: Retries) -> Iterator[Cluster]:
    """The clusters that reach several groups, one after the other."""
    for name, groups in part.aggregates().items():
        yield aggregate_cluster(name, list(groups), retries)


def aggregate_cluster(name: str, members: list[str], retries: Retries) -> Cluster:
    """A cluster without endpoints of its own: its members' are tried, from left to right."""
    return Cluster(
        name=name,
        connect_timeout=seconds(1),
        lb_policy=ClusterLbPolicy.CLUSTER_PROVIDED,
        cluster_type=ClusterCustomClusterType(
            name="envoy.clusters.aggregate", typed_config=packed(ClusterConfig(clusters=members))
        ),
        # Of an aggregate's own limits Envoy reads those on retries, and no others.
        circuit_breakers=CircuitBreakers(thresholds=[CircuitBreakersThresholds(retry_budget=_budget(retries))]),
    )


def _cluster(name: str, endpoints: list[LbEndpoint], kind: ClusterDiscoveryType) -> Cluster:
    return Cluster(
        name=name,
        type=kind,
        connect_timeout=seconds(1),
        lb_policy=ClusterLbPolicy.LEAST_REQUEST,
        load_assignment=ClusterLoadAssignment(
            cluster_name=name, endpoints=[LocalityLbEndpoints(lb_endpoints=endpoints)]
        ),
    )


def _type(addresses: Iterable[str]) -> ClusterDiscoveryType:
    """Static where every host is an IP address, by DNS otherwise."""
    for address in addresses:
        try:
            ipaddress.ip_address(split_address(address)[0])
        except ValueError:
            return ClusterDiscoveryType.STRICT_DNS
    return ClusterDiscoveryType.STATIC


def _lb_endpoint(endpoint: MeshEndpoint, health: Health) -> LbEndpoint:
    host = Endpoint(address=socket_address(endpoint.address))
    if endpoint.tls or endpoint.host:
        host.hostname = endpoint.server_name
    if health.enabled and health_path(endpoint, health) is None:
        host.health_check_config = EndpointHealthCheckConfig(disable_active_health_check=True)
    return LbEndpoint(endpoint=host)


def health_path(endpoint: MeshEndpoint, health: Health) -> str | None:
    """Path of an endpoint's active check; None: it has none."""
    return endpoint.health or (None if endpoint.zone == "external" else health.path)


def _health_check(path: str, health: Health) -> HealthCheck:
    return HealthCheck(
        timeout=seconds(health.timeout_s),
        interval=seconds(health.interval_s),
        no_traffic_interval=seconds(health.interval_s),
        unhealthy_threshold=health.unhealthy,
        healthy_threshold=health.healthy,
        http_health_check=HealthCheckHttpHealthCheck(path=path),
    )


def _ejection(ejection: Ejection, *, has_standby: bool) -> OutlierDetection | None:
    if not ejection.enabled:
        return None
    return OutlierDetection(
        # A server that answers its health check may still answer 5xx to everything else.
        successful_active_health_check_uneject_host=False,
        # One that is dead is the health check's business: it is back as soon as that succeeds.
        split_external_local_origin_errors=True,
        enforcing_consecutive_local_origin_failure=0,
        enforcing_local_origin_success_rate=0,
        consecutive_5xx=ejection.consecutive_5xx,
        interval=seconds(ejection.interval_s),
        base_ejection_time=seconds(ejection.base_s),
        max_ejection_percent=ejection.max_percent,
        enforcing_success_rate=0,
        always_eject_one_host=has_standby or None,
    )


def _limits(pool: Pool, retries: Retries) -> CircuitBreakers:
    return CircuitBreakers(
        thresholds=[
            CircuitBreakersThresholds(
                max_connections=pool.connections,
                max_pending_requests=pool.pending,
                max_requests=pool.requests,
                retry_budget=_budget(retries),
                track_remaining=True,
            )
        ]
    )


def _budget(retries: Retries) -> CircuitBreakersThresholdsRetryBudget:
    return CircuitBreakersThresholdsRetryBudget(
        budget_percent=Percent(value=retries.budget_percent), min_retry_concurrency=3
    )


def _no_panic() -> ClusterCommonLbConfig:
    return ClusterCommonLbConfig(healthy_panic_threshold=Percent(value=0))
