"""Requests for messages, and for counting their tokens, as a caller sends them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from extproc.payload.translate.content import read_content
from extproc.payload.translate.conversation import (
    NO_SCHEMA,
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
from extproc.payload.translate.fields import Fields, compact, mistake

if TYPE_CHECKING:
    from extproc.payload.translate.fields import Losses

_ROLES: Final = ("user", "assistant", "system")
_EFFORTS: Final = ("low", "medium", "high", "xhigh", "max")


def read(body: Any, losses: Losses) -> Request:
    """What a request asks for."""
    fields = Fields(body, "", losses)
    request = Request(fields.get("model", str, ""), [], stream=fields.get("stream", bool, default=False))
    if fields.has("system"):
        request.turns.append(Turn("system", read_content(fields, "system", _block, "blocks"), "system"))
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


def _turn(fields: Fields) -> Turn:
    role = fields.word("role", _ROLES)
    blocks = read_content(fields, "content", _block, "blocks")
    fields.close()
    return Turn(role or "user", blocks, fields.place)  # type: ignore[arg-type]


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
            content, failed = (
                read_content(fields, "content", _block, "blocks"),
                fields.get("is_error", bool, default=False),
            )
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
        fields.get("input_schema", dict, NO_SCHEMA),
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
        thinking.effort = config.word("effort", _EFFORTS)
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
