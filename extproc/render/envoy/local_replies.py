"""Envoy's own errors on the paths that the processor reads, in the shape that the caller's API gives to errors.

A refused token, a model that nobody can reach, a processor that does not answer: Envoy says it in plain text, and a client of
OpenAI's or of Anthropic's that expects JSON tells its user nothing of it. What the processor refuses, and what a route answers,
has its shape already and is left alone.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from envoy_data_plane.envoy.config.accesslog.v3 import AccessLogFilter, ExtensionFilter
from envoy_data_plane.envoy.config.core.v3 import SubstitutionFormatString
from envoy_data_plane.envoy.extensions.access_loggers.filters.cel.v3 import ExpressionFilter
from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager.v3 import (
    LocalReplyConfig,
    ResponseMapper,
)
from envoy_data_plane.google.protobuf import NullValue, Struct, Value

from extproc.config.api import endings_of
from extproc.config.wire_names import CALLER_API, METADATA_NAMESPACE
from extproc.render.document import Note
from extproc.render.envoy.extension import packed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extproc.config import Mesh
    from extproc.config.intercept import Intercept

NOTES: Final = (
    Note("local_reply_config", "Envoy's own errors on intercepted paths, as JSON in the shape of the caller's API."),
)
BODY: Final = "%LOCAL_REPLY_BODY%"
NOT_SHAPED: Final = '!response.code_details.startsWith("intentmesh_") && response.code_details != "direct_response"'
"""What the processor answers, and what a route does, comes as it is to look."""


_METADATA: Final = "metadata.filter_metadata"
_TOLD: Final = f'{_METADATA}["{METADATA_NAMESPACE}"]'


class Kind(NamedTuple):
    """One kind of error: when it is this one, and how each API calls it."""

    when: str
    openai: str
    anthropic: str
    code: str
    message: str


_KINDS: Final = (
    Kind("response.code == 401", "authentication_error", "authentication_error", "unauthorized", BODY),
    Kind("response.code == 403", "permission_error", "permission_error", "forbidden", BODY),
    Kind("response.code in [408, 504]", "timeout_error", "timeout_error", "timeout", f"it took too long: {BODY}"),
    Kind(
        "response.code == 413",
        "invalid_request_error",
        "request_too_large",
        "body_too_large",
        "the request is too large",
    ),
    Kind(
        "response.code == 429",
        "rate_limit_error",
        "rate_limit_error",
        "rate_limit_exceeded",
        f"too many requests {BODY}",
    ),
    Kind("response.code < 500", "invalid_request_error", "invalid_request_error", "bad_request", f"refused: {BODY}"),
    Kind(
        'response.code_details.startsWith("ext_proc")',
        "service_unavailable",
        "api_error",
        "not_inspected",
        "the request could not be inspected, and was not sent on",
    ),
    Kind("true", "service_unavailable", "api_error", "unavailable", f"no model could be reached: {BODY}"),
)
"""The first that it is, in this order."""


def local_replies(mesh: Mesh) -> LocalReplyConfig | None:
    """How Envoy's own errors look; None where nothing is intercepted."""
    if not mesh.intercept:
        return None
    mappers = []
    for shape, is_anthropic in ((_anthropic, True), (_openai, False)):
        by_path = " || ".join(_asked(mesh, of_anthropic=is_anthropic)) or "false"
        by_processor = f'{_TOLD}["{CALLER_API}"] {"==" if is_anthropic else "!="} "anthropic"'
        # the path that Envoy sees is the model's, where the processor has translated the request
        condition = f'"{METADATA_NAMESPACE}" in {_METADATA} && "{CALLER_API}" in {_TOLD} ? {by_processor} : ({by_path})'
        mappers += [_mapper(f"{kind.when} && {NOT_SHAPED} && ({condition})", shape(kind)) for kind in _KINDS]
    return LocalReplyConfig(mappers=mappers)


def _asked(mesh: Mesh, *, of_anthropic: bool) -> Iterator[str]:
    """CEL for the requests that expect errors of one shape: by their rule, or where it goes by the path, by that."""
    endings = " || ".join(f"request.url_path.endsWith({json.dumps(ending)})" for ending in endings_of("anthropic"))
    by_path = [_matches(rule) for rule in mesh.intercept if rule.payload == "auto"]
    for rule in mesh.intercept:
        if rule.payload != "auto" and (rule.payload == "anthropic") is of_anthropic:
            yield _matches(rule)
    if by_path:
        yield f"({' || '.join(by_path)}) && {'' if of_anthropic else '!'}({endings})"


def _matches(rule: Intercept) -> str:
    if rule.path is not None:
        return f"request.url_path == {json.dumps(rule.path)}"
    return f"request.url_path.startsWith({json.dumps(rule.path_prefix)})"


def _openai(kind: Kind) -> dict[str, Any]:
    error = {"message": kind.message, "type": kind.openai, "param": None, "code": kind.code}
    return {"error": error, "request_id": "%REQ(X-REQUEST-ID)%"}


def _anthropic(kind: Kind) -> dict[str, Any]:
    error = {"type": kind.anthropic, "message": kind.message}
    return {"type": "error", "error": error, "request_id": "%REQ(X-REQUEST-ID)%"}


def _mapper(expression: str, shape: dict[str, Any]) -> ResponseMapper:
    extension = ExtensionFilter(
        name="envoy.access_loggers.extension_filters.cel", typed_config=packed(ExpressionFilter(expression=expression))
    )
    return ResponseMapper(
        filter=AccessLogFilter(extension_filter=extension),
        body_format_override=SubstitutionFormatString(json_format=_struct(shape), content_type="application/json"),
    )


def _struct(shape: dict[str, Any]) -> Struct:
    return Struct(fields={key: _value(value) for key, value in shape.items()})


def _value(value: dict[str, Any] | str | None) -> Value:
    if value is None:
        return Value(null_value=NullValue.NULL_VALUE)
    return Value(struct_value=_struct(value)) if isinstance(value, dict) else Value(string_value=value)
