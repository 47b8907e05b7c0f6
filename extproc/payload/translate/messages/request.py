"""Requests for messages, and for counting their tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from extproc.payload.translate import seals
from extproc.payload.translate.conversation import (
    Block,
    Call,
    Choice,
    Form,
    Media,
    Request,
    Result,
    Text,
    Thinking,
    Thought,
    Tool,
    Turn,
)
from extproc.payload.translate.fields import Fields, compact, mistake, parsed_arguments

if TYPE_CHECKING:
    from extproc.payload.translate.fields import Losses

ROLES: Final = ("user", "assistant", "system")
EFFORTS: Final = ("low", "medium", "high", "xhigh", "max")
DEFAULT_MOST: Final = 4096
"""`max_tokens` of a request that names none, which this API does not know."""
_NO_SCHEMA: Final = {"type": "object", "properties": {}}


def read(body: Any, losses: Losses) -> Request:
    """What a request asks for."""
    fields = Fields(body, "", losses)
    request = Request(fields.get("model", str, ""), [], stream=fields.get("stream", bool, default=False))
    system = fields.any("system")
    if system is not None:
        request.turns.append(Turn("system", _system(system, losses), "system"))
    request.turns += [_turn(message) for message in fields.items("messages")]
    request.set("max_tokens", "max_tokens", fields.get("max_tokens", int))
    for name in ("temperature", "top_p"):
        request.set(name, name, fields.get(name, float))
    request.set("top_k", "top_k", fields.get("top_k", int))
    request.set("stop", "stop_sequences", fields.texts("stop_sequences") or None)
    tools = [tool for item in fields.items("tools") if (tool := _tool(item))]
    request.set("tools", "tools", tools or None)
    _read_choice(fields, request)
    _read_thinking(fields, request)
    metadata = fields.inner("metadata")
    if metadata is not None:
        request.set("user", "metadata.user_id", metadata.get("user_id", str))
        metadata.close()
    fields.skip("service_tier", "auto", "standard_only")
    fields.skip("speed", "standard")
    fields.close()
    return request


def _system(value: Any, losses: Losses) -> list[Block]:
    if isinstance(value, str):
        return [Text(value, place="system")]
    if not isinstance(value, list):
        raise mistake("system", "a text or a list of blocks")
    outer = Fields({}, "", losses)
    return [block for part in outer.listed("system", value) if (block := _block(part))]


def _turn(fields: Fields) -> Turn:
    role = fields.word("role", ROLES)
    blocks = _content(fields)
    fields.close()
    return Turn(role or "user", blocks, fields.place)  # type: ignore[arg-type]


def _content(fields: Fields) -> list[Block]:
    value = fields.any("content")
    if value is None:
        return []
    if isinstance(value, str):
        return [Text(value, place=fields.at("content"))]
    if not isinstance(value, list):
        raise mistake(fields.at("content"), "a text or a list of blocks")
    return [block for part in fields.listed("content", value) if (block := _block(part))]


def _block(fields: Fields) -> Block | None:
    kind, place, cache = fields.get("type", str), fields.place, fields.get("cache_control", dict)
    block: Block | None = None
    match kind:
        case "text":
            block = Text(fields.need("text", str), place=place, cache=cache)
            fields.skip("citations", [])
        case "image" | "document":
            block = _media(fields, kind)
            if block is None:
                return None
            block.cache = cache
        case "tool_use":
            block = Call(
                fields.need("id", str), fields.need("name", str), compact(fields.get("input", dict, {})), place=place
            )
            block.cache = cache
            fields.skip("caller", {"type": "direct"})
        case "tool_result":
            content, failed = _content(fields), fields.get("is_error", bool, default=False)
            block = Result(fields.need("tool_use_id", str), content, failed, place=place, cache=cache)
        case "thinking":
            block = Thought(fields.get("thinking", str, ""), fields.get("signature", str, ""), place=place)
        case "redacted_thinking":
            block = Thought(redacted=fields.need("data", str), place=place)
        case _:
            fields.losses.lose(place)
            return None
    fields.close()
    return block


def _media(fields: Fields, kind: str) -> Media | Text | None:
    source = fields.inner("source")
    if source is None:
        raise mistake(fields.at("source"), "an object")
    what, media = source.get("type", str), "image" if kind == "image" else "document"
    name = fields.get("title", str, "") if media == "document" else ""
    made: Media | Text
    if what == "base64":
        made = Media(media, source.get("media_type", str, ""), source.need("data", str), name=name, place=fields.place)  # type: ignore[arg-type]
    elif what == "url":
        made = Media(media, url=source.need("url", str), name=name, place=fields.place)  # type: ignore[arg-type]
    elif what == "file":
        made = Media(media, file_id=source.need("file_id", str), name=name, place=fields.place)  # type: ignore[arg-type]
    elif what == "text":
        source.forget("media_type")
        said = source.need("data", str)
        made = Text(f"{name}\n\n{said}" if name else said, place=fields.place)
    else:
        fields.losses.lose(fields.place)
        return None
    source.close()
    return made


def _tool(fields: Fields) -> Tool | None:
    if fields.get("type", str, "custom") != "custom":
        fields.losses.lose(fields.at("type"))
        return None
    tool = Tool(
        fields.need("name", str),
        fields.get("description", str),
        fields.get("input_schema", dict, _NO_SCHEMA),
        fields.get("strict", bool),
        fields.get("cache_control", dict),
        fields.place,
    )
    fields.skip("eager_input_streaming", False, True)
    fields.skip("allowed_callers", ["direct"])
    fields.skip("defer_loading", False)
    fields.close()
    return tool


def _read_choice(fields: Fields, request: Request) -> None:
    chosen = fields.inner("tool_choice")
    if chosen is None:
        return
    kind = chosen.word("type", ("auto", "any", "tool", "none"))
    choice = Choice("one", chosen.need("name", str)) if kind == "tool" else Choice(kind or "auto")  # type: ignore[arg-type]
    request.set("tool_choice", "tool_choice", choice)
    if chosen.get("disable_parallel_tool_use", bool, default=False):
        request.set("parallel", "tool_choice.disable_parallel_tool_use", False)
    chosen.close()


def _read_thinking(fields: Fields, request: Request) -> None:
    config, thinking = fields.inner("output_config"), Thinking()
    wanted = fields.inner("thinking")
    form = config.inner("format") if config is not None else None
    form = form or fields.inner("output_format")
    if form is not None:
        form.word("type", ("json_schema",))
        request.set("form", form.place, Form(form.get("schema", dict, {}), strict=True))
        form.close()
    name = "output_config.effort"
    if config is not None:
        thinking.effort = config.word("effort", EFFORTS)
        config.close()
    if wanted is not None:
        name = "thinking"
        kind = wanted.word("type", ("enabled", "disabled", "adaptive"))
        thinking.off = kind == "disabled"
        thinking.budget = wanted.get("budget_tokens", int)
        display = wanted.word("display", ("summarized", "omitted"))
        thinking.shown = None if thinking.off else display != "omitted"
        wanted.close()
    if thinking != Thinking():
        request.set("thinking", name, thinking)


# What an upstream gets


def write(request: Request, losses: Losses) -> dict[str, Any]:
    """A request of messages."""
    body: dict[str, Any] = {"model": request.model} if request.model else {}
    most = request.take("max_tokens")
    body["max_tokens"] = DEFAULT_MOST if most is None else most
    turns = list(request.turns)
    system: list[dict[str, Any]] = []
    while turns and turns[0].role in ("system", "developer"):
        system += _blocks(turns.pop(0), losses)
    if system:
        plain = len(system) == 1 and "cache_control" not in system[0]
        body["system"] = system[0]["text"] if plain else system
    body["messages"] = _messages(turns, losses)
    temperature = request.settings.get("temperature")
    if temperature is not None and temperature.value <= 1:
        body["temperature"] = request.take("temperature")
    for ours, name in (("top_p", "top_p"), ("top_k", "top_k"), ("stop", "stop_sequences")):
        if (value := request.take(ours)) is not None:
            body[name] = value
    if (user := request.take("user") or request.take("safety_identifier")) is not None:
        request.take("safety_identifier")
        body["metadata"] = {"user_id": user}
    _write_tools(body, request, losses)
    _write_thinking(body, request)
    if request.stream:
        body["stream"] = True
    for setting in request.settings.values():
        losses.lose(setting.name)
    return body


def write_count(request: Request, losses: Losses) -> dict[str, Any]:
    """The same, to be counted."""
    body = write(request, losses)
    for name in ("max_tokens", "stream", "temperature", "top_p", "top_k", "stop_sequences", "metadata"):
        body.pop(name, None)
    return body


def _write_tools(body: dict[str, Any], request: Request, losses: Losses) -> None:
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
    del losses


def _function(tool: Tool) -> dict[str, Any]:
    schema = tool.parameters if tool.parameters.get("type") == "object" else {**_NO_SCHEMA, **tool.parameters}
    function: dict[str, Any] = {"name": tool.name, "input_schema": schema}
    if tool.description is not None:
        function["description"] = tool.description
    if tool.strict is not None:
        function["strict"] = tool.strict
    if tool.cache is not None:
        function["cache_control"] = tool.cache
    return function


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
        content = message["content"]
        if len(content) == 1 and content[0].keys() == {"type", "text"}:
            message["content"] = content[0]["text"]
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
        case Text(text=text) if not text:
            return None
        case Text(text=text):
            return {"type": "text", "text": text}
        case Call(id=known, name=name, arguments=arguments):
            place = f"{block.place}.function.arguments"
            return {"type": "tool_use", "id": known, "name": name, "input": parsed_arguments(arguments, place)}
        case Result() if role == "user":
            result: dict[str, Any] = {"type": "tool_result", "tool_use_id": block.id}
            content = [made for part in block.content if (made := _written(part, role, losses))]
            plain = len(content) == 1 and content[0]["type"] == "text"
            result["content"] = content[0]["text"] if plain else content
            if block.failed:
                result["is_error"] = True
            return result
        case Thought(redacted=redacted) if redacted:
            return {"type": "redacted_thinking", "data": redacted}
        case Thought(signature=signature, text=text) if seals.of_anthropic(signature):
            return {"type": "thinking", "thinking": text, "signature": signature}
        case Media() if role == "user" and (source := _source(block)):
            kind = "image" if block.kind == "image" else "document"
            named = {"title": block.name} if kind == "document" and block.name else {}
            return {"type": kind, "source": source, **named}
    losses.lose(block.place)
    return None


def _source(media: Media) -> dict[str, Any] | None:
    if media.kind == "audio" or (media.kind == "document" and media.data and media.media_type != "application/pdf"):
        return None
    if media.detail and media.detail != "auto":
        return None
    if media.data:
        return {"type": "base64", "media_type": media.media_type, "data": media.data}
    if media.url:
        return {"type": "url", "url": media.url}
    return None
