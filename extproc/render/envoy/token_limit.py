"""A budget of tokens, held by Envoy's own rate-limit filters with what the processor tells them.

Envoy's local filter takes nothing off a bucket when a stream is done (1.40 ignores `apply_on_stream_done` there), so it
charges the estimated tokens of the prompt when the request comes. A rate limit service is charged what the answer
really used, when it has ended, and asked beforehand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from envoy_data_plane.envoy.config.core.v3 import (
    ApiVersion,
    GrpcService,
    GrpcServiceEnvoyGrpc,
    RuntimeFractionalPercent,
)
from envoy_data_plane.envoy.config.ratelimit.v3 import RateLimitServiceConfig
from envoy_data_plane.envoy.config.route.v3 import (
    RateLimit,
    RateLimitAction,
    RateLimitActionGenericKey,
    RateLimitActionMetaData,
    RateLimitActionMetaDataSource,
    RateLimitHitsAddend,
)
from envoy_data_plane.envoy.extensions.common.ratelimit.v3 import LocalRateLimitDescriptor, RateLimitDescriptorEntry
from envoy_data_plane.envoy.extensions.filters.http.local_ratelimit.v3 import LocalRateLimit
from envoy_data_plane.envoy.extensions.filters.http.ratelimit.v3 import RateLimit as RateLimitFilter
from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager.v3 import HttpFilter
from envoy_data_plane.envoy.type.metadata.v3 import MetadataKey, MetadataKeyPathSegment
from envoy_data_plane.envoy.type.v3 import FractionalPercent, TokenBucket

from extproc.config.wire_names import METADATA_NAMESPACE
from extproc.render.document import Note
from extproc.render.envoy.clusters import grpc_cluster
from extproc.render.envoy.extension import packed, seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envoy_data_plane.envoy.config.cluster.v3 import Cluster

    from extproc.config import Mesh
    from extproc.config.envoy import TokenLimit

SERVICE_CLUSTER = "intentmesh-token-limit"
DOMAIN = "intentmesh"
BUCKETS = 10_000
"""Callers told apart at once; the one that asked longest ago is forgotten first."""
UNLIMITED = 2**31

NOTES = (
    Note("LocalRateLimit.rate_limits", "After the processor: it tells whose tokens these are and how many."),
    Note("LocalRateLimit.token_bucket", "Nobody's: every request is charged to a descriptor's bucket."),
    Note("RateLimit.rate_limits", "Asked when the request comes, charged what the answer used when it has ended."),
    Note("RateLimit.failure_mode_deny", "A rate limit service that is down stops nobody.", shown=False),
)


def filters(mesh: Mesh) -> list[HttpFilter]:
    """What stands behind the processor's filter; nothing without `envoy.token_limit`."""
    limit = mesh.envoy.token_limit
    if limit is None:
        return []
    if limit.service is None:
        return [HttpFilter(name="envoy.filters.http.local_ratelimit", typed_config=packed(_local(limit)))]
    return [HttpFilter(name="envoy.filters.http.ratelimit", typed_config=packed(_service(limit)))]


def service_clusters(mesh: Mesh) -> Iterator[Cluster]:
    """The cluster of the rate limit service, where there is one."""
    if mesh.envoy.token_limit is not None and mesh.envoy.token_limit.service is not None:
        yield grpc_cluster(SERVICE_CLUSTER, mesh.envoy.token_limit.service)


def _local(limit: TokenLimit) -> LocalRateLimit:
    everyone = RuntimeFractionalPercent(default_value=FractionalPercent(numerator=100))
    return LocalRateLimit(
        stat_prefix="intentmesh_tokens",
        token_bucket=_bucket(UNLIMITED, 1),
        filter_enabled=everyone,
        filter_enforced=everyone,
        always_consume_default_token_bucket=False,
        max_dynamic_descriptors=BUCKETS,
        descriptors=[
            LocalRateLimitDescriptor(
                entries=[RateLimitDescriptorEntry(key=limit.by, value="" if limit.by != "all" else "all")],
                token_bucket=_bucket(limit.tokens, limit.per_s),
            )
        ],
        rate_limits=[_charge(limit, "prompt_tokens")],
    )


def _service(limit: TokenLimit) -> RateLimitFilter:
    ask = RateLimit(actions=[_whose(limit)], hits_addend=RateLimitHitsAddend(number=0))
    charge = _charge(limit, "total_tokens")
    charge.apply_on_stream_done = True
    return RateLimitFilter(
        domain=DOMAIN,
        timeout=seconds(0.25),
        rate_limit_service=RateLimitServiceConfig(
            grpc_service=GrpcService(envoy_grpc=GrpcServiceEnvoyGrpc(cluster_name=SERVICE_CLUSTER)),
            transport_api_version=ApiVersion.V3,
        ),
        rate_limits=[ask, charge],
    )


def _charge(limit: TokenLimit, count: str) -> RateLimit:
    addend = RateLimitHitsAddend(format=f"%DYNAMIC_METADATA({METADATA_NAMESPACE}:{count})%")
    return RateLimit(actions=[_whose(limit)], hits_addend=addend)


def _whose(limit: TokenLimit) -> RateLimitAction:
    """The descriptor: everybody's, or that of the project or model which the processor has told."""
    if limit.by == "all":
        return RateLimitAction(generic_key=RateLimitActionGenericKey(descriptor_key="all", descriptor_value="all"))
    return RateLimitAction(
        metadata=RateLimitActionMetaData(
            descriptor_key=limit.by,
            metadata_key=MetadataKey(key=METADATA_NAMESPACE, path=[MetadataKeyPathSegment(key=limit.by)]),
            source=RateLimitActionMetaDataSource.DYNAMIC,
        )
    )


def _bucket(tokens: int, per_s: float) -> TokenBucket:
    return TokenBucket(max_tokens=tokens, tokens_per_fill=tokens, fill_interval=seconds(per_s))
