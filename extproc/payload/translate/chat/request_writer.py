"""Requests for chat completions, as an upstream gets them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from extproc.payload.translate.content import file_text, present, unwrapped, with_failure
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

if TYPE_CHECKING:
    from extproc.payload.translate.fields import Losses

_NAMES: Final = {
    "max_tokens": "max_completion_tokens",
    **{
        name: name
        for name in (
            *("temperature", "top_p", "frequency_penalty", "presence_penalty", "seed", "stop"),
            *("user", "safety_identifier", "service_tier", "verbosity", "prompt_cache_key"),
            *("metadata", "logprobs", "top_logprobs"),
        )
    },
}
"""Of settings, in the order in which they are written."""


def write(request: Request, losses: Losses) -> dict[str, Any]:
    """A request of chat completions."""
    body: dict[str, Any] = {"model": request.model} if request.model else {}
    body["messages"] = [message for turn in request.turns for message in _messages(turn, losses)]
    request.put(body, _NAMES)
    thinking: Thinking | None = request.take("thinking")
    if thinking is not None and (effort := effort_of(thinking)):
        body["reasoning_effort"] = effort
    _write_tools(body, request, losses)
    form: Form | None = request.take("form")
    if form is not None:
        body["response_format"] = (
            {"type": "json_object"} if form.schema is None else {"type": "json_schema", "json_schema": schema_of(form)}
        )
    if request.stream:
        body["stream"] = True
        body["stream_options"] = {"include_usage": True}
    return body


def _write_tools(body: dict[str, Any], request: Request, losses: Losses) -> None:
    tools: list[Tool] | None = request.take("tools")
    if tools:
        body["tools"] = [{"type": "function", "function": _function(tool, losses)} for tool in tools]
    parallel = request.take("parallel")
    choice: Choice | None = request.take("tool_choice")
    if not tools:
        return
    if parallel is not None:
        body["parallel_tool_calls"] = parallel
    if choice is not None:
        body["tool_choice"] = written_choice(choice, {"function": {"name": choice.name}})


def _function(tool: Tool, losses: Losses) -> dict[str, Any]:
    losses.lose_cache(tool)
    return present(name=tool.name, parameters=tool.parameters, description=tool.description, strict=tool.strict)


def _messages(turn: Turn, losses: Losses) -> list[dict[str, Any]]:
    """A turn as messages: results of tools are messages of their own, before what the user says with them."""
    messages: list[dict[str, Any]] = []
    said: list[Block] = []
    calls: list[dict[str, Any]] = []
    for block in turn.blocks:
        losses.lose_cache(block)
        if isinstance(block, Result):
            messages.append(_result(block, losses))
        elif isinstance(block, Call):
            function = {"name": block.name, "arguments": block.arguments}
            calls.append({"id": block.id, "type": "function", "function": function})
        elif isinstance(block, Thought):
            losses.lose_thought(block.place, sealed=block.sealed)
        else:
            said.append(block)
    if said or calls or not messages:
        message: dict[str, Any] = {"role": turn.role}
        parts = [part for block in said if (part := _written(block, turn.role, losses))]
        nothing = None if calls else ""
        message["content"] = unwrapped(parts) if parts else nothing
        if calls:
            message["tool_calls"] = calls
        messages.append(message)
    return messages


def _result(result: Result, losses: Losses) -> dict[str, Any]:
    """What came of a call, of which this API tells texts alone."""
    parts = []
    for block in with_failure(result):
        losses.lose_cache(block)
        said = block.text if isinstance(block, Text) else file_text(block)
        if said is None:
            losses.lose_block(block)
        else:
            parts.append({"type": "text", "text": said})
    return {"role": "tool", "tool_call_id": result.id, "content": unwrapped(parts) or ""}


def _written(block: Block, role: str, losses: Losses) -> dict[str, Any] | None:
    if isinstance(block, Text):
        return {"type": "text", "text": block.text}
    if isinstance(block, Refusal):
        return {"type": "refusal", "refusal": block.text}
    if isinstance(block, Media) and role == "user":
        if block.kind == "image" and (block.data or block.url):
            image = {"url": url_of(block)} | ({"detail": block.detail} if block.detail else {})
            return {"type": "image_url", "image_url": image}
        if block.kind == "audio" and block.data:
            kind = "mp3" if block.media_type == "audio/mpeg" else "wav"
            return {"type": "input_audio", "input_audio": {"data": block.data, "format": kind}}
        if block.kind == "document" and (block.data or block.file_id):
            file = {"file_id": block.file_id} if block.file_id else {"file_data": url_of(block)}
            if block.data:
                file["filename"] = block.name or "document"
            return {"type": "file", "file": file}
    losses.lose_block(block)
    return None
