"""Bodies of /v1/messages as chats. What this server cannot hold is refused by its name; what changes nothing here is ignored."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from inference.errors import InvalidRequestError
from inference.protocol import ChatBody, read_body

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHOICES = {"auto": "auto", "any": "required", "none": "none"}
_NOT_HELD = ("container", "mcp_servers", "context_management")


class MessagesBody(BaseModel):
    """Of /v1/messages."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    model: str | None = None
    messages: list[dict[str, Any]] = Field(min_length=1)
    max_tokens: int = Field(ge=1)
    system: str | list[Any] | None = None
    stream: bool | None = None
    temperature: float | None = Field(default=None, ge=0, le=100)
    top_p: float | None = Field(default=None, ge=0, le=1)
    top_k: int | None = Field(default=None, ge=0)
    stop_sequences: list[str] | None = None
    tools: list[Any] | None = None
    tool_choice: dict[str, Any] | None = None
    thinking: dict[str, Any] | None = None
    output_config: dict[str, Any] | None = None
    output_format: dict[str, Any] | None = None
    """The same as `output_config.format`, as it was called before."""


class CountBody(MessagesBody):
    """Of /v1/messages/count_tokens, which needs no length of an answer."""

    max_tokens: int = 1


def read_messages(kind: type[MessagesBody], value: Any) -> MessagesBody:
    """Check a body; the first mistake is an InvalidRequestError."""
    body = read_body(kind, value)
    for name in _NOT_HELD:
        if value.get(name) is not None:
            raise InvalidRequestError(f"{name}: this server has nothing of the kind; leave it out", param=name)
    return body


def chat_of(body: MessagesBody) -> ChatBody:
    """The same request as a chat of OpenAI's."""
    messages: list[dict[str, Any]] = []
    if system := _text(body.system, "system"):
        messages.append({"role": "system", "content": system})
    for number, message in enumerate(body.messages):
        messages.extend(_messages(message, f"messages.{number}"))
    choice, parallel = _choice(body.tool_choice)
    chat = {
        "messages": messages,
        "max_tokens": body.max_tokens,
        "stream": body.stream,
        "temperature": body.temperature,
        "top_p": body.top_p,
        "top_k": body.top_k,
        "stop": body.stop_sequences,
        "tools": None if body.tools is None else [_tool(tool, f"tools.{at}") for at, tool in enumerate(body.tools)],
        "tool_choice": choice,
        "parallel_tool_calls": parallel,
        "response_format": _format(body),
        "chat_template_kwargs": _thinking(body.thinking),
    }
    return read_body(ChatBody, {key: value for key, value in chat.items() if value is not None})


def _messages(message: dict[str, Any], place: str) -> Iterator[dict[str, Any]]:
    """One message as those of OpenAI's: results of tools are messages of their own."""
    role, content = message.get("role"), message.get("content")
    if role not in ("user", "assistant", "system"):
        raise InvalidRequestError("a role is user or assistant", param=f"{place}.role")
    if isinstance(content, str):
        yield {"role": role, "content": content}
        return
    if not isinstance(content, list):
        raise InvalidRequestError("content is a text or a list of blocks", param=f"{place}.content")
    blocks = [_block(block, role, f"{place}.content.{at}") for at, block in enumerate(content)]
    if role == "assistant":
        yield _assistant(blocks)
        return
    for block in blocks:  # results follow the calls, whatever the client has written before them
        if block["type"] == "tool_result":
            yield {"role": "tool", "tool_call_id": block["tool_use_id"], "content": block["text"]}
    texts = [block["text"] for block in blocks if block["type"] == "text"]
    if texts or not blocks:
        yield {"role": role, "content": "\n".join(texts)}


def _assistant(blocks: list[dict[str, Any]]) -> dict[str, Any]:
    said: dict[str, Any] = {"role": "assistant", "content": "\n".join(b["text"] for b in blocks if b["type"] == "text")}
    if thought := "\n".join(block["thinking"] for block in blocks if block["type"] == "thinking"):
        said["reasoning_content"] = thought
    if calls := [block for block in blocks if block["type"] == "tool_use"]:
        said["tool_calls"] = [
            {"id": call["id"], "type": "function", "function": {"name": call["name"], "arguments": call["input"]}}
            for call in calls
        ]
    return said


def _block(block: Any, role: str, place: str) -> dict[str, Any]:
    """A block, checked."""
    kind = block.get("type") if isinstance(block, dict) else None
    if kind == "text" and isinstance(block.get("text"), str):
        return {"type": "text", "text": block["text"]}
    if role == "assistant":
        if kind == "tool_use" and all(isinstance(block.get(key), str) for key in ("id", "name")):
            arguments = block.get("input", {})
            if not isinstance(arguments, dict):
                raise InvalidRequestError("input is an object", param=f"{place}.input")
            return {**block, "input": json.dumps(arguments)}
        if kind == "thinking" and isinstance(block.get("thinking"), str):
            return {"type": "thinking", "thinking": block["thinking"]}
        if kind == "redacted_thinking":
            return {"type": "thinking", "thinking": ""}
    if role == "user" and kind == "tool_result" and isinstance(block.get("tool_use_id"), str):
        text = _text(block.get("content"), f"{place}.content")
        return {"type": "tool_result", "tool_use_id": block["tool_use_id"], "text": text}
    known = {"user": "text and tool_result", "assistant": "text, thinking and tool_use"}.get(role, "text")
    raise InvalidRequestError(
        f"this is no block that the server reads, or a field of it is missing: of role {role} it reads {known}",
        param=place,
    )


def _text(value: Any, place: str) -> str:
    """A text, or blocks of text as one."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        texts = [
            block.get("text") if isinstance(block, dict) and block.get("type") == "text" else None for block in value
        ]
        if all(isinstance(text, str) for text in texts):
            return "\n".join(map(str, texts))
    raise InvalidRequestError(
        "this is neither a text nor a list of blocks of text; the server reads text only", param=place
    )


def _tool(tool: Any, place: str) -> dict[str, Any]:
    if not isinstance(tool, dict):
        raise InvalidRequestError("a tool is an object with a name and an input_schema", param=place)
    if tool.get("type", "custom") not in ("custom", None):
        raise InvalidRequestError("only tools of the client's own are known here", param=f"{place}.type")
    function = {
        "name": tool.get("name"),
        "description": tool.get("description"),
        "parameters": tool.get("input_schema"),
        "strict": tool.get("strict"),
    }
    return {"type": "function", "function": function}


def _choice(choice: dict[str, Any] | None) -> tuple[Any, bool | None]:
    if choice is None:
        return None, None
    kind = choice.get("type")
    parallel = False if choice.get("disable_parallel_tool_use") is True else None
    if kind == "tool" and isinstance(choice.get("name"), str):
        return {"type": "function", "function": {"name": choice["name"]}}, parallel
    if not isinstance(kind, str) or kind not in _CHOICES:
        raise InvalidRequestError(
            "tool_choice has the type auto, any, none, or tool with the name of one", param="tool_choice.type"
        )
    return _CHOICES[kind], parallel


def _format(body: MessagesBody) -> dict[str, Any] | None:
    wanted = (body.output_config or {}).get("format") or body.output_format
    if wanted is None:
        return None
    kind: Literal["json_schema"] = "json_schema"
    if not isinstance(wanted, dict) or wanted.get("type") != kind or "schema" not in wanted:
        raise InvalidRequestError("format has the type json_schema and a schema", param="output_config.format")
    return {"type": kind, "json_schema": {"name": "answer", "schema": wanted["schema"]}}


def _thinking(thinking: dict[str, Any] | None) -> dict[str, Any] | None:
    """Whether the model thinks first, in the words that chat templates know. How long is the model's own choice."""
    if thinking is None:
        return None
    return {"enable_thinking": thinking.get("type") != "disabled"}
