"""Requests for responses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from extproc.payload.translate import seals
from extproc.payload.translate.answers import new_id
from extproc.payload.translate.chat.request import effort_of
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
from extproc.payload.translate.fields import Fields, mistake
from extproc.payload.translate.responses import answer as responses

if TYPE_CHECKING:
    from extproc.payload.translate.fields import Losses

ROLES: Final = ("system", "developer", "user", "assistant")
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
    fields.skip("include", [], ["reasoning.encrypted_content"])
    fields.skip("stream_options", {}, {"include_obfuscation": False}, {"include_obfuscation": True})
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
        request.set("form", "text.format", _form(text))
        text.skip("verbosity", "medium")
        request.set("verbosity", "text.verbosity", text.get("verbosity", str))
        text.close()
    request.set("tools", "tools", [tool for item in fields.items("tools") if (tool := _tool(item))] or None)
    request.set("tool_choice", "tool_choice", _choice(fields))


def _form(text: Fields) -> Form | None:
    form = text.inner("format")
    if form is None:
        return None
    kind = form.word("type", ("text", "json_object", "json_schema"))
    made = None
    if kind == "json_schema":
        name, schema = form.get("name", str, "answer"), form.get("schema", dict, {})
        made = Form(schema, name, form.get("strict", bool), form.get("description", str))
    elif kind == "json_object":
        made = Form(None)
    form.close()
    return made


def _tool(fields: Fields) -> Tool | None:
    if fields.get("type", str) != "function":
        fields.losses.lose(fields.at("type"))
        return None
    tool = Tool(
        fields.need("name", str),
        fields.get("description", str),
        fields.get("parameters", dict, {}),
        fields.get("strict", bool),
        place=fields.place,
    )
    fields.close()
    return tool


def _choice(fields: Fields) -> Choice | None:
    value = fields.any("tool_choice")
    if value is None:
        return None
    if isinstance(value, dict):
        chosen = Fields(value, "tool_choice", fields.losses)
        if chosen.get("type", str) == "function":
            choice = Choice("one", chosen.need("name", str))
            chosen.close()
            return choice
        fields.losses.lose("tool_choice")
        return None
    modes = {"auto": Choice("auto"), "none": Choice("none"), "required": Choice("any")}
    if not isinstance(value, str) or value not in modes:
        raise mistake("tool_choice", "auto, none, required or a function")
    return modes[value]


def _add(turns: list[Turn], item: Fields) -> None:
    """An item; what the model says, thinks and calls one after the other is one turn of its."""
    kind, place = item.get("type", str, "message"), item.place
    if kind == "message":
        role = item.word("role", ROLES) or "user"
        blocks = _content(item, "content")
        item.forget("id", "status", "phase")
    elif kind == "function_call":
        call = Call(item.need("call_id", str), item.need("name", str), item.get("arguments", str, "{}"), place=place)
        role, blocks = "assistant", [call]
        item.forget("id", "status")
    elif kind == "function_call_output":
        role, blocks = "user", [Result(item.need("call_id", str), _content(item, "output"), place=place)]
        item.forget("id", "status")
    elif kind == "reasoning":
        role, blocks = "assistant", [_thought(item)]
    else:
        item.losses.lose(place)
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


def _content(fields: Fields, name: str) -> list[Block]:
    value = fields.any(name)
    if value is None:
        return []
    if isinstance(value, str):
        return [Text(value, place=fields.at(name))]
    if not isinstance(value, list):
        raise mistake(fields.at(name), "a text or a list of parts")
    return [block for part in fields.listed(name, value) if (block := _part(part))]


def _part(fields: Fields) -> Block | None:
    kind, place = fields.get("type", str), fields.place
    block: Block
    if kind in _TEXTS:
        block = Text(fields.need("text", str), place=place)
        fields.skip("annotations", [])
        fields.skip("logprobs", [])
    elif kind == "refusal":
        block = Refusal(fields.need("refusal", str), place=place)
    elif kind == "input_image":
        media, data, url = media_of(fields.get("image_url", str, ""), "image/png")
        block = Media(
            "image", media, data, url, fields.get("file_id", str, ""), detail=fields.get("detail", str, ""), place=place
        )
    elif kind == "input_file":
        media, data, url = media_of(fields.get("file_data", str, ""), "application/pdf")
        url = fields.get("file_url", str, "") or url
        known, name = fields.get("file_id", str, ""), fields.get("filename", str, "")
        block = Media("document", media, data, url, known, name, place=place)
    else:
        fields.losses.lose(place)
        return None
    fields.close()
    return block


# What an upstream gets


def write(request: Request, losses: Losses) -> dict[str, Any]:
    """A request of responses. Nothing of it is stored: the other APIs know of no such thing."""
    body: dict[str, Any] = {"model": request.model} if request.model else {}
    body["input"] = [item for turn in request.turns for item in _items(turn, losses)]
    body["store"] = False
    for ours, name in (
        ("max_tokens", "max_output_tokens"),
        *((name, name) for name in ("temperature", "top_p", *_SAME)),
    ):
        if (value := request.take(ours)) is not None:
            body[name] = value
    if (metadata := request.take("metadata")) is not None:
        body["metadata"] = metadata
    thinking: Thinking | None = request.take("thinking")
    if thinking is not None and (effort := effort_of(thinking)):
        body["reasoning"] = {"effort": effort} | ({} if thinking.shown is False else {"summary": "auto"})
        body["include"] = ["reasoning.encrypted_content"]
    text: dict[str, Any] = {}
    form: Form | None = request.take("form")
    if form is not None:
        text["format"] = {"type": "json_object"} if form.schema is None else _json_schema(form)
    if (verbosity := request.take("verbosity")) is not None:
        text["verbosity"] = verbosity
    if text:
        body["text"] = text
    _write_tools(body, request, losses)
    if request.stream:
        body["stream"] = True
    for setting in request.settings.values():
        losses.lose(setting.name)
    return body


def write_count(request: Request, losses: Losses) -> dict[str, Any]:
    """The same, to be counted."""
    body = write(request, losses)
    for name in ("store", "stream", "max_output_tokens", "temperature", "top_p", "include", "metadata", *_SAME):
        body.pop(name, None)
    return body


def _json_schema(form: Form) -> dict[str, Any]:
    made: dict[str, Any] = {"type": "json_schema", "name": form.name, "schema": form.schema}
    made |= {} if form.strict is None else {"strict": form.strict}
    return made | ({"description": form.description} if form.description else {})


def _write_tools(body: dict[str, Any], request: Request, losses: Losses) -> None:
    tools: list[Tool] | None = request.take("tools")
    parallel, choice = request.take("parallel"), request.take("tool_choice")
    if not tools:
        return
    body["tools"] = []
    for tool in tools:
        if tool.cache:
            losses.lose(f"{tool.place}.cache_control")
        function = {"type": "function", "name": tool.name, "parameters": tool.parameters, "strict": bool(tool.strict)}
        body["tools"].append(function | ({} if tool.description is None else {"description": tool.description}))
    if parallel is not None:
        body["parallel_tool_calls"] = parallel
    if isinstance(choice, Choice):
        one = {"type": "function", "name": choice.name}
        body["tool_choice"] = one if choice.mode == "one" else {"any": "required"}.get(choice.mode, choice.mode)


def _items(turn: Turn, losses: Losses) -> list[dict[str, Any]]:
    """A turn as items, in the order in which they were said."""
    items: list[dict[str, Any]] = []
    parts: list[dict[str, Any]] = []

    def say() -> None:
        if parts and turn.role == "assistant":
            items.append(_output(parts))
        elif parts:
            items.append({"type": "message", "role": turn.role, "content": parts.copy()})
        parts.clear()

    for block in turn.blocks:
        if block.cache:
            losses.lose(f"{block.place}.cache_control")
        if isinstance(block, Call):
            say()
            items.append(
                {"type": "function_call", "call_id": block.id, "name": block.name, "arguments": block.arguments or "{}"}
            )
        elif isinstance(block, Result):
            say()
            items.append(_result(block, losses))
        elif isinstance(block, Thought):
            say()
            if item := _reasoning(block, losses):
                items.append(item)
        elif part := _written(block, turn.role, losses):
            parts.append(part)
    say()
    return items


def _output(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """What the model has said: as a text, which needs no id of an answer that this API has never given."""
    if len(parts) == 1 and parts[0]["type"] == "output_text":
        return {"type": "message", "role": "assistant", "content": parts[0]["text"]}
    said = responses.message(new_id("msg_"), "completed")
    said["content"] = parts.copy()
    return said


def _reasoning(thought: Thought, losses: Losses) -> dict[str, Any] | None:
    if not thought.signature.startswith(seals.OPENAI):
        losses.lose(thought.place)
        return None
    known, _, sealed = thought.signature.removeprefix(seals.OPENAI).partition(":")
    summary = [{"type": "summary_text", "text": thought.text}] if thought.text else []
    return {"type": "reasoning", "id": known, "summary": summary, "encrypted_content": sealed}


def _result(result: Result, losses: Losses) -> dict[str, Any]:
    if result.failed:
        losses.lose(f"{result.place}.is_error")
    parts = []
    for block in result.content:
        if block.cache:
            losses.lose(f"{block.place}.cache_control")
        if part := _written(block, "user", losses):
            parts.append(part)
    plain = len(parts) == 1 and parts[0]["type"] == "input_text"
    return {
        "type": "function_call_output",
        "call_id": result.id,
        "output": parts[0]["text"] if plain else parts or "",
    }


def _written(block: Block, role: str, losses: Losses) -> dict[str, Any] | None:
    match block:
        case Text():
            if role == "assistant":
                return {"type": "output_text", "text": block.text, "annotations": []}
            return {"type": "input_text", "text": block.text}
        case Refusal():
            return {"type": "refusal", "refusal": block.text}
        case Media(kind="image") if role == "user":
            image: dict[str, Any] = {"type": "input_image", "detail": block.detail or "auto"}
            return image | ({"file_id": block.file_id} if block.file_id else {"image_url": url_of(block)})
        case Media(kind="document") if role == "user":
            file: dict[str, Any] = {"type": "input_file"}
            if block.file_id:
                return file | {"file_id": block.file_id}
            if block.url:
                return file | {"file_url": block.url}
            return file | {"file_data": url_of(block), "filename": block.name or "document"}
    losses.lose(block.place)
    return None
