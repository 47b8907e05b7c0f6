"""Envoy's own spans, to the receiver of the processor's: one trace from the caller through Envoy and the processor to the model.

Envoy begins its span when a request comes, as a child of the caller's, and hands it on to the processor with the gRPC call and to
the model with the request. The processor's span is a child of Envoy's of the call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from envoy_data_plane.envoy.config.core.v3 import GrpcService, GrpcServiceEnvoyGrpc
from envoy_data_plane.envoy.config.trace.v3 import OpenTelemetryConfig, TracingHttp
from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager.v3 import HttpConnectionManagerTracing
from envoy_data_plane.envoy.extensions.tracers.opentelemetry.samplers.v3 import (
    ParentBasedSamplerConfig,
    TraceIdRatioBasedSamplerConfig,
)
from envoy_data_plane.envoy.type.v3 import FractionalPercent, FractionalPercentDenominatorType, Percent

from extproc.render.document import Note
from extproc.render.envoy.clusters import grpc_cluster
from extproc.render.envoy.extension import extension, packed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envoy_data_plane.envoy.config.cluster.v3 import Cluster

    from extproc.config import Mesh

CLUSTER = "intentmesh-otlp"
SERVICE = "envoy"
OTLP_PORT = 4317
MILLION = 1_000_000
NOTES = (
    Note(
        "tracing", "Envoy's own spans (envoy.tracing), sampled as telemetry.traces.ratio says where the caller has not."
    ),
)


def tracing(mesh: Mesh) -> HttpConnectionManagerTracing | None:
    """What the connection manager is told; None where Envoy is not to trace."""
    if not _traces(mesh):
        return None
    service = GrpcService(envoy_grpc=GrpcServiceEnvoyGrpc(cluster_name=CLUSTER))
    share = FractionalPercent(
        numerator=round(mesh.telemetry.traces.ratio * MILLION), denominator=FractionalPercentDenominatorType.MILLION
    )
    ratio = extension(
        "envoy.tracers.opentelemetry.samplers.trace_id_ratio_based", TraceIdRatioBasedSamplerConfig(share)
    )
    config = OpenTelemetryConfig(
        grpc_service=service,
        service_name=SERVICE,
        # a caller's own decision is followed, as the processor does
        sampler=extension(
            "envoy.tracers.opentelemetry.samplers.parent_based", ParentBasedSamplerConfig(wrapped_sampler=ratio)
        ),
    )
    return HttpConnectionManagerTracing(
        random_sampling=Percent(value=100),
        spawn_upstream_span=True,
        provider=TracingHttp(name="envoy.tracers.opentelemetry", typed_config=packed(config)),
    )


def clusters(mesh: Mesh) -> Iterator[Cluster]:
    """The receiver."""
    if _traces(mesh) and mesh.telemetry.otlp:
        url = urlsplit(mesh.telemetry.otlp.endpoint)
        host = f"[{url.hostname}]" if ":" in (url.hostname or "") else url.hostname
        yield grpc_cluster(CLUSTER, f"{host}:{url.port or OTLP_PORT}")


def _traces(mesh: Mesh) -> bool:
    return mesh.envoy.tracing and mesh.telemetry.otlp is not None
