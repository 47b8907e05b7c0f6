"""An error as the caller of this API expects one: OpenAI's shape, Anthropic's, or plain JSON.

The message says what kind of thing was wrong and never quotes the request.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from extproc.config.api import vendor_of
from extproc.decision import Respond

if TYPE_CHECKING:
    from extproc.config.intercept import Intercept
    from extproc.errors import IntentmeshError


def refuse(error: IntentmeshError, rule: Intercept | None, target: str, request_id: str = "") -> Respond:
    """The reply to a request that this error ends; `request_id` is the one under which logs and traces know it."""
    message = str(error)
    if rule is not None and vendor_of(rule, target) == "anthropic":
        kind = error.anthropic_type or error.error_type
        shape: dict[str, object] = {"type": "error", "error": {"type": kind, "message": message}}
    else:
        shape = {"error": {"message": message, "type": error.error_type, "param": error.param, "code": _code(error)}}
    if request_id:
        shape["request_id"] = request_id
    headers = {**error.headers, "content-type": "application/json"}
    return Respond(error.status, headers, json.dumps(shape).encode(), f"intentmesh_{_code(error)}")


def _code(error: IntentmeshError) -> str:
    """`BodyTooLargeError` -> `body_too_large`."""
    name = type(error).__name__.removesuffix("Error")
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")
