"""A provider's API as a cloud serves it: other paths, another envelope around the body, other frames around the answer.

What a model is asked and what it answers stays as its API has it, masked and restored as everywhere. Only where the request goes,
and how its answer travels, is the cloud's.
"""

from __future__ import annotations

import base64
import binascii
import struct
import zlib
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote

from extproc.errors import ERRORS_FROM, UnreadableAnswerError, UntranslatableError
from extproc.payload.translate.answers import failure_of, kind_of_status, text
from extproc.payload.translate.conversation import Failure
from extproc.payload.translate.fields import encoded, parsed
from extproc.payload.translate.messages.answer import write_failure

if TYPE_CHECKING:
    from extproc.config.models import ModelApi
    from extproc.config.platforms import Platform

BEDROCK_VERSION: Final = "bedrock-2023-05-31"
VERTEX_VERSION: Final = "vertex-2023-10-16"
EVENT_STREAM: Final = "application/vnd.amazon.eventstream"
MOST_FRAME_BYTES: Final = 16 * 1024 * 1024
_PRELUDE: Final = struct.Struct(">III")
_SIZES: Final = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Type of a header's value -> its bytes; 6 and 7 say them."""
_EXCEPTIONS: Final = {
    "throttlingException": "rate_limit_error",
    "validationException": "invalid_request_error",
    "accessDeniedException": "permission_error",
    "modelTimeoutException": "timeout_error",
    "serviceUnavailableException": "overloaded_error",
}


class Hosted(NamedTuple):
    """A request as the cloud takes it."""

    body: bytes
    target: str
    remove_headers: tuple[str, ...] = ()
    reframes: bool = False
    """Its answer has to be brought back to what the API says."""


def hosted(
    platform: Platform, api: ModelApi | None, target: str, body: bytes, *, beta: str = "", counts: bool = False
) -> Hosted:
    """A request in a model's own API, for the cloud that serves it. `beta`: the header `anthropic-beta`; `counts`: it asks how
    many tokens it has. Raises UntranslatableError for what the cloud has no place for.
    """
    path = target.partition("?")[0]
    if api == "anthropic":
        return _anthropic(platform, body, beta=beta, counts=counts)
    if platform.bedrock is not None:
        return Hosted(body, f"/openai/v1/{_after(path, '/v1/')}")
    assert platform.vertex is not None
    if api == "gemini":
        method = target[target.index("/models/") + len("/models/") :] if "/models/" in target else target.lstrip("/")
        return Hosted(body, f"{_vertex(platform)}/publishers/google/models/{method}")
    return Hosted(body, f"{_vertex(platform)}/endpoints/openapi/{_after(path, '/v1/')}")


def _anthropic(platform: Platform, body: bytes, *, beta: str, counts: bool) -> Hosted:
    value = parsed(body)
    if not isinstance(value, dict) or not text(value.get("model")):
        raise UntranslatableError(
            "the body must be an object of JSON with a `model`, which the cloud wants in the path"
        )
    model = quote(value["model"], safe="")
    removed = ("content-encoding", "anthropic-version", "anthropic-beta")
    if platform.bedrock is not None:
        if counts:
            raise UntranslatableError(
                "the model that gets this request is Bedrock's, which counts no tokens beforehand"
            )
        streams = value.pop("stream", None) is True
        del value["model"]
        value = {"anthropic_version": BEDROCK_VERSION, **value}
        if beta:
            value["anthropic_beta"] = [name.strip() for name in beta.split(",") if name.strip()]
        method = "invoke-with-response-stream" if streams else "invoke"
        return Hosted(encoded(value), f"/model/{model}/{method}", removed, reframes=True)
    value = {"anthropic_version": VERTEX_VERSION, **value}
    if counts:
        return Hosted(
            encoded(value), f"{_vertex(platform)}/publishers/anthropic/models/count-tokens:rawPredict", removed[:2]
        )
    del value["model"]
    method = "streamRawPredict" if value.get("stream") is True else "rawPredict"
    target = f"{_vertex(platform)}/publishers/anthropic/models/{model}:{method}"
    return Hosted(encoded(value), target, removed[:2], reframes=True)


def _vertex(platform: Platform) -> str:
    assert platform.vertex is not None
    return f"/v1/projects/{platform.vertex.project}/locations/{platform.vertex.location}"


def _after(path: str, begin: str) -> str:
    return path.partition(begin)[2] or path.lstrip("/")


class Reframed:
    """A ResponseEditor: an answer as Anthropic's API has it, of what a cloud sends."""

    def __init__(self, *, status: int, media: str) -> None:
        self._frames = FrameReader() if media == EVENT_STREAM and status < ERRORS_FROM else None
        self._status = status
        self._failed: list[bytes] | None = [] if status >= ERRORS_FROM else None

    def feed(self, chunk: bytes, *, end: bool = False) -> bytes:
        """See ResponseEditor. Raises UnreadableAnswerError for frames that are none."""
        if self._failed is not None:
            self._failed.append(chunk)
            return self._failure(b"".join(self._failed)) if end else b""
        if self._frames is None:
            return chunk
        return b"".join(_event(headers, payload) for headers, payload in self._frames.feed(chunk))

    def _failure(self, body: bytes) -> bytes:
        value = parsed(body)
        failure = failure_of(value)
        if failure is None:
            message = text(value.get("message")) or text(value.get("Message")) if isinstance(value, dict) else ""
            failure = Failure(kind_of_status(self._status), message or f"the upstream answered {self._status}")
        return encoded(write_failure(failure))


class FrameReader:
    """Takes Amazon's event stream apart: each frame has headers, a payload and two checksums."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, chunk: bytes) -> list[tuple[dict[str, str], bytes]]:
        """The frames that are whole now. Raises UnreadableAnswerError."""
        held = self._held
        held += chunk
        frames, at = [], 0
        while len(held) - at >= _PRELUDE.size:
            total, size, check = _PRELUDE.unpack_from(held, at)
            if zlib.crc32(held[at : at + 8]) != check or not size + 16 <= total <= MOST_FRAME_BYTES:
                raise UnreadableAnswerError("the upstream's stream is no event stream of Amazon's")
            if len(held) - at < total:
                break
            frame = bytes(held[at : at + total])
            if zlib.crc32(frame[:-4]) != int.from_bytes(frame[-4:]):
                raise UnreadableAnswerError("a frame of the upstream's stream has another checksum than it says")
            frames.append((_headers(frame[12 : 12 + size]), frame[12 + size : -4]))
            at += total
        del held[:at]
        return frames


def _headers(data: bytes) -> dict[str, str]:
    """Those of a frame that are texts."""
    headers: dict[str, str] = {}
    at = 0
    try:
        while at < len(data):
            end = at + 1 + data[at]
            name, kind, at = data[at + 1 : end].decode(), data[end], end + 1
            if kind in (6, 7):
                size = int.from_bytes(data[at : at + 2])
                value, at = data[at + 2 : at + 2 + size], at + 2 + size
                if kind == 7:
                    headers[name] = value.decode()
            else:
                at += _SIZES[kind]
    except (IndexError, KeyError, UnicodeDecodeError):
        raise UnreadableAnswerError("a frame of the upstream's stream has headers that cannot be read") from None
    return headers


def _event(headers: dict[str, str], payload: bytes) -> bytes:
    """The event of Anthropic's that a frame brings."""
    value: Any = parsed(payload)
    kind = headers.get(":exception-type")
    if kind is not None or headers.get(":message-type") in ("exception", "error"):
        message = text(value.get("message")) if isinstance(value, dict) else ""
        failure = Failure(_EXCEPTIONS.get(kind or "", "api_error"), message or kind or "the upstream's stream failed")
        return _sse("error", encoded(write_failure(failure)))
    try:
        data = base64.b64decode(value["bytes"], validate=True)
    except (KeyError, TypeError, ValueError, binascii.Error):
        raise UnreadableAnswerError("a frame of the upstream's stream holds no event") from None
    event = parsed(data)
    if not isinstance(event, dict):
        raise UnreadableAnswerError("a frame of the upstream's stream holds no event")
    return _sse(text(event.get("type")), encoded(event) if b"\n" in data else data)


def _sse(kind: str, data: bytes) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (kind.encode(), data)
