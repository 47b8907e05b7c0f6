"""What the answers of all APIs have in common: how numbers, ids and reasons are read and made."""

from __future__ import annotations

import json
import uuid
from typing import Any, Final

from extproc.payload.translate.conversation import (
    Answer,
    Began,
    Block,
    Call,
    Counted,
    Ended,
    Event,
    Failure,
    Finish,
    Over,
    Piece,
    Refusal,
    Text,
    Thought,
)

FINISH_OF_CHAT: Final[dict[str, Finish]] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "calls",
    "function_call": "calls",
    "content_filter": "filter",
}
CHAT_OF_FINISH: Final[dict[Finish, str]] = {
    "stop": "stop",
    "sequence": "stop",
    "pause": "stop",
    "length": "length",
    "context": "length",
    "calls": "tool_calls",
    "filter": "content_filter",
    "refusal": "content_filter",
}
FINISH_OF_MESSAGES: Final[dict[str, Finish]] = {
    "end_turn": "stop",
    "stop_sequence": "sequence",
    "max_tokens": "length",
    "model_context_window_exceeded": "context",
    "tool_use": "calls",
    "refusal": "refusal",
    "pause_turn": "pause",
}
MESSAGES_OF_FINISH: Final[dict[Finish, str]] = {of: word for word, of in FINISH_OF_MESSAGES.items()} | {
    "filter": "refusal"
}
FINISH_OF_GEMINI: Final[dict[str, Finish]] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    **dict.fromkeys(
        ("MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "OTHER", "LANGUAGE"), "stop"
    ),
    **dict.fromkeys(
        ("SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY", "MODEL_ARMOR"), "filter"
    ),
}


def new_id(prefix: str) -> str:
    """An id for what the upstream has given none."""
    return f"{prefix}{uuid.uuid4().hex[:24]}"


def count(value: Any) -> int:
    """A number of tokens; what is none counts for nothing."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def mark(value: Any) -> int | str | None:
    """What tells one block from another; what can be none tells nothing."""
    return value if isinstance(value, int | str) else None


def part(value: Any, *names: str) -> dict[str, Any]:
    """An object within objects; an empty one where it is missing."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects of a list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text(value: Any) -> str:
    """A text; anything else is none."""
    return value if isinstance(value, str) else ""


def arguments_of(value: str) -> Any:
    """The arguments of a call as an object, as far as they are whole: a model may have been cut off, or have made a mistake."""
    try:
        parsed = json.loads(value or "{}")
    except (ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}


_KINDS: Final = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_GEMINI: Final = {
    "INVALID_ARGUMENT": "invalid_request_error",
    "FAILED_PRECONDITION": "invalid_request_error",
    "UNAUTHENTICATED": "authentication_error",
    "PERMISSION_DENIED": "permission_error",
    "NOT_FOUND": "not_found_error",
    "RESOURCE_EXHAUSTED": "rate_limit_error",
    "DEADLINE_EXCEEDED": "timeout_error",
    "UNAVAILABLE": "overloaded_error",
}
_ANTHROPIC: Final = frozenset(_KINDS.values())


def failure_of(body: Any) -> Failure | None:
    """The error that an answer, or an event, of any of these APIs is; None: it is none."""
    if isinstance(body, list) and len(body) == 1:
        body = body[0]
    if not isinstance(body, dict):
        return None
    error = body.get("error")
    if body.get("type") == "error" and error is None:  # an event of responses
        error = body
    elif body.get("type") == "response.failed":
        error = part(body, "response", "error")
    if isinstance(error, str):
        return Failure("api_error", error)
    if not isinstance(error, dict):
        return None
    status = text(error.get("status"))
    kind, code = text(error.get("type")), error.get("code")
    if status in _GEMINI:
        kind = _GEMINI[status]
    elif isinstance(code, int) and not isinstance(code, bool):
        kind = _KINDS.get(code, kind or "api_error")
    elif kind not in _ANTHROPIC:
        kind = _of_openai(kind, text(code))
    message = text(error.get("message")) or "the upstream told no reason"
    return Failure(kind, message, text(code) or None, text(error.get("param")) or None)


def _of_openai(kind: str, code: str) -> str:
    for word, found in (
        ("rate_limit", "rate_limit_error"),
        ("insufficient_quota", "rate_limit_error"),
        ("invalid_api_key", "authentication_error"),
        ("not_found", "not_found_error"),
        ("overloaded", "overloaded_error"),
        ("unavailable", "overloaded_error"),
        ("invalid", "invalid_request_error"),
        ("context_length", "invalid_request_error"),
    ):
        if word in code or word in kind:
            return found
    return "api_error"


def kind_of_status(status: int) -> str:
    """Anthropic's word for an error of which nothing but its status is known."""
    return _KINDS.get(status, "invalid_request_error" if 400 <= status < 500 else "api_error")


def in_pieces(answer: Answer) -> list[Event]:
    """A whole answer as a stream would have told it."""
    events: list[Event] = [Began(answer.id, answer.model, answer.usage, answer.created)]
    for number, block in enumerate(answer.blocks):
        events += _pieces(number, block)
    return [*events, Ended(answer.finish, answer.sequence), Counted(answer.usage), Over()]


def _pieces(number: int, block: Block) -> list[Event]:
    match block:
        case Text(text=said):
            return [Piece("text", number, said)]
        case Refusal(text=said):
            return [Piece("refusal", number, said)]
        case Call():
            return [Piece("call", number, block.arguments, block.id, block.name)]
        case Thought(redacted=redacted) if redacted:
            return [Piece("redacted", number, redacted)]
        case Thought():
            thought: list[Event] = [Piece("thought", number, block.text)] if block.text else []
            return [*thought, Piece("signature", number, block.signature)] if block.signature else thought
    raise AssertionError("no answer has other blocks")
