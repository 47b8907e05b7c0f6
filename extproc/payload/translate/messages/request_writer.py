"""Requests for messages, and for counting their tokens, as an upstream gets them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from extproc.payload.translate import seals
from extproc.payload.translate.content import present, unwrapped
from extproc.payload.translate.conversation import (
    NO_SCHEMA,
    Block,
    Call,
    Choice,
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
from extproc.payload.translate.data_url import text_of
from extproc.payload.translate.fields import parsed_arguments

if TYPE_CHECKING:
    from extproc.payload.translate.fields import Losses

DEFAULT_MOST: Final = 4096
"""`max_tokens` of a request that names none, which this API does not know."""


def write(request: Request, losses: Losses) -> dict[str, Any]:
    """A request of messages."""
    body: dict[str, Any] = {"model": request.model} if request.model else {}
    most = request.take("max_tokens")
    body["max_tokens"] = DEFAULT_MOST if most is None else most
    opening, turns = request.opening()
    if system := [block for turn in opening for block in _blocks(turn, losses)]:
        body["system"] = unwrapped(system)
    body["messages"] = _messages(turns, losses)
    temperature = request.settings.get("temperature")
    if temperature is not None and temperature.value <= 1:
        body["temperature"] = request.take("temperature")
    request.put(body, {"top_p": "top_p", "top_k": "top_k", "stop": "stop_sequences"})
    if (user := request.take("user") or request.take("safety_identifier")) is not None:
        request.take("safety_identifier")
        body["metadata"] = {"user_id": user}
    _write_tools(body, request)
    _write_thinking(body, request)
    if request.stream:
        body["stream"] = True
    return body


def write_count(request: Request, losses: Losses) -> dict[str, Any]:
    """The same, to be counted."""
    body = write(request, losses)
    for name in ("max_tokens", "stream", "temperature", "top_p", "top_k", "stop_sequences", "metadata"):
        body.pop(name, None)
    return body


def _write_tools(body: dict[str, Any], request: Request) -> None:
    tools: list[Tool] | None = request.take("tools")
    parallel = request.take("parallel")
    choice: Choice | None = request.take("tool_choice")
    if not tools:
        return
    body["tools"] = [_function(tool) for tool in tools]
    if parallel is False and choice is None:
        choice = Choice("auto")
    if choice is not None:
        body["tool_choice"] = {"type": "tool", "name": choice.name} if choice.mode == "one" else {"type": choice.mode}
        if parallel is False and choice.mode != "none":
            body["tool_choice"]["disable_parallel_tool_use"] = True


def _function(tool: Tool) -> dict[str, Any]:
    schema = tool.parameters if tool.parameters.get("type") == "object" else {**NO_SCHEMA, **tool.parameters}
    return present(
        name=tool.name,
        input_schema=schema,
        description=tool.description,
        strict=tool.strict,
        cache_control=tool.cache,
    )


def _write_thinking(body: dict[str, Any], request: Request) -> None:
    config: dict[str, Any] = {}
    form = request.settings.get("form")
    if form is not None and form.value.schema is not None:
        request.take("form")
        config["format"] = {"type": "json_schema", "schema": form.value.schema}
    thinking: Thinking | None = request.take("thinking")
    if thinking is not None:
        if thinking.off:
            body["thinking"] = {"type": "disabled"}
        elif thinking.budget is not None:
            body["thinking"] = {"type": "enabled", "budget_tokens": thinking.budget}
        else:
            body["thinking"] = {"type": "adaptive"}
        if thinking.effort is not None and not thinking.off:
            config["effort"] = {"minimal": "low"}.get(thinking.effort, thinking.effort)
    if config:
        body["output_config"] = config


def _messages(turns: list[Turn], losses: Losses) -> list[dict[str, Any]]:
    """Turns as messages. All results of the calls of one turn have to stand in one message."""
    messages: list[dict[str, Any]] = []
    after_results = False
    for turn in turns:
        blocks = _blocks(turn, losses)
        results = bool(turn.blocks) and all(isinstance(block, Result) for block in turn.blocks)
        role = "system" if turn.role == "developer" else turn.role
        if after_results and role == "user":
            messages[-1]["content"] += blocks
        elif blocks:
            messages.append({"role": role, "content": blocks})
        after_results = results and role == "user"
    for message in messages:
        message["content"] = unwrapped(message["content"])
    return messages


def _blocks(turn: Turn, losses: Losses) -> list[dict[str, Any]]:
    """A block without text is none to this API."""
    written = []
    for block in turn.blocks:
        made = _written(block, turn.role, losses)
        if made is not None:
            if block.cache is not None:
                made["cache_control"] = block.cache
            written.append(made)
    return written


def _written(block: Block, role: str, losses: Losses) -> dict[str, Any] | None:
    match block:
        case Text(text=text) | Refusal(text=text):
            return {"type": "text", "text": text} if text else None
        case Call(id=known, name=name, arguments=arguments):
            place = f"{block.place}.function.arguments"
            return {"type": "tool_use", "id": known, "name": name, "input": parsed_arguments(arguments, place)}
        case Result() if role == "user":
            result: dict[str, Any] = {"type": "tool_result", "tool_use_id": block.id}
            content = [made for part in block.content if (made := _written(part, role, losses))]
            result["content"] = unwrapped(content)
            if block.failed:
                result["is_error"] = True
            return result
        case Thought(redacted=redacted) if redacted:
            return {"type": "redacted_thinking", "data": redacted}
        case Thought(signature=signature, text=text) if seals.of_anthropic(signature):
            return {"type": "thinking", "thinking": text, "signature": signature}
        case Thought():
            losses.lose_thought(block.place, sealed=block.sealed)
            return None
        case Media() if role == "user" and (source := _source(block)):
            kind = "image" if block.kind == "image" else "document"
            named = {"title": block.name} if kind == "document" and block.name else {}
            return {"type": kind, "source": source, **named}
    losses.lose_block(block)
    return None


def _source(media: Media) -> dict[str, Any] | None:
    if media.kind == "audio" or (media.detail and media.detail != "auto"):
        return None
    if media.kind == "document" and media.data and media.media_type != "application/pdf":
        text = text_of(media)
        return None if text is None else {"type": "text", "media_type": "text/plain", "data": text}
    if media.data:
        return {"type": "base64", "media_type": media.media_type, "data": media.data}
    if media.url:
        return {"type": "url", "url": media.url}
    return None
