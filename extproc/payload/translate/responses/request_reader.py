"""Requests for responses, as a caller sends them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from extproc.payload.translate import seals
from extproc.payload.translate.content import read_content
from extproc.payload.translate.conversation import (
    Block,
    Call,
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
from extproc.payload.translate.data_url import media_of
from extproc.payload.translate.fields import Fields, mistake
from extproc.payload.translate.openai import read_choice, read_file, read_form, read_function

if TYPE_CHECKING:
    from extproc.payload.translate.fields import Losses

_ROLES: Final = ("system", "developer", "user", "assistant")
_SAME: Final = ("user", "safety_identifier", "prompt_cache_key", "service_tier")
_TEXTS: Final = ("input_text", "output_text", "text", "summary_text", "reasoning_text")


def read(body: Any, losses: Losses) -> Request:
    """What a request asks for."""
    fields = Fields(body, "", losses)
    request = Request(fields.get("model", str, ""), [], stream=fields.get("stream", bool, default=False))
    if instructions := fields.get("instructions", str):
        request.turns.append(Turn("system", [Text(instructions, place="instructions")], "instructions"))
    given = fields.any("input")
    if isinstance(given, str):
        request.turns.append(Turn("user", [Text(given, place="input")], "input"))
    elif isinstance(given, list):
        for item in fields.listed("input", given):
            _add(request.turns, item)
    elif given is not None:
        raise mistake("input", "a text or a list of items")
    _read_settings(fields, request)
    fields.close()
    return request


def _read_settings(fields: Fields, request: Request) -> None:
    request.set("max_tokens", "max_output_tokens", fields.get("max_output_tokens", int))
    for name in ("temperature", "top_p"):
        request.set(name, name, fields.get(name, float))
    fields.skip("service_tier", "auto")
    for name in _SAME:
        request.set(name, name, fields.get(name, str))
    request.set("metadata", "metadata", fields.get("metadata", dict) or None)
    request.set("parallel", "parallel_tool_calls", fields.get("parallel_tool_calls", bool))
    fields.skip("store", False)
    fields.skip("background", False)
    fields.skip("truncation", "disabled")
    fields.skip("top_logprobs", 0)
    fields.skip("include", ["reasoning.encrypted_content"])
    fields.skip("stream_options", {"include_obfuscation": False}, {"include_obfuscation": True})
    reasoning = fields.inner("reasoning")
    if reasoning is not None:
        effort = reasoning.get("effort", str)
        shown = reasoning.any("summary") or reasoning.any("generate_summary")
        reasoning.forget("summary", "generate_summary")
        if effort is not None or shown is not None:
            thinking = Thinking(effort=effort, off=effort == "none", shown=True if shown else None)
            request.set("thinking", "reasoning", thinking)
        reasoning.close()
    text = fields.inner("text")
    if text is not None:
        request.set("form", "text.format", read_form(text.inner("format"), wrapped=False))
        text.skip("verbosity", "medium")
        request.set("verbosity", "text.verbosity", text.get("verbosity", str))
        text.close()
    request.set("tools", "tools", [tool for item in fields.items("tools") if (tool := _tool(item))] or None)
    request.set("tool_choice", "tool_choice", read_choice(fields, wrapped=False))


def _tool(fields: Fields) -> Tool | None:
    if (kind := fields.get("type", str)) != "function":
        fields.losses.lose_kind(fields.at("type"), kind)
        return None
    tool = read_function(fields, fields.place)
    fields.skip("async", False)
    fields.close()
    return tool


def _add(turns: list[Turn], item: Fields) -> None:
    """An item; what the model says, thinks and calls one after the other is one turn of its."""
    kind, place = item.get("type", str, "message"), item.place
    if kind == "message":
        role = item.word("role", _ROLES) or "user"
        blocks = read_content(item, "content", _part)
        item.forget("id", "status", "phase")
    elif kind == "function_call":
        call = Call(item.need("call_id", str), item.need("name", str), item.get("arguments", str, "{}"), place=place)
        role, blocks = "assistant", [call]
        item.forget("id", "status")
        item.skip("async", False)
    elif kind == "function_call_output":
        role, blocks = "user", [Result(item.need("call_id", str), read_content(item, "output", _part), place=place)]
        item.forget("id", "status")
    elif kind == "reasoning":
        role, blocks = "assistant", [_thought(item)]
    else:
        item.losses.lose_kind(place, kind)
        return
    item.close()
    if role == "assistant" and turns and turns[-1].role == "assistant":
        turns[-1].blocks += blocks
    else:
        turns.append(Turn(role, list(blocks), place))  # type: ignore[arg-type]


def _thought(item: Fields) -> Block:
    said = [part.get("text", str, "") for name in ("summary", "content") for part in item.items(name)]
    sealed = item.get("encrypted_content", str, "")
    item.forget("id", "status")
    if sealed.startswith(seals.REDACTED):
        return Thought(redacted=sealed.removeprefix(seals.REDACTED), place=item.place)
    return Thought("".join(said), sealed, place=item.place)


def _part(fields: Fields) -> list[Block]:
    kind, place = fields.get("type", str), fields.place
    block: Block
    if kind in _TEXTS:
        block = Text(fields.need("text", str), place=place)
    elif kind == "refusal":
        block = Refusal(fields.need("refusal", str), place=place)
    elif kind == "input_image":
        media, data, url = media_of(fields.get("image_url", str, ""), "image/png")
        block = Media(
            "image", media, data, url, fields.get("file_id", str, ""), detail=fields.get("detail", str, ""), place=place
        )
    elif kind == "input_file":
        fields.skip("detail", "auto")
        block = read_file(fields, place)
        block.url = fields.get("file_url", str, "")
    else:
        fields.losses.lose_kind(place, kind)
        return []
    fields.close()
    return [block]
