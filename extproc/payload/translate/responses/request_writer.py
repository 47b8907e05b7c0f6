"""Requests for responses, as an upstream gets them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from extproc.payload.translate import seals
from extproc.payload.translate.answers import new_id
from extproc.payload.translate.content import present, unwrapped, with_failure
from extproc.payload.translate.conversation import (
    Block,
    Call,
    Choice,
    Form,
    Media,
    Refusal,
    Request,
    Result,
    Text,
    Thinking,
    Thought,
    Tool,
    Turn,
)
from extproc.payload.translate.data_url import url_of
from extproc.payload.translate.openai import effort_of, schema_of, written_choice
from extproc.payload.translate.responses import answer as responses

if TYPE_CHECKING:
    from extproc.payload.translate.fields import Losses

_SAME: Final = ("user", "safety_identifier", "prompt_cache_key", "service_tier")
_NAMES: Final = {
    "max_tokens": "max_output_tokens",
    **{name: name for name in ("temperature", "top_p", *_SAME, "metadata")},
}
"""Of settings, in the order in which they are written."""


def write(request: Request, losses: Losses) -> dict[str, Any]:
    """A request of responses. Nothing of it is stored: the other APIs know of no such thing."""
    body: dict[str, Any] = {"model": request.model} if request.model else {}
    body["input"] = [item for turn in request.turns for item in _items(turn, losses)]
    body["store"] = False
    request.put(body, _NAMES)
    thinking: Thinking | None = request.take("thinking")
    if thinking is not None and (effort := effort_of(thinking)):
        body["reasoning"] = {"effort": effort} | ({} if thinking.shown is False else {"summary": "auto"})
        body["include"] = ["reasoning.encrypted_content"]
    text: dict[str, Any] = {}
    form: Form | None = request.take("form")
    if form is not None:
        text["format"] = {"type": "json_object"} if form.schema is None else {"type": "json_schema", **schema_of(form)}
    request.put(text, {"verbosity": "verbosity"})
    if text:
        body["text"] = text
    _write_tools(body, request, losses)
    if request.stream:
        body["stream"] = True
    return body


def write_count(request: Request, losses: Losses) -> dict[str, Any]:
    """The same, to be counted."""
    request.take("begun")
    body = write(request, losses)
    for name in ("store", "stream", "max_output_tokens", "temperature", "top_p", "include", "metadata", *_SAME):
        body.pop(name, None)
    return body


def _write_tools(body: dict[str, Any], request: Request, losses: Losses) -> None:
    tools: list[Tool] | None = request.take("tools")
    parallel, choice = request.take("parallel"), request.take("tool_choice")
    if not tools:
        return
    body["tools"] = [{"type": "function", **_function(tool, losses)} for tool in tools]
    if parallel is not None:
        body["parallel_tool_calls"] = parallel
    if isinstance(choice, Choice):
        body["tool_choice"] = written_choice(choice, {"name": choice.name})


def _function(tool: Tool, losses: Losses) -> dict[str, Any]:
    losses.lose_cache(tool)
    strict = bool(tool.strict)
    return present(name=tool.name, parameters=tool.parameters, strict=strict, description=tool.description)


def _items(turn: Turn, losses: Losses) -> list[dict[str, Any]]:
    """A turn as items, in the order in which they were said."""
    items: list[dict[str, Any]] = []
    parts: list[dict[str, Any]] = []

    def say() -> None:
        if parts and turn.role == "assistant":
            items.append(_output(parts))
        elif parts:
            items.append({"type": "message", "role": turn.role, "content": parts.copy()})
        parts.clear()

    for block in turn.blocks:
        losses.lose_cache(block)
        if isinstance(block, Call):
            say()
            items.append(
                {"type": "function_call", "call_id": block.id, "name": block.name, "arguments": block.arguments or "{}"}
            )
        elif isinstance(block, Result):
            say()
            items.append(_result(block, losses))
        elif isinstance(block, Thought):
            say()
            if item := _reasoning(block, losses):
                items.append(item)
        elif part := _written(block, turn.role, losses):
            parts.append(part)
    say()
    return items


def _output(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """What the model has said: as a text, which needs no id of an answer that this API has never given."""
    if len(parts) == 1 and parts[0]["type"] == "output_text":
        return {"type": "message", "role": "assistant", "content": parts[0]["text"]}
    said = responses.message(new_id("msg_"), "completed")
    said["content"] = parts.copy()
    return said


def _reasoning(thought: Thought, losses: Losses) -> dict[str, Any] | None:
    if not thought.signature.startswith(seals.OPENAI):
        losses.lose_thought(thought.place, sealed=thought.sealed)
        return None
    known, _, sealed = thought.signature.removeprefix(seals.OPENAI).partition(":")
    summary = [{"type": "summary_text", "text": thought.text}] if thought.text else []
    return {"type": "reasoning", "id": known, "summary": summary, "encrypted_content": sealed}


def _result(result: Result, losses: Losses) -> dict[str, Any]:
    parts = []
    for block in with_failure(result):
        losses.lose_cache(block)
        if part := _written(block, "user", losses):
            parts.append(part)
    return {"type": "function_call_output", "call_id": result.id, "output": unwrapped(parts, "input_text") or ""}


def _written(block: Block, role: str, losses: Losses) -> dict[str, Any] | None:
    match block:
        case Text():
            if role == "assistant":
                return {"type": "output_text", "text": block.text, "annotations": []}
            return {"type": "input_text", "text": block.text}
        case Refusal():
            return {"type": "refusal", "refusal": block.text}
        case Media(kind="image") if role == "user":
            image: dict[str, Any] = {"type": "input_image", "detail": block.detail or "auto"}
            return image | ({"file_id": block.file_id} if block.file_id else {"image_url": url_of(block)})
        case Media(kind="document") if role == "user":
            file: dict[str, Any] = {"type": "input_file"}
            if block.file_id:
                return file | {"file_id": block.file_id}
            if block.url:
                return file | {"file_url": block.url}
            return file | {"file_data": url_of(block), "filename": block.name or "document"}
    losses.lose_block(block)
    return None
