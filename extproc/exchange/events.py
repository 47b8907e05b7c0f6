"""The words that Envoy and the processor speak, free of protobuf: events in, replies out.

A newcomer reads this first. `codec.py` turns bytes into events and replies into bytes; `stream.py` says which event
may follow which; `record.py` is what telemetry is told of it all. Everything here is data that nobody changes; what is made for
each message is not frozen all the same, which would cost a microsecond.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

from extproc.decision import Respond

if TYPE_CHECKING:
    from collections.abc import Mapping

REQUEST_ID_HEADER = "x-request-id"
"""Envoy's: one id for what all parts say of a request. It goes on upstream."""
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")

Phase = Literal[
    "request_headers", "request_body", "request_trailers", "response_headers", "response_body", "response_trailers"
]
"""What a message is about. The names are those of the oneof in `ProcessingRequest` and in `ProcessingResponse`."""


class BodyMode(IntEnum):
    """How Envoy sends a body; the numbers are those of `ProcessingMode.BodySendMode`."""

    NONE = 0
    STREAMED = 1
    BUFFERED = 2
    BUFFERED_PARTIAL = 3
    FULL_DUPLEX_STREAMED = 4
    GRPC = 5


class Negotiated(NamedTuple):
    """The body modes that Envoy is configured with, told once in the first message of a stream."""

    request_body: BodyMode
    response_body: BodyMode


@dataclass(slots=True)
class RequestHeaders:
    """A request begins. Names are in lower case; the values of a repeated header are joined by commas."""

    phase: ClassVar[Phase] = "request_headers"
    headers: Mapping[str, str]
    end_of_stream: bool = False
    negotiated: Negotiated | None = None
    """None from an Envoy that does not tell (before 1.33)."""
    metadata: Mapping[str, object] | None = None
    """What `jwt_authn` has verified, where Envoy is told to pass it on."""
    certificate: str = ""
    """The URI in the certificate that the caller has shown Envoy, where Envoy is told to say it."""
    outbound: bool = False
    """It leaves the workload beside this Envoy, where Envoy is told to say it."""
    observed: bool = False
    """Envoy only lets us watch (`observability_mode`): it reads no reply."""


def request_id_of(headers: Mapping[str, str]) -> str:
    """The request's id; empty where there is none, or a caller's own is not fit to be one."""
    match = _REQUEST_ID.fullmatch(headers.get(REQUEST_ID_HEADER, ""))
    return match[0] if match else ""


@dataclass(slots=True)
class RequestBody:
    """The request's body, or a chunk of it."""

    phase: ClassVar[Phase] = "request_body"
    body: bytes
    end_of_stream: bool = False


@dataclass(frozen=True, slots=True)
class RequestTrailers:
    """The request ends with trailers."""

    phase: ClassVar[Phase] = "request_trailers"


@dataclass(slots=True)
class ResponseHeaders:
    """An answer begins: from an upstream, or Envoy's own."""

    phase: ClassVar[Phase] = "response_headers"
    headers: Mapping[str, str]
    end_of_stream: bool = False
    cluster: str = ""
    """The upstream's, told where a model has versions among which Envoy has chosen."""


@dataclass(slots=True)
class ResponseBody:
    """The answer's body, or a chunk of it."""

    phase: ClassVar[Phase] = "response_body"
    body: bytes
    end_of_stream: bool = False


@dataclass(frozen=True, slots=True)
class ResponseTrailers:
    """The answer ends with trailers."""

    phase: ClassVar[Phase] = "response_trailers"


Event = RequestHeaders | RequestBody | RequestTrailers | ResponseHeaders | ResponseBody | ResponseTrailers


class Modes(NamedTuple):
    """What Envoy is to send us of the rest of this exchange (`mode_override`). It counts in replies to headers only."""

    request_body: BodyMode
    response_headers: bool
    response_body: BodyMode


class Proceed(NamedTuple):
    """Nothing changes."""

    phase: Phase
    modes: Modes | None = None


@dataclass(slots=True)
class Mutate:
    """Headers or body change."""

    phase: Phase
    set_headers: Mapping[str, str] = field(default_factory=dict)
    """Each replaces every value that the header had."""
    remove_headers: tuple[str, ...] = ()
    body: bytes | None = None
    """Takes the place of the body, or of this chunk of it; None leaves it."""
    content_length: bool = False
    """The body is a whole one, so its length is told. Envoy refuses a buffered body whose `content-length` disagrees."""
    clear_route_cache: bool = False
    """Envoy picks the route again, by the headers as they are now. Counts only beside a changed header."""
    modes: Modes | None = None
    metadata: Mapping[str, str | float] | None = None
    """Envoy's dynamic metadata, under METADATA_NAMESPACE."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a body in FULL_DUPLEX_STREAMED, where replies are not paired with messages."""

    phase: Phase
    body: bytes
    end_of_stream: bool


Reply = Proceed | Mutate | Chunk | Respond
"""Respond: Envoy answers the client with it, and no upstream sees the request (`ImmediateResponse`)."""
