"""Requests for chat completions, as a caller sends them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

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

_ROLES: Final = ("system", "developer", "user", "assistant", "tool")
_NUMBERS: Final = ("temperature", "top_p", "frequency_penalty", "presence_penalty")
_SAME: Final = ("user", "safety_identifier", "service_tier", "verbosity", "prompt_cache_key")
_AUDIO: Final = {"wav": "audio/wav", "mp3": "audio/mpeg"}


def read(body: Any, losses: Losses) -> Request:
    """What a request asks for."""
    fields = Fields(body, "", losses)
    request = Request(fields.get("model", str, ""), [], stream=fields.get("stream", bool, default=False))
    options = fields.inner("stream_options")
    request.usage = options is not None and options.get("include_usage", bool, default=False)
    if options is not None:
        options.forget("include_obfuscation")
        options.close()
    request.turns = [_turn(message) for message in fields.items("messages")]
    _read_settings(fields, request)
    fields.close()
    return request


def _read_settings(fields: Fields, request: Request) -> None:
    for name in ("max_tokens", "max_completion_tokens"):
        request.set("max_tokens", name, fields.get(name, int))
    for name in _NUMBERS:
        if name.endswith("penalty"):
            fields.skip(name, 0)
        request.set(name, name, fields.get(name, float))
    for name in ("seed", "top_k"):
        request.set(name, name, fields.get(name, int))
    request.set("stop", "stop", fields.texts("stop") or None)
    fields.skip("n", 1)
    fields.skip("logprobs", False)
    fields.skip("store", False)
    fields.skip("modalities", ["text"])
    fields.skip("service_tier", "auto")
    fields.skip("verbosity", "medium")
    request.set("logprobs", "logprobs", fields.get("logprobs", bool))
    request.set("top_logprobs", "top_logprobs", fields.get("top_logprobs", int))
    request.set("parallel", "parallel_tool_calls", fields.get("parallel_tool_calls", bool))
    for name in _SAME:
        request.set(name, name, fields.get(name, str))
    request.set("metadata", "metadata", fields.get("metadata", dict) or None)
    effort = fields.get("reasoning_effort", str)
    if effort is not None:
        request.set("thinking", "reasoning_effort", Thinking(effort=effort, off=effort == "none"))
    request.set("tools", "tools", [tool for item in fields.items("tools") if (tool := _tool(item))] or None)
    request.set("tool_choice", "tool_choice", read_choice(fields, wrapped=True))
    request.set("form", "response_format", read_form(fields.inner("response_format"), wrapped=True))


def _tool(fields: Fields) -> Tool | None:
    if (kind := fields.get("type", str)) != "function":
        fields.losses.lose_kind(fields.at("type"), kind)
        return None
    function = fields.inner("function")
    if function is None:
        raise mistake(fields.at("function"), "an object")
    tool = read_function(function, fields.place)
    tool.cache = fields.get("cache_control", dict)
    function.close()
    fields.close()
    return tool


def _turn(fields: Fields) -> Turn:
    role = fields.word("role", _ROLES)
    place = fields.place
    if role == "tool":
        result = Result(fields.need("tool_call_id", str), read_content(fields, "content", _part), place=place)
        fields.forget("name")  # of the function, which the id tells
        fields.close()
        return Turn("user", [result], place)
    blocks: list[Block] = []
    if role == "assistant":
        blocks += _thoughts(fields)
    blocks += read_content(fields, "content", _part)
    if role == "assistant":
        refusal = fields.get("refusal", str)
        if refusal:
            blocks.append(Refusal(refusal, place=fields.at("refusal")))
        blocks += [_call(call) for call in fields.items("tool_calls")]
    fields.close()
    return Turn(role or "user", blocks, place)  # type: ignore[arg-type]


def _thoughts(fields: Fields) -> list[Block]:
    """A mesh that has translated the answer has put the seals beside the text of the thought."""
    told = fields.get("reasoning_content", str)
    thoughts: list[Block] = []
    for item in fields.items("thinking_blocks"):
        kind = item.word("type", ("thinking", "redacted_thinking"))
        item.forget("index")
        if kind == "thinking":
            text, signature = item.get("thinking", str, ""), item.get("signature", str, "")
            thoughts.append(Thought(text, signature, place=item.place))
        else:
            thoughts.append(Thought(redacted=item.need("data", str), place=item.place))
        item.close()
    if told and not thoughts:
        thoughts.append(Thought(told, place=fields.at("reasoning_content")))
    return thoughts


def _call(fields: Fields) -> Call:
    fields.word("type", ("function",))
    function = fields.inner("function")
    if function is None:
        raise mistake(fields.at("function"), "an object")
    call = Call(
        fields.need("id", str), function.need("name", str), function.get("arguments", str, "{}"), place=fields.place
    )
    function.close()
    fields.forget("index")
    fields.close()
    return call


def _part(fields: Fields) -> list[Block]:
    kind, place, cache = fields.get("type", str), fields.place, fields.get("cache_control", dict)
    block: Block
    if kind == "text":
        block = Text(fields.need("text", str), place=place, cache=cache)
    elif kind == "refusal":
        block = Refusal(fields.need("refusal", str), place=place)
    elif kind == "image_url":
        image = fields.inner("image_url")
        if image is None:
            raise mistake(fields.at("image_url"), "an object")
        media, data, url = media_of(image.need("url", str), "image/png")
        block = Media("image", media, data, url, detail=image.get("detail", str, ""), place=place, cache=cache)
        image.close()
    elif kind == "input_audio":
        audio = fields.inner("input_audio")
        if audio is None:
            raise mistake(fields.at("input_audio"), "an object")
        media = _AUDIO.get(audio.need("format", str), "audio/wav")
        block = Media("audio", media, audio.need("data", str), place=place, cache=cache)
        audio.close()
    elif kind == "file":
        file = fields.inner("file")
        if file is None:
            raise mistake(fields.at("file"), "an object")
        block = read_file(file, place)
        block.cache = cache
        file.close()
    else:
        fields.losses.lose_kind(place, kind)
        return []
    fields.close()
    return [block]
