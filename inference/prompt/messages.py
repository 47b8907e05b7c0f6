"""A client's messages, checked: each mistake names the message and what would be right, and quotes nothing."""

from __future__ import annotations

import json
from typing import Any

_ROLES = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}
"""A role as clients say it, and as templates know it."""
_TEXTS = ("text", "input_text", "output_text", "refusal")
_REASONING = ("reasoning_content", "reasoning", "thinking")


def plain_message(number: int, message: dict[str, Any]) -> dict[str, Any]:
    """A message with a role that templates know, one text, and calls whose arguments are objects; raises ValueError."""
    role = message.get("role")
    if not isinstance(role, str):
        raise ValueError(f"message {number} has no role")  # noqa: TRY004 - pydantic wants a ValueError
    if role not in _ROLES:
        raise ValueError(f"message {number}: its role is none of {', '.join(_ROLES)}")
    plain: dict[str, Any] = {"role": _ROLES[role], "content": _content(number, message)}
    if isinstance(name := message.get("name"), str):
        plain["name"] = name
    if role == "assistant":
        if calls := _calls(number, message):
            plain["tool_calls"] = calls
        reasoning = next((message[key] for key in _REASONING if isinstance(message.get(key), str)), None)
        if reasoning:
            plain["reasoning"] = reasoning
    if plain["role"] == "tool":
        identity = message.get("tool_call_id", message.get("name"))
        if not isinstance(identity, str):
            raise ValueError(f"message {number} is a tool's result and has no tool_call_id")
        plain["tool_call_id"] = identity
    return plain


def _content(number: int, message: dict[str, Any]) -> str:
    content = message.get("content")
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise ValueError(f"the content of message {number} is neither a text nor a list of parts")  # noqa: TRY004
    texts = []
    for part in content:
        kind = part.get("type") if isinstance(part, dict) else None
        text = (
            part.get("refusal" if kind == "refusal" and "refusal" in part else "text", "") if kind in _TEXTS else None
        )
        if not isinstance(text, str):
            raise ValueError(  # noqa: TRY004
                f"message {number} has a part that is not text; this server reads text only"
            )
        texts.append(text)
    return "\n".join(texts)


def _calls(number: int, message: dict[str, Any]) -> list[dict[str, Any]]:
    calls = message.get("tool_calls")
    if calls is None and message.get("function_call") is not None:
        calls = [{"function": message["function_call"]}]  # OpenAI's older form
    if calls is None:
        return []
    if not isinstance(calls, list):
        raise ValueError(f"message {number}: tool_calls is not a list")  # noqa: TRY004
    return [_call(f"message {number}: call {at}", call) for at, call in enumerate(calls)]


def _call(place: str, call: Any) -> dict[str, Any]:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise ValueError(f"{place} has no function with a name")  # noqa: TRY004
    arguments = function.get("arguments")
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments) if arguments.strip() else {}
        except (ValueError, RecursionError):
            arguments = ()
    if arguments is None:
        arguments = {}
    if not isinstance(arguments, dict):
        raise ValueError(f"{place}: its arguments are not the JSON text of an object")  # noqa: TRY004
    identity = call.get("id")
    name = function["name"]
    identity = identity if isinstance(identity, str) else name
    return {"type": "function", "id": identity, "function": {"name": name, "arguments": arguments}}
