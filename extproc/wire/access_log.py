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
MOST = 2**53
"""Of what is counted."""
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
        decided, response = metadata[METADATA_NAMESPACE].fields, entry.response
        told = _told(metadata[ANSWER_NAMESPACE].fields["usage"]) if ANSWER_NAMESPACE in metadata else {}
        status = response.response_code.value
        # set where something went wrong, and a request in a hundred is enough
        flags = common.response_flags if common.HasField("response_flags") else None
        cut = _trouble(flags) if flags is not None else ""
        duration = common.duration
        yield Ending(
            key=decided["awaited"].string_value,
            cancelled=flags is not None and not cut and _has_left(flags),
            cut=cut if 0 < status < ERRORS_FROM else "",
            unrouted=response.response_code_details in UNROUTED,
            model=decided["model"].string_value if "model" in decided else "",
            answered_by=response.response_headers.get(ANSWERED_HEADER, ""),
            attempts=common.upstream_request_attempt_count,
            endpoint=_endpoint(common.upstream_remote_address.socket_address),
            first_byte_s=_seconds(common, "time_to_first_upstream_rx_byte"),
            status=status,
            cluster=common.upstream_cluster,
            duration_s=duration.seconds + duration.nanos / 1e9,
            response_bytes=response.response_body_bytes,
            first_chunk_at=_number(told, "first_ms") / 1e3 or None,
            usage=_usage(told) if "output" in told else None,
        )


def _has_left(flags: Any) -> bool:
    """Whether the client went away."""
    return bool(flags.downstream_connection_termination or flags.downstream_remote_reset)


def _trouble(flags: Any) -> str:
    """What went wrong with the upstream."""
    return next((reason for reason, names in TROUBLES.items() if any(getattr(flags, name) for name in names)), "")


def _endpoint(socket: Any) -> str:
    address = socket.address
    return f"{address}:{socket.port_value}" if address else ""


def _seconds(common: Any, name: str) -> float | None:
    if not common.HasField(name):
        return None
    told = getattr(common, name)
    return float(told.seconds + told.nanos / 1e9)


def _told(usage: Any) -> dict[str, float | str]:
    """What Envoy has read off the answer: numbers and texts, by name."""
    return {name: value.string_value or value.number_value for name, value in usage.struct_value.fields.items()}


def _usage(told: dict[str, float | str]) -> Usage:
    read, written = _count(told, "read_beside"), _count(told, "written_beside")
    output = _count(told, "output")
    return Usage(
        input_tokens=_count(told, "input") + read + written if "input" in told else None,
        output_tokens=output,
        cache_read_tokens=_count(told, "cached") + read,
        cache_write_tokens=written,
        reasoning_tokens=min(_count(told, "reasoning"), output),
        finish_reason=str(told["finish"]) if "finish" in told else None,
        response_model=str(told["model"]) if "model" in told else None,
        estimated="estimated" in told,
        by=str(told.get("by", "")),
        chunks=_count(told, "events"),
    )


def _number(told: dict[str, float | str], name: str) -> float:
    value = told.get(name, 0.0)
    return value if isinstance(value, float) and math.isfinite(value) else 0.0


def _count(told: dict[str, float | str], name: str) -> int:
    value = _number(told, name)
    return int(value) if 0 < value < MOST else MOST if value > 0 else 0
