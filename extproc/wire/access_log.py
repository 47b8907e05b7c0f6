"""Bytes of Envoy's gRPC access log -> how exchanges ended whose answers we were not shown.

Of an entry, which names the request's path and its caller, only what is needed here is read, and none of it is text.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from google.protobuf.message import DecodeError

from extproc.config.wire_names import METADATA_NAMESPACE
from extproc.errors import ProtocolError
from extproc.exchange.record import Ending, Usage
from extproc.wire.messages import StreamAccessLogsMessage

if TYPE_CHECKING:
    from collections.abc import Iterator

ANSWER_NAMESPACE = "intentmesh.answer"
"""Where the rendered Envoy's Lua leaves what it has read."""


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
        flags, told = common.response_flags, _told(metadata)
        yield Ending(
            key=metadata[METADATA_NAMESPACE].fields["awaited"].string_value,
            cancelled=flags.downstream_connection_termination or flags.downstream_remote_reset,
            status=entry.response.response_code.value,
            cluster=common.upstream_cluster,
            duration_s=common.duration.seconds + common.duration.nanos / 1e9,
            response_bytes=entry.response.response_body_bytes,
            first_chunk_at=_number(told, "first_ms") / 1e3 or None,
            usage=_usage(told),
        )


def _told(metadata: Any) -> Any:
    """What Envoy has read off the answer: fields of a struct, by name; nothing where it has read none."""
    if ANSWER_NAMESPACE not in metadata:
        return {}
    return metadata[ANSWER_NAMESPACE].fields["usage"].struct_value.fields


def _usage(told: Any) -> Usage | None:
    if "output" not in told:
        return None
    return Usage(
        input_tokens=_count(told, "input") if "input" in told else None,
        output_tokens=_count(told, "output"),
        finish_reason=told["finish"].string_value if "finish" in told else None,
        response_model=told["model"].string_value if "model" in told else None,
        estimated="estimated" in told,
        chunks=_count(told, "events"),
    )


def _number(told: Any, name: str) -> float:
    value = float(told[name].number_value) if name in told else 0.0
    return value if math.isfinite(value) else 0.0


def _count(told: Any, name: str) -> int:
    return min(max(0, int(_number(told, name))), 2**53)
