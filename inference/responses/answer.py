"""Answers of /v1/responses: whole, and as events. Builds JSON, does no I/O."""

from __future__ import annotations

import itertools
import json
import time
import uuid
from typing import TYPE_CHECKING, Any

from inference.blocks import Blocks, Closed, Grew, Opened

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from inference.blocks import Block, Change
    from inference.errors import InferenceError
    from inference.generation import Piece, Usage
    from inference.responses.request import ResponsesBody
    from inference.service import Job

_PARTS = {"thought": "reasoning_text", "text": "output_text"}
_IDS = {"thought": "rs_", "text": "msg_", "call": "fc_"}


class ResponsesAnswer:
    """One answer of /v1/responses."""

    def __init__(self, model: str, job: Job, body: ResponsesBody, count: Callable[[str], int]) -> None:
        """`count` tells how many tokens a text has."""
        self._model = model
        self._body = body
        self._count = count
        self._blocks = Blocks(job.new_parser())
        self._id = "resp_" + uuid.uuid4().hex
        self._created = int(time.time())
        self._numbers = itertools.count()
        self._last: Piece | None = None

    def whole(self, choices: Sequence[Sequence[Piece]]) -> dict[str, Any]:
        """The answer to a request that is not streamed."""
        (pieces,) = choices
        self._blocks.read("".join(piece.text for piece in pieces))
        return self._ended(pieces[-1])

    def begin(self) -> bytes:
        """That it is being answered."""
        response = self._response("in_progress", None)
        return self._event("response.created", response=response) + self._event(
            "response.in_progress", response=response
        )

    def piece(self, _: int, piece: Piece) -> bytes:
        """Items that begin, go on and end."""
        self._last = piece
        changes = list(self._blocks.feed(piece.text, last=piece.finish is not None))
        cut = len(changes) - 1 if piece.finish == "length" else -1
        return b"".join(
            part
            for number, change in enumerate(changes)
            for part in self._events(change, "incomplete" if number == cut else "completed")
        )

    def end(self) -> bytes:
        """The whole response once more."""
        assert self._last is not None
        response = self._ended(self._last)
        return self._event(f"response.{response['status']}", response=response)

    def error(self, error: InferenceError) -> bytes:
        """That it failed in the middle."""
        return self._event("error", code=error.code or error.error_type, message=str(error), param=error.param)

    def _events(self, change: Change, done_as: str) -> list[bytes]:
        block = change.block
        at = {"item_id": _id(block), "output_index": block.index}
        part = {**at, "content_index": 0}
        logprobs: dict[str, Any] = {"logprobs": []} if block.kind == "text" else {}
        kind = f"response.{_PARTS.get(block.kind, 'function_call_arguments')}"
        match change:
            case Opened():
                begun = [
                    self._event(
                        "response.output_item.added", output_index=block.index, item=_item(block, "in_progress")
                    )
                ]
                if block.kind != "call":
                    begun.append(self._event("response.content_part.added", **part, part=_part(block, "")))
                return begun
            case Grew(_, text):
                return [self._event(f"{kind}.delta", **(at if block.kind == "call" else part), delta=text, **logprobs)]
            case Closed():
                if block.kind == "call":
                    said = [self._event(f"{kind}.done", **at, name=block.name, arguments=block.text)]
                else:
                    said = [
                        self._event(f"{kind}.done", **part, text=block.text, **logprobs),
                        self._event("response.content_part.done", **part, part=_part(block, block.text)),
                    ]
                item = _item(block, done_as)
                return [*said, self._event("response.output_item.done", output_index=block.index, item=item)]

    def _ended(self, piece: Piece) -> dict[str, Any]:
        assert piece.usage is not None
        thought = sum(self._count(block.text) for block in self._blocks.all if block.kind == "thought")
        return self._response("incomplete" if piece.finish == "length" else "completed", _usage(piece.usage, thought))

    def _response(self, status: str, usage: dict[str, Any] | None) -> dict[str, Any]:
        body = self._body
        output = [] if usage is None else [_item(block, "completed") for block in self._blocks.all]
        if output and status == "incomplete":
            output[-1]["status"] = status
        return {
            "id": self._id,
            "object": "response",
            "created_at": self._created,
            "completed_at": int(time.time()) if status == "completed" else None,
            "status": status,
            "background": False,
            "error": None,
            "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
            "instructions": body.instructions,
            "max_output_tokens": body.max_output_tokens,
            "metadata": body.metadata or {},
            "model": self._model,
            "output": output,
            "parallel_tool_calls": body.parallel_tool_calls is not False,
            "previous_response_id": None,
            "reasoning": {"effort": body.reasoning.effort if body.reasoning else None, "summary": None},
            "service_tier": "default",
            "store": False,
            "temperature": body.temperature,
            "text": {"format": (body.text.format if body.text else None) or {"type": "text"}},
            "tool_choice": body.tool_choice or "auto",
            "tools": body.tools or [],
            "top_p": body.top_p,
            "truncation": "disabled",
            "usage": usage,
        }

    def _event(self, kind: str, **fields: Any) -> bytes:
        body = {"type": kind, "sequence_number": next(self._numbers), **fields}
        data = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
        return b"event: " + kind.encode() + b"\ndata: " + data + b"\n\n"


def _id(block: Block) -> str:
    return _IDS[block.kind] + block.id.removeprefix("call_")


def _item(block: Block, status: str) -> dict[str, Any]:
    """An item of the output, as far as it has come."""
    item: dict[str, Any] = {"id": _id(block), "status": status}
    begun = status == "in_progress"
    if block.kind == "call":
        arguments = "" if begun else block.text
        return {**item, "type": "function_call", "call_id": block.id, "name": block.name, "arguments": arguments}
    content = [] if begun else [_part(block, block.text)]
    if block.kind == "thought":
        return {**item, "type": "reasoning", "summary": [], "content": content}
    return {**item, "type": "message", "role": "assistant", "content": content}


def _part(block: Block, text: str) -> dict[str, Any]:
    part: dict[str, Any] = {"type": _PARTS[block.kind], "text": text}
    return part if block.kind == "thought" else {**part, "annotations": [], "logprobs": []}


def _usage(usage: Usage, thought: int) -> dict[str, Any]:
    return {
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens, "cache_write_tokens": 0},
        "output_tokens": usage.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": min(thought, usage.completion_tokens)},
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
    }
