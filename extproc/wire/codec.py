"""Bytes of ext_proc <-> our events and replies. The only module that knows the messages' shape.

Replies without anything of their own (most of them) are encoded once and kept. Values of headers come and go in
`raw_value`: Envoy ignores `value`, and answers 500 to a header that has both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError
from google.protobuf.struct_pb2 import Struct

from extproc.config.wire_names import (
    CERTIFICATE_ATTRIBUTE,
    CLAIMS_NAMESPACE,
    DIRECTION_ATTRIBUTE,
    METADATA_NAMESPACE,
    MODEL_HEADER,
    OUTBOUND,
    RESIDENCY_HEADER,
)
from extproc.errors import ProtocolError
from extproc.exchange.events import (
    BodyMode,
    Chunk,
    Event,
    Modes,
    Mutate,
    Negotiated,
    Proceed,
    Reply,
    RequestBody,
    RequestHeaders,
    RequestTrailers,
    ResponseBody,
    ResponseHeaders,
    ResponseTrailers,
)
from extproc.wire.messages import ProcessingRequest, ProcessingResponse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from extproc.decision import Respond

OVERWRITE_IF_EXISTS_OR_ADD = 2
"""`HeaderAppendAction`: the one that leaves exactly one value, whatever the client sent."""
CLUSTER_ATTRIBUTE = "xds.cluster_name"
_SEND, _SKIP = 1, 2
"""`HeaderSendMode`; 0 would leave the mode as it is."""


def decode(data: bytes) -> Event:
    """Read one `ProcessingRequest`. Raises ProtocolError when it is none, or holds nothing."""
    try:
        message = ProcessingRequest.FromString(data)
    except DecodeError:
        raise ProtocolError("the message is not a ProcessingRequest") from None
    match message.WhichOneof("request"):
        case "request_headers":
            part = message.request_headers
            return RequestHeaders(
                _headers(part),
                part.end_of_stream,
                _negotiated(message),
                _claims(message),
                _attribute(message, CERTIFICATE_ATTRIBUTE),
                _is_outbound(message),
                message.observability_mode,
            )
        case "request_body":
            return RequestBody(message.request_body.body, message.request_body.end_of_stream)
        case "response_headers":
            headers = message.response_headers
            return ResponseHeaders(_headers(headers), headers.end_of_stream, _attribute(message, CLUSTER_ATTRIBUTE))
        case "response_body":
            return ResponseBody(message.response_body.body, message.response_body.end_of_stream)
        case "request_trailers":
            return RequestTrailers()
        case "response_trailers":
            return ResponseTrailers()
    raise ProtocolError("the message holds no part of a request or response")


def _headers(part: Any) -> dict[str, str]:
    headers: dict[str, str] = {}
    for header in part.headers.headers:
        raw: bytes = header.raw_value
        value = raw.decode("latin-1") if raw else header.value
        name: str = header.key
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return headers


def _negotiated(message: Any) -> Negotiated | None:
    if not message.HasField("protocol_config"):
        return None
    protocol = message.protocol_config
    modes = _NEGOTIATED.get((protocol.request_body_mode, protocol.response_body_mode))
    if modes is None:
        raise ProtocolError(
            f"unknown body mode {max(protocol.request_body_mode, protocol.response_body_mode)}: this Envoy is newer than we are"
        )
    return modes


_NEGOTIATED = {(int(one), int(two)): Negotiated(one, two) for one in BodyMode for two in BodyMode}


def _attribute(message: Any, name: str) -> str:
    """An attribute that Envoy is told to say; empty where it does not."""
    if not message.attributes:
        return ""
    for space in message.attributes.values():
        if name in space.fields:
            return str(space.fields[name].string_value)
    return ""


def _is_outbound(message: Any) -> bool:
    return bool(message.attributes) and any(
        DIRECTION_ATTRIBUTE in space.fields and space.fields[DIRECTION_ATTRIBUTE].number_value == OUTBOUND
        for space in message.attributes.values()
    )


def _claims(message: Any) -> dict[str, Any] | None:
    """Payloads of verified JWTs, as plain data, by the name that they are kept under. Other metadata proves nothing."""
    if not message.HasField("metadata_context"):
        return None
    spaces = message.metadata_context.filter_metadata
    if CLAIMS_NAMESPACE not in spaces:
        return None
    claims: dict[str, Any] = MessageToDict(Struct.FromString(spaces[CLAIMS_NAMESPACE].SerializeToString()))
    return claims


_CONSTANT: dict[Proceed, bytes] = {}
"""Encoded replies that say nothing but "go on". There are few of them: six phases and a handful of modes."""
_ROUTED: dict[tuple[object, ...], bytes] = {}
"""Encoded replies that change nothing but the headers of the mesh's own, without their metadata: one for each model and zone."""
_MESH_HEADERS = frozenset((MODEL_HEADER, RESIDENCY_HEADER))
_MOST_ROUTED = 1024


def encode(reply: Reply) -> bytes:
    """One `ProcessingResponse`."""
    if isinstance(reply, Proceed):
        encoded = _CONSTANT.get(reply)
        if encoded is None:
            encoded = _CONSTANT[reply] = _encode_proceed(reply)
        return encoded
    if isinstance(reply, Mutate):
        if reply.body is None and not reply.remove_headers and reply.set_headers.keys() <= _MESH_HEADERS:
            return _routed(reply) + _encode_metadata(reply.metadata)
        return _encode_mutation(reply) + _encode_metadata(reply.metadata)
    message = ProcessingResponse()
    if isinstance(reply, Chunk):
        chunk = getattr(message, reply.phase).response.body_mutation.streamed_response
        chunk.body = reply.body
        chunk.end_of_stream = reply.end_of_stream
    else:
        _fill_response(message.immediate_response, reply)
    data: bytes = message.SerializeToString()
    return data


def _encode_proceed(reply: Proceed) -> bytes:
    message = ProcessingResponse()
    getattr(message, reply.phase).SetInParent()
    _override(message, reply.modes)
    encoded: bytes = message.SerializeToString()
    return encoded


def _routed(reply: Mutate) -> bytes:
    key = (reply.phase, reply.clear_route_cache, reply.modes, *reply.set_headers.items())
    encoded = _ROUTED.get(key)
    if encoded is None:
        if len(_ROUTED) >= _MOST_ROUTED:
            _ROUTED.clear()
        encoded = _ROUTED[key] = _encode_mutation(reply)
    return encoded


def _encode_mutation(reply: Mutate) -> bytes:
    """All of it but its metadata."""
    message = ProcessingResponse()
    part = getattr(message, reply.phase)
    part.SetInParent()
    if reply.phase.endswith("trailers"):
        _set_headers(part.header_mutation, reply.set_headers)
        return message.SerializeToString()  # type: ignore[no-any-return]
    common = part.response
    _set_headers(common.header_mutation, reply.set_headers)
    common.header_mutation.remove_headers.extend(reply.remove_headers)
    if reply.body is not None:
        if reply.body:
            common.body_mutation.body = reply.body
        else:
            common.body_mutation.clear_body = True
        if reply.content_length:
            _set_headers(common.header_mutation, {"content-length": str(len(reply.body))})
    common.clear_route_cache = reply.clear_route_cache
    _override(message, reply.modes)
    data: bytes = message.SerializeToString()
    return data


def _encode_metadata(metadata: Mapping[str, str | float] | None) -> bytes:
    """The field of a reply that follows its others: a message is the fields of it one after the other, in any order."""
    if not metadata:
        return b""
    message = ProcessingResponse()
    fields = message.dynamic_metadata.fields[METADATA_NAMESPACE].struct_value.fields
    for name, value in metadata.items():
        if isinstance(value, str):
            fields[name].string_value = value
        else:
            fields[name].number_value = value
    data: bytes = message.SerializeToString()
    return data


def _set_headers(mutation: Any, headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        option = mutation.set_headers.add()
        option.header.key = name
        option.header.raw_value = value.encode("latin-1", "replace")
        option.append_action = OVERWRITE_IF_EXISTS_OR_ADD


def _override(message: Any, modes: Modes | None) -> None:
    if modes is None:
        return
    override = message.mode_override
    override.SetInParent()
    override.request_body_mode = modes.request_body
    override.response_header_mode = _SEND if modes.response_headers else _SKIP
    override.response_body_mode = modes.response_body
    # Told, because `allowed_override_modes` is compared with all of it. We have no use for trailers in these modes.
    override.request_trailer_mode = _SKIP
    override.response_trailer_mode = _SKIP


def _fill_response(part: Any, reply: Respond) -> None:
    part.status.code = reply.status
    part.body = reply.body
    part.details = reply.details
    _set_headers(part.headers, reply.headers)
