"""Requests for chat completions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

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
from extproc.payload.translate.data_url import media_of, url_of
from extproc.payload.translate.fields import Fields, compact, mistake

if TYPE_CHECKING:
    from extproc.payload.translate.fields import Losses

ROLES: Final = ("system", "developer", "user", "assistant", "tool")
EFFORTS: Final = ("none", "minimal", "low", "medium", "high", "xhigh")
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
    request.set("stop", "stop", fields.texts("stop"))
    fields.skip("n", 1)
    fields.skip("logprobs", False)
    fields.skip("store", False)
    fields.skip("modalities", ["text"])
    fields.skip("service_tier", "auto")
    fields.skip("logit_bias", {})
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
    request.set("tool_choice", "tool_choice", _choice(fields))
    request.set("form", "response_format", _form(fields))


def _tool(fields: Fields) -> Tool | None:
    if fields.get("type", str) != "function":
        fields.losses.lose(fields.at("type"))
        return None
    function = fields.inner("function")
    if function is None:
        raise mistake(fields.at("function"), "an object")
    tool = Tool(
        function.need("name", str),
        function.get("description", str),
        function.get("parameters", dict, {}),
        function.get("strict", bool),
        fields.get("cache_control", dict),
        fields.place,
    )
    function.close()
    fields.close()
    return tool


def _choice(fields: Fields) -> Choice | None:
    value = fields.any("tool_choice")
    if value is None:
        return None
    if isinstance(value, dict):
        chosen = Fields(value, "tool_choice", fields.losses)
        if chosen.get("type", str) == "function" and (function := chosen.inner("function")):
            choice = Choice("one", function.need("name", str))
            function.close()
            chosen.close()
            return choice
        fields.losses.lose("tool_choice")
        return None
    modes = {"auto": Choice("auto"), "none": Choice("none"), "required": Choice("any")}
    if not isinstance(value, str) or value not in modes:
        raise mistake("tool_choice", "auto, none, required or a function")
    return modes[value]


def _form(fields: Fields) -> Form | None:
    form = fields.inner("response_format")
    if form is None:
        return None
    kind = form.word("type", ("text", "json_object", "json_schema"))
    made = None
    if kind == "json_schema":
        inner = form.inner("json_schema")
        if inner is None:
            raise mistake("response_format.json_schema", "an object")
        made = Form(
            inner.get("schema", dict, {}),
            inner.get("name", str, "answer"),
            inner.get("strict", bool),
            inner.get("description", str),
        )
        inner.close()
    elif kind == "json_object":
        made = Form(None)
    form.close()
    return made


def _turn(fields: Fields) -> Turn:
    role = fields.word("role", ROLES)
    place = fields.place
    if role == "tool":
        result = Result(fields.need("tool_call_id", str), _content(fields), place=place)
        fields.close()
        return Turn("user", [result], place)
    blocks: list[Block] = []
    if role == "assistant":
        blocks += _thoughts(fields)
    blocks += _content(fields)
    if role == "assistant":
        refusal = fields.get("refusal", str)
        if refusal:
            blocks.append(Refusal(refusal, place=fields.at("refusal")))
        blocks += [_call(call) for call in fields.items("tool_calls")]
        fields.skip("annotations", [])
        fields.skip("function_call", None)
        fields.forget("audio") if not fields.has("audio") else None
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


def _content(fields: Fields) -> list[Block]:
    value = fields.any("content")
    if value is None:
        return []
    if isinstance(value, str):
        return [Text(value, place=fields.at("content"))]
    if not isinstance(value, list):
        raise mistake(fields.at("content"), "a text or a list of parts")
    return [block for part in fields.listed("content", value) if (block := _part(part))]


def _part(fields: Fields) -> Block | None:
    kind, place, cache = fields.get("type", str), fields.place, fields.get("cache_control", dict)
    block: Block | None = None
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
        media, data, url = media_of(file.get("file_data", str, ""), "application/pdf")
        name, known = file.get("filename", str, ""), file.get("file_id", str, "")
        block = Media("document", media, data, url, known, name, place=place, cache=cache)
        file.close()
    else:
        fields.losses.lose(place)
        return None
    fields.close()
    return block


# What an upstream gets


def write(request: Request, losses: Losses) -> dict[str, Any]:
    """A request of chat completions."""
    body: dict[str, Any] = {"model": request.model} if request.model else {}
    body["messages"] = [message for turn in request.turns for message in _messages(turn, losses)]
    if (most := request.take("max_tokens")) is not None:
        body["max_completion_tokens"] = most
    for name in (*_NUMBERS, "seed", "stop", *_SAME, "metadata", "logprobs", "top_logprobs"):
        if (value := request.take(name)) is not None:
            body[name] = value
    thinking: Thinking | None = request.take("thinking")
    if thinking is not None and (effort := effort_of(thinking)):
        body["reasoning_effort"] = effort
    _write_tools(body, request, losses)
    form: Form | None = request.take("form")
    if form is not None:
        body["response_format"] = {"type": "json_object"} if form.schema is None else _json_schema(form)
    if request.stream:
        body["stream"] = True
        body["stream_options"] = {"include_usage": True}
    for setting in request.settings.values():
        losses.lose(setting.name)
    return body


def effort_of(thinking: Thinking) -> str | None:
    """OpenAI's word for how much the model is to think: of a number of tokens the nearest."""
    if thinking.off:
        return "none" if thinking.effort == "none" else None
    if thinking.effort is None and thinking.budget is not None:
        return "low" if thinking.budget < 4096 else "medium" if thinking.budget < 16384 else "high"
    return "xhigh" if thinking.effort == "max" else thinking.effort


def _json_schema(form: Form) -> dict[str, Any]:
    schema: dict[str, Any] = {"name": form.name, "schema": form.schema}
    if form.strict is not None:
        schema["strict"] = form.strict
    if form.description:
        schema["description"] = form.description
    return {"type": "json_schema", "json_schema": schema}


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
        one = {"type": "function", "function": {"name": choice.name}}
        body["tool_choice"] = one if choice.mode == "one" else {"any": "required"}.get(choice.mode, choice.mode)


def _function(tool: Tool, losses: Losses) -> dict[str, Any]:
    if tool.cache:
        losses.lose(f"{tool.place}.cache_control")
    function: dict[str, Any] = {"name": tool.name, "parameters": tool.parameters}
    if tool.description is not None:
        function["description"] = tool.description
    if tool.strict is not None:
        function["strict"] = tool.strict
    return function


def _messages(turn: Turn, losses: Losses) -> list[dict[str, Any]]:
    """A turn as messages: results of tools are messages of their own, before what the user says with them."""
    messages: list[dict[str, Any]] = []
    said: list[Block] = []
    calls: list[dict[str, Any]] = []
    for block in turn.blocks:
        if block.cache:
            losses.lose(f"{block.place}.cache_control")
        if isinstance(block, Result):
            messages.append(_result(block, losses))
        elif isinstance(block, Call):
            function = {"name": block.name, "arguments": block.arguments}
            calls.append({"id": block.id, "type": "function", "function": function})
        elif isinstance(block, Thought):
            losses.lose(block.place)
        else:
            said.append(block)
    if said or calls or not messages:
        message: dict[str, Any] = {"role": turn.role}
        parts = [part for block in said if (part := _written(block, turn.role, losses))]
        if len(parts) == 1 and parts[0]["type"] == "text":
            message["content"] = parts[0]["text"]
        elif parts:
            message["content"] = parts
        else:
            message["content"] = None if calls else ""
        if calls:
            message["tool_calls"] = calls
        messages.append(message)
    return messages


def _result(result: Result, losses: Losses) -> dict[str, Any]:
    if result.failed:
        losses.lose(f"{result.place}.is_error")
    parts = []
    for block in result.content:
        if block.cache:
            losses.lose(f"{block.place}.cache_control")
        if isinstance(block, Text):
            parts.append({"type": "text", "text": block.text})
        else:
            losses.lose(block.place)
    content: Any = parts[0]["text"] if len(parts) == 1 else parts or ""
    return {"role": "tool", "tool_call_id": result.id, "content": content}


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
    losses.lose(block.place)
    return None


def content_of(arguments: Any) -> str:
    """Arguments of a call as the text that they are here."""
    return arguments if isinstance(arguments, str) else compact(arguments)
