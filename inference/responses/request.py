"""Bodies of /v1/responses as chats. What needs a memory, or tools of OpenAI's own, is refused by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from inference.errors import InvalidRequestError
from inference.protocol import ChatBody, read_body

if TYPE_CHECKING:
    from collections.abc import Sequence

_NEEDS_MEMORY = ("previous_response_id", "conversation", "prompt")


class Reasoning(BaseModel):
    """How much the model thinks."""

    effort: str | None = None


class TextConfig(BaseModel):
    """What form the text takes."""

    format: dict[str, Any] | None = None
    verbosity: str | None = None


class ResponsesBody(BaseModel):
    """Of /v1/responses."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    model: str | None = None
    input: str | list[Any]
    instructions: str | None = None
    stream: bool | None = None
    max_output_tokens: int | None = Field(default=None, ge=1)
    temperature: float | None = Field(default=None, ge=0, le=100)
    top_p: float | None = Field(default=None, ge=0, le=1)
    tools: list[Any] | None = None
    tool_choice: Any = None
    parallel_tool_calls: bool | None = None
    reasoning: Reasoning | None = None
    text: TextConfig | None = None
    metadata: dict[str, str] | None = None
    store: bool | None = None
    background: bool | None = None
    truncation: str | None = None
    top_logprobs: int | None = None
    include: list[str] | None = None


def read_responses(value: Any) -> ResponsesBody:
    """Check a body; the first mistake is an InvalidRequestError."""
    for name in _NEEDS_MEMORY:
        if isinstance(value, dict) and value.get(name) is not None:
            raise InvalidRequestError(
                f"{name}: this server stores nothing; send the whole conversation as input", param=name
            )
    body = read_body(ResponsesBody, value)
    if body.store:
        raise InvalidRequestError("store: this server stores nothing; send false, or leave it out", param="store")
    if body.background:
        raise InvalidRequestError(
            "background: this server answers at once; send false, or leave it out", param="background"
        )
    if body.truncation not in (None, "disabled"):
        raise InvalidRequestError(
            "truncation: nothing of a conversation is left out here; send disabled", param="truncation"
        )
    if body.top_logprobs or "message.output_text.logprobs" in (body.include or ()):
        raise InvalidRequestError(
            "log probabilities are told by /v1/chat/completions, not here",
            param="top_logprobs" if body.top_logprobs else "include",
        )
    if body.text is not None and body.text.verbosity not in (None, "medium"):
        raise InvalidRequestError("text.verbosity: this model knows none but medium", param="text.verbosity")
    return body


def chat_of(body: ResponsesBody) -> ChatBody:
    """The same request as a chat."""
    messages = [{"role": "system", "content": body.instructions}] if body.instructions else []
    if isinstance(body.input, str):
        messages.append({"role": "user", "content": body.input})
    else:
        messages += _messages(body.input)
    chat = {
        "messages": messages,
        "max_tokens": body.max_output_tokens,
        "stream": body.stream,
        "temperature": body.temperature,
        "top_p": body.top_p,
        "tools": None if body.tools is None else [_tool(tool, f"tools.{at}") for at, tool in enumerate(body.tools)],
        "tool_choice": body.tool_choice,
        "parallel_tool_calls": body.parallel_tool_calls,
        "reasoning_effort": body.reasoning.effort if body.reasoning is not None else None,
        "response_format": _format(body.text),
    }
    if not messages:
        raise InvalidRequestError("the input is empty", param="input")
    return read_body(ChatBody, {key: value for key, value in chat.items() if value is not None})


def _messages(items: Sequence[Any]) -> list[dict[str, Any]]:
    """Items as messages: what the assistant thought, said and called in one turn is one message."""
    messages: list[dict[str, Any]] = []
    turn: dict[str, Any] | None = None
    for number, item in enumerate(items):
        place = f"input.{number}"
        if not isinstance(item, dict):
            raise InvalidRequestError("an item is an object", param=place)
        kind = item.get("type", "message")
        role = item.get("role")
        if kind == "message" and role != "assistant":
            messages.append({"role": role, "content": item.get("content")})
            turn = None
        elif kind == "function_call_output":
            messages.append(_result(item, place))
            turn = None
        else:
            if (
                turn is None
                or (kind != "function_call" and "tool_calls" in turn)
                or (kind == "message" and turn["content"])
            ):
                turn = {"role": "assistant", "content": None}
                messages.append(turn)
            _add(turn, kind, item, place)
    return messages


def _add(turn: dict[str, Any], kind: Any, item: dict[str, Any], place: str) -> None:
    """Add an item to the assistant's turn."""
    if kind == "message":
        turn["content"] = item.get("content")
    elif kind == "function_call":
        function = {"name": item.get("name"), "arguments": item.get("arguments")}
        turn.setdefault("tool_calls", []).append({"id": item.get("call_id"), "type": "function", "function": function})
    elif kind == "reasoning":
        parts = item.get("content") or item.get("summary") or []
        texts = [part.get("text") for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
        if thought := "\n".join(text for text in texts if isinstance(text, str)):
            turn["reasoning_content"] = thought
    elif kind == "item_reference":
        raise InvalidRequestError(
            "this server stores nothing: send the item itself, not a reference to it", param=f"{place}.type"
        )
    else:
        raise InvalidRequestError(
            "an item is a message, a function_call, a function_call_output or reasoning; the server knows no other",
            param=f"{place}.type",
        )


def _result(item: dict[str, Any], place: str) -> dict[str, Any]:
    if not isinstance(item.get("call_id"), str):
        raise InvalidRequestError("a function_call_output has a call_id", param=f"{place}.call_id")
    return {"role": "tool", "tool_call_id": item["call_id"], "content": item.get("output")}


def _tool(tool: Any, place: str) -> dict[str, Any]:
    if not isinstance(tool, dict):
        raise InvalidRequestError("a tool is an object with a type and a name", param=place)
    if tool.get("type") != "function":
        raise InvalidRequestError("only tools of the type function are known here", param=f"{place}.type")
    return {
        "type": "function",
        "function": {key: tool.get(key) for key in ("name", "description", "parameters", "strict")},
    }


def _format(text: TextConfig | None) -> dict[str, Any] | None:
    if text is None or text.format is None:
        return None
    wanted = text.format
    if wanted.get("type") == "json_schema":
        return {"type": "json_schema", "json_schema": {key: wanted.get(key) for key in ("name", "schema", "strict")}}
    return {"type": wanted.get("type")}
