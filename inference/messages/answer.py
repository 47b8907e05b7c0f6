"""Answers of /v1/messages: whole, and as events. Builds JSON, does no I/O."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from inference.blocks import Blocks, Closed, Grew, Opened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inference.blocks import Block
    from inference.errors import InferenceError
    from inference.generation import Piece, Usage
    from inference.service import Job

_ERROR_TYPES = {400: "invalid_request_error", 401: "authentication_error", 404: "not_found_error", 413: "request_too_large",
                503: "overloaded_error"}  # fmt: skip
_DELTAS = {
    "thought": ("thinking_delta", "thinking"),
    "text": ("text_delta", "text"),
    "call": ("input_json_delta", "partial_json"),
}


def error_body(error: InferenceError) -> dict[str, Any]:
    """An error in Anthropic's shape; its place goes before the message, which has no field for it."""
    kind = _ERROR_TYPES.get(error.status, "invalid_request_error" if error.status < 500 else "api_error")
    text = str(error)
    message = text if error.param is None or text.startswith(error.param) else f"{error.param}: {text}"
    return {"type": "error", "error": {"type": kind, "message": message}}


class MessagesAnswer:
    """One answer of /v1/messages."""

    def __init__(self, model: str, job: Job) -> None:
        self._model = model
        self._job = job
        self._id = "msg_" + uuid.uuid4().hex
        self._blocks = Blocks(job.new_parser())

    def whole(self, choices: Sequence[Sequence[Piece]]) -> dict[str, Any]:
        """The answer to a request that is not streamed."""
        (pieces,) = choices
        blocks = self._blocks.read("".join(piece.text for piece in pieces))
        usage = pieces[-1].usage
        assert usage is not None
        content = [_whole(block) for block in blocks]
        return {**self._head(content, _usage(usage)), **self._reason(pieces[-1])}

    def begin(self) -> bytes:
        """`message_start`."""
        usage = {"input_tokens": len(self._job.tasks[0].prompt), "output_tokens": 0}
        return _event("message_start", message={**self._head([], usage), "stop_reason": None, "stop_sequence": None})

    def piece(self, _: int, piece: Piece) -> bytes:
        """Blocks that begin, go on and end; with the last piece why."""
        parts = []
        for change in self._blocks.feed(piece.text, last=piece.finish is not None):
            match change:
                case Opened(block):
                    parts.append(_event("content_block_start", index=block.index, content_block=_empty(block)))
                case Grew(block, text):
                    kind, key = _DELTAS[block.kind]
                    parts.append(_event("content_block_delta", index=block.index, delta={"type": kind, key: text}))
                case Closed(block):
                    if block.kind == "thought":
                        signature = {"type": "signature_delta", "signature": ""}
                        parts.append(_event("content_block_delta", index=block.index, delta=signature))
                    parts.append(_event("content_block_stop", index=block.index))
        if piece.finish is not None:
            assert piece.usage is not None
            parts.append(_event("message_delta", delta=self._reason(piece), usage=_usage(piece.usage)))
        return b"".join(parts)

    def end(self) -> bytes:
        """`message_stop`."""
        return _event("message_stop")

    def error(self, error: InferenceError) -> bytes:
        """That it failed in the middle."""
        return b"event: error\ndata: " + _json(error_body(error)) + b"\n\n"

    def _head(self, content: list[dict[str, Any]], usage: dict[str, int]) -> dict[str, Any]:
        return {
            "id": self._id,
            "type": "message",
            "role": "assistant",
            "model": self._model,
            "content": content,
            "usage": usage,
        }

    def _reason(self, piece: Piece) -> dict[str, Any]:
        reason = "max_tokens" if piece.finish == "length" else "stop_sequence" if piece.stop is not None else "end_turn"
        if reason != "max_tokens" and self._blocks.called:
            return {"stop_reason": "tool_use", "stop_sequence": None}
        return {"stop_reason": reason, "stop_sequence": piece.stop if reason == "stop_sequence" else None}


def _whole(block: Block) -> dict[str, Any]:
    if block.kind == "thought":
        return {"type": "thinking", "thinking": block.text, "signature": ""}
    if block.kind == "text":
        return {"type": "text", "text": block.text}
    return {**_empty(block), "input": _arguments(block.text)}


def _empty(block: Block) -> dict[str, Any]:
    if block.kind == "thought":
        return {"type": "thinking", "thinking": "", "signature": ""}
    if block.kind == "text":
        return {"type": "text", "text": ""}
    return {"type": "tool_use", "id": "toolu_" + block.id.removeprefix("call_"), "name": block.name, "input": {}}


def _arguments(text: str) -> dict[str, Any]:
    """Arguments as an object; what `max_tokens` has cut is none, and its `stop_reason` says so."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _usage(usage: Usage) -> dict[str, int]:
    return {
        "input_tokens": usage.prompt_tokens - usage.cached_tokens,
        "cache_read_input_tokens": usage.cached_tokens,
        "cache_creation_input_tokens": 0,
        "output_tokens": usage.completion_tokens,
    }


def _event(kind: str, **fields: Any) -> bytes:
    return b"event: " + kind.encode() + b"\ndata: " + _json({"type": kind, **fields}) + b"\n\n"


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
