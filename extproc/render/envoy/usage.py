"""Usage without the answer: Envoy reads the counts itself, and its access log tells the processor.

An answer in which nothing is to be restored need not leave Envoy, since showing it costs two messages a request and more for a
stream. A few lines of Lua find the counts in it as it passes, and the gRPC access log sends many requests' entries in
one message. The processor marks the requests that it waits for in its dynamic metadata, `awaited`, with the number of
the worker that waits, so each worker has a logger of its own.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from envoy_data_plane.envoy.config.accesslog.v3 import AccessLog, AccessLogFilter, MetadataFilter
from envoy_data_plane.envoy.config.core.v3 import ApiVersion, DataSource, GrpcService, GrpcServiceEnvoyGrpc
from envoy_data_plane.envoy.extensions.access_loggers.grpc.v3 import CommonGrpcAccessLogConfig, HttpGrpcAccessLogConfig
from envoy_data_plane.envoy.extensions.filters.http.lua.v3 import Lua
from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager.v3 import HttpFilter
from envoy_data_plane.envoy.type.matcher.v3 import (
    MetadataMatcher,
    MetadataMatcherPathSegment,
    StringMatcher,
    ValueMatcher,
)

from extproc.config.wire_names import ANSWERED_HEADER, METADATA_NAMESPACE
from extproc.render.document import Note
from extproc.render.envoy.clusters import worker_cluster
from extproc.render.envoy.extension import packed, seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envoy_data_plane.envoy.config.cluster.v3 import Cluster

    from extproc.config import Mesh
    from extproc.config.models import Model

FILTER_NAME = "intentmesh.usage"
SCRIPT = Path(__file__).with_name("usage.lua")
FLUSH_S = 0.5
BUFFER_BYTES = 65_536
"""How long, and how much of it, Envoy gathers before it sends: the processor knows of a request's end half a second later."""

NOTES = (
    Note(
        "Lua.default_source_code",
        "Counts the tokens of answers that the processor need not see. Nothing is held back or changed.",
    ),
    Note(
        "access_log.filter", "What the processor's worker waits for: who answered, how long it took, how many tokens."
    ),
    Note("grpc_service.initial_metadata", "Tells the processor that this Envoy reads usage, and logs it.", shown=None),
)


def filters(mesh: Mesh) -> list[HttpFilter]:
    """What stands right before the router: the first to see an answer."""
    if not mesh.logs_usage:
        return []
    prices = "".join(
        f'  ["{name}"] = {{ {", ".join("nil" if kind is None else repr(kind) for kind in _kinds(model))} }},\n'
        for name, model in mesh.models.items()
        if any(_kinds(model))
    )
    script = SCRIPT.read_text().replace(
        "local PRICES = {}", f"local PRICES = {{\n{prices}}}" if prices else "local PRICES = {}"
    )
    config = Lua(default_source_code=DataSource(inline_string=script), stat_prefix="intentmesh")
    return [HttpFilter(name=FILTER_NAME, typed_config=packed(config))]


def _kinds(model: Model) -> tuple[float | None, ...]:
    """What a model costs; what is priced as what stands before it is left out where nothing follows."""
    price = model.price_per_million
    kinds = (price.input, price.output, price.cache_read, price.cache_write, price.reasoning)
    return kinds if kinds[2:] != (None, None, None) else kinds[:2]


def access_logs(mesh: Mesh) -> list[AccessLog]:
    """One logger for each worker."""
    if not mesh.logs_usage:
        return []
    headers = [ANSWERED_HEADER] if any(model.fallback for model in mesh.models.values()) else []
    return [_access_log(number, headers) for number in range(mesh.processor.workers)]


def clusters(mesh: Mesh) -> Iterator[Cluster]:
    """The workers one by one, each as long as it listens, whatever its health says."""
    if mesh.logs_usage:
        for number, socket in enumerate(mesh.processor.sockets()):
            yield worker_cluster(_cluster_name(number), socket)


def _access_log(number: int, answer_headers: list[str]) -> AccessLog:
    awaited = MetadataMatcher(
        filter=METADATA_NAMESPACE,
        path=[MetadataMatcherPathSegment(key="awaited")],
        value=ValueMatcher(string_match=StringMatcher(prefix=f"{number}:")),
    )
    config = HttpGrpcAccessLogConfig(
        common_config=CommonGrpcAccessLogConfig(
            log_name="intentmesh",
            transport_api_version=ApiVersion.V3,
            grpc_service=GrpcService(envoy_grpc=GrpcServiceEnvoyGrpc(cluster_name=_cluster_name(number))),
            buffer_flush_interval=seconds(FLUSH_S),
            buffer_size_bytes=BUFFER_BYTES,
        ),
        additional_response_headers_to_log=answer_headers,
    )
    return AccessLog(
        name="envoy.access_loggers.http_grpc",
        filter=AccessLogFilter(metadata_filter=MetadataFilter(matcher=awaited, match_if_key_not_found=False)),
        typed_config=packed(config),
    )


def _cluster_name(number: int) -> str:
    return f"intentmesh-worker-{number}"
