"""Bytes of Envoy's gRPC access log -> how exchanges ended whose answers we were not shown.

Of an entry, which names the request's path and its caller, only what is needed here is read, and none of it is text.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from google.protobuf.message import DecodeError

from extproc.config.wire_names import ANSWERED_HEADER, METADATA_NAMESPACE
from extproc.errors import ProtocolError
from extproc.exchange.record import Ending, Usage
from extproc.wire.messages import StreamAccessLogsMessage

if TYPE_CHECKING:
    from collections.abc import Iterator

ANSWER_NAMESPACE = "intentmesh.answer"
"""Where the rendered Envoy's Lua leaves what it has read."""

ERRORS_FROM = 400
UNROUTED = ("direct_response", "route_not_found", "cluster_not_found")
"""Envoy's words for having answered a decided request itself, since nothing of its configuration takes it."""
TROUBLES = {
    "upstream_timeout": ("upstream_request_timeout", "duration_timeout", "upstream_max_stream_duration_reached"),
    "idle_timeout": ("stream_idle_timeout",),
    "upstream_reset": (
        *("upstream_remote_reset", "upstream_connection_termination", "upstream_connection_failure"),
        *("upstream_protocol_error", "local_reset"),
    ),
}
"""`error.type` -> Envoy's flags for it."""


def endings(data: bytes) -> Iterator[Ending]:
    """What one message of the log tells. Raises ProtocolError when it is none."""
    try:
        message = StreamAccessLogsMessage.FromString(data)
    except DecodeError:
        raise ProtocolError("the message is not a StreamAccessLogsMessage") from None
    for entry in message.http_logs.log_entry:
        common = entry.common_properties
        metadata = common.metadata.filter_metadata
        if METADATA_NAMESPACE not in metadata:
            continue
        counts, decided = _told(metadata), metadata[METADATA_NAMESPACE].fields
        status, cut = entry.response.response_code.value, _trouble(common.response_flags)
        yield Ending(
            key=decided["awaited"].string_value,
            cancelled=not cut and _has_left(common.response_flags),
            cut=cut if 0 < status < ERRORS_FROM else "",
            unrouted=entry.response.response_code_details in UNROUTED,
            model=decided["model"].string_value if "model" in decided else "",
            answered_by=entry.response.response_headers.get(ANSWERED_HEADER, ""),
            attempts=common.upstream_request_attempt_count,
            endpoint=_endpoint(common.upstream_remote_address),
            first_byte_s=_seconds(common, "time_to_first_upstream_rx_byte"),
            status=status,
            cluster=common.upstream_cluster,
            duration_s=common.duration.seconds + common.duration.nanos / 1e9,
            response_bytes=entry.response.response_body_bytes,
            first_chunk_at=_number(counts, "first_ms") / 1e3 or None,
            usage=_usage(counts),
        )


def _has_left(flags: Any) -> bool:
    """Whether the client went away."""
    return bool(flags.downstream_connection_termination or flags.downstream_remote_reset)


def _trouble(flags: Any) -> str:
    """What went wrong with the upstream."""
    return next((reason for reason, names in TROUBLES.items() if any(getattr(flags, name) for name in names)), "")


def _endpoint(address: Any) -> str:
    socket = address.socket_address
    return f"{socket.address}:{socket.port_value}" if socket.address else ""


def _seconds(common: Any, name: str) -> float | None:
    if not common.HasField(name):
        return None
    duration = getattr(common, name)
    return float(duration.seconds + duration.nanos / 1e9)


def _told(metadata: Any) -> Any:
    """What Envoy has read off the answer: fields of a struct, by name; nothing where it has read none."""
    if ANSWER_NAMESPACE not in metadata:
        return {}
    return metadata[ANSWER_NAMESPACE].fields["usage"].struct_value.fields


def _usage(counts: Any) -> Usage | None:
    if "output" not in counts:
        return None
    read, written = _count(counts, "read_beside"), _count(counts, "written_beside")
    output = _count(counts, "output")
    return Usage(
        input_tokens=_count(counts, "input") + read + written if "input" in counts else None,
        output_tokens=output,
        cache_read_tokens=_count(counts, "cached") + read,
        cache_write_tokens=written,
        reasoning_tokens=min(_count(counts, "reasoning"), output),
        finish_reason=counts["finish"].string_value if "finish" in counts else None,
        response_model=counts["model"].string_value if "model" in counts else None,
        estimated="estimated" in counts,
        by=counts["by"].string_value if "by" in counts else "",
        chunks=_count(counts, "events"),
    )


def _number(counts: Any, name: str) -> float:
    value = float(counts[name].number_value) if name in counts else 0.0
    return value if math.isfinite(value) else 0.0


def _count(counts: Any, name: str) -> int:
    return min(max(0, int(_number(counts, name))), 2**53)
