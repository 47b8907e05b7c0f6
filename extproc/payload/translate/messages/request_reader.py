"""Requests for messages, and for counting their tokens, as a caller sends them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from extproc.payload.translate.content import headed, read_content
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
    if request.turns and request.turns[-1].role == "assistant":
        request.set("begun", f"{request.turns[-1].place} as the beginning of the answer", True)
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


def _block(fields: Fields) -> list[Block]:
    kind, place, cache = fields.get("type", str), fields.place, fields.get("cache_control", dict)
    blocks: list[Block]
    match kind:
        case "text":
            blocks = [Text(fields.need("text", str), place=place)]
        case "image":
            blocks = _image(fields)
        case "document":
            blocks = _document(fields)
        case "search_result":
            blocks = _search_result(fields)
        case "tool_use":
            arguments = compact(fields.get("input", dict, {}))
            blocks = [Call(fields.need("id", str), fields.need("name", str), arguments, place=place)]
            fields.skip("caller", {"type": "direct"})
        case "tool_result":
            content = read_content(fields, "content", _block, "blocks")
            failed = fields.get("is_error", bool, default=False)
            blocks = [Result(fields.need("tool_use_id", str), content, failed, place=place)]
        case "thinking":
            blocks = [Thought(fields.get("thinking", str, ""), fields.get("signature", str, ""), place=place)]
        case "redacted_thinking":
            blocks = [Thought(redacted=fields.need("data", str), place=place)]
        case _:
            fields.losses.lose_kind(place, kind)
            return []
    if blocks:
        blocks[-1].cache = cache
    fields.close()
    return blocks


def _image(fields: Fields) -> list[Block]:
    kind, source = _source(fields)
    image = _media(kind, source, "image", fields.place)
    if image is None:
        fields.losses.lose(source.place)
        return []
    source.close()
    return [image]


def _document(fields: Fields) -> list[Block]:
    """A document of text, or of blocks, is what it says, after its title and what is told about it; others are files, which
    have a name.
    """
    place, (kind, source) = fields.place, _source(fields)
    title, context = fields.get("title", str, ""), fields.get("context", str, "")
    _skip_citations(fields)
    if kind == "text":
        source.forget("media_type")
        blocks: list[Block] = [Text(headed(title, context, source.need("data", str)), place=place)]
    elif kind == "content":
        blocks = _with_head(headed(title, context), read_content(source, "content", _block, "blocks"), place)
    else:
        file = _media(kind, source, "document", place)
        if file is None:
            fields.losses.lose(source.place)
            return []
        file.name = title
        blocks = [Text(context, place=fields.at("context")), file] if context else [file]
    source.close()
    return blocks


def _search_result(fields: Fields) -> list[Block]:
    """Something that was found: its texts, after what it is called and where it stands."""
    head = headed(fields.get("title", str, ""), fields.get("source", str, ""))
    _skip_citations(fields)
    return _with_head(head, read_content(fields, "content", _block, "blocks"), fields.place)


def _source(fields: Fields) -> tuple[str | None, Fields]:
    source = fields.inner("source")
    if source is None:
        raise mistake(fields.at("source"), "an object")
    return source.get("type", str), source


def _media(kind: str | None, source: Fields, what: Literal["image", "document"], place: str) -> Media | None:
    """What lies in a source, or where; None: no source of a file."""
    if kind == "base64":
        return Media(what, source.get("media_type", str, ""), source.need("data", str), place=place)
    if kind == "url":
        return Media(what, url=source.need("url", str), place=place)
    if kind == "file":
        return Media(what, file_id=source.need("file_id", str), place=place)
    return None


def _skip_citations(fields: Fields) -> None:
    """Nobody else cites: that it is wanted is lost by its name, that it is not says nothing."""
    fields.skip("citations", {"enabled": False})


def _with_head(head: str, blocks: list[Block], place: str) -> list[Block]:
    return [Text(head, place=place), *blocks] if head else blocks


def _tool(fields: Fields) -> Tool | None:
    if (kind := fields.get("type", str, "custom")) != "custom":
        fields.losses.lose_kind(fields.at("type"), kind)
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
