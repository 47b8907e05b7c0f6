"""The functions that a client offers, and whether the model may, must or must not call one. Each mistake is told by its place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from inference.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
_MOST_TOOLS = 512
Choice = Literal["auto", "none", "required"]


@dataclass(frozen=True, slots=True)
class Offer:
    """What may be called in one answer."""

    tools: Sequence[Mapping[str, Any]] = ()
    """In OpenAI's shape, each with a name, a description and parameters."""
    choice: Choice = "auto"
    parallel: bool = True
    """Whether one answer may have several calls."""
    strict: bool = False
    """Whether arguments must follow their schemas even where no call is required."""

    @property
    def schemas(self) -> dict[str, Mapping[str, Any]]:
        """Function -> the schema of its parameters."""
        return {tool["function"]["name"]: tool["function"]["parameters"] for tool in self.tools}


NOTHING = Offer()


def read_offer(tools: Sequence[Any] | None, choice: Any, *, parallel: bool | None) -> Offer:
    """Check `tools`, `tool_choice` and `parallel_tool_calls`; raises InvalidRequestError."""
    if tools is not None and len(tools) > _MOST_TOOLS:
        raise InvalidRequestError(f"{len(tools)} tools, of at most {_MOST_TOOLS}", param="tools")
    offered = [_tool(number, tool) for number, tool in enumerate(tools or ())]
    names = [tool["function"]["name"] for tool in offered]
    if len(set(names)) < len(names):
        raise InvalidRequestError("two tools have one name", param="tools")
    mode, only = _choice(choice)
    if mode == "none":
        return NOTHING
    if not offered:
        if mode == "required":
            raise InvalidRequestError("tool_choice asks for a call, and there are no tools", param="tool_choice")
        return NOTHING
    if only is not None:
        if not only <= set(names):
            raise InvalidRequestError("tool_choice names a function that is not among the tools", param="tool_choice")
        offered = [tool for tool in offered if tool["function"]["name"] in only]
    strict = any(tool["function"].get("strict") is True for tool in tools or () if isinstance(tool, dict))
    # a call that must be made is one, unless several are asked for: small models would not come to an end
    single = parallel is False or (parallel is None and mode == "required")
    return Offer(offered, mode, not single, strict)


def _tool(number: int, tool: Any) -> dict[str, Any]:
    place = f"tools.{number}"
    if not isinstance(tool, dict):
        raise InvalidRequestError("a tool is an object with a type and a function", param=place)
    if (kind := tool.get("type", "function")) != "function":
        known = "only tools of the type function are known here" if isinstance(kind, str) else "the type is no text"
        raise InvalidRequestError(known, param=f"{place}.type")
    function = tool.get("function")
    if not isinstance(function, dict):
        raise InvalidRequestError("a tool has a function, an object with a name", param=f"{place}.function")
    name, description = function.get("name"), function.get("description")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidRequestError(
            "a function has a name of 1 to 128 letters, digits, `_`, `-`, `.` or `:`", param=f"{place}.function.name"
        )
    if description is not None and not isinstance(description, str):
        raise InvalidRequestError("a description is a text", param=f"{place}.function.description")
    parameters = function.get("parameters")
    if parameters is not None and not isinstance(parameters, dict):
        raise InvalidRequestError("parameters are a JSON schema, an object", param=f"{place}.function.parameters")
    if parameters and parameters.get("type", "object") != "object":
        raise InvalidRequestError(
            "arguments are an object, so must the schema be", param=f"{place}.function.parameters.type"
        )
    return {
        "type": "function",
        "function": {
            "name": name,
            "description": description or "",
            "parameters": {"type": "object", **({"properties": {}} if not parameters else {}), **(parameters or {})},
        },
    }


def _choice(choice: Any) -> tuple[Choice, set[str] | None]:
    """The mode, and the names if only some may be called."""
    if choice is None:
        return "auto", None
    if choice in ("auto", "none", "required"):
        return choice, None
    if isinstance(choice, dict):
        if choice.get("type") == "function" and isinstance(name := _name_in(choice), str):
            return "required", {name}
        allowed = choice.get("allowed_tools", choice)
        if choice.get("type") == "allowed_tools" and isinstance(allowed, dict):
            names = [_name_in(tool) for tool in allowed.get("tools") or () if isinstance(tool, dict)]
            if allowed.get("mode", "auto") in ("auto", "required") and names and all(isinstance(n, str) for n in names):
                return allowed.get("mode", "auto"), {str(name) for name in names}
    raise InvalidRequestError(
        'tool_choice is "auto", "none", "required", {"type": "function", "function": {"name": …}} or '
        '{"type": "allowed_tools", "allowed_tools": {"mode": …, "tools": […]}}',
        param="tool_choice",
    )


def _name_in(tool: dict[str, Any]) -> Any:
    function = tool.get("function", tool)
    return function.get("name") if isinstance(function, dict) else None
