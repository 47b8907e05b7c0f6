"""What requests of OpenAI's two APIs have in common; chat completions wrap functions and schemas once more than responses do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from extproc.payload.translate.content import present
from extproc.payload.translate.conversation import Choice, Form, Media, Tool
from extproc.payload.translate.data_url import media_of, media_type_of
from extproc.payload.translate.fields import Fields, mistake

if TYPE_CHECKING:
    from extproc.payload.translate.conversation import Thinking

_MODES = {"auto": Choice("auto"), "none": Choice("none"), "required": Choice("any")}
_WORDS = {"any": "required"}


def read_function(function: Fields, place: str) -> Tool:
    """A function that is offered to the model."""
    return Tool(
        function.need("name", str),
        function.get("description", str),
        function.get("parameters", dict, {}),
        function.get("strict", bool),
        place=place,
    )


def read_choice(fields: Fields, *, wrapped: bool) -> Choice | None:
    """Whether tools are to be called."""
    value = fields.any("tool_choice")
    if value is None:
        return None
    if not isinstance(value, dict):
        if not isinstance(value, str) or value not in _MODES:
            raise mistake("tool_choice", "auto, none, required or a function")
        return _MODES[value]
    chosen = Fields(value, "tool_choice", fields.losses)
    function = None
    if chosen.get("type", str) == "function":
        function = chosen.inner("function") if wrapped else chosen
    if function is None:
        fields.losses.lose("tool_choice")
        return None
    choice = Choice("one", function.need("name", str))
    function.close()
    if wrapped:
        chosen.close()
    return choice


def read_form(form: Fields | None, *, wrapped: bool) -> Form | None:
    """Whether the answer is to be JSON."""
    if form is None:
        return None
    kind, made_form = form.word("type", ("text", "json_object", "json_schema")), None
    if kind == "json_schema":
        schema = form.inner("json_schema") if wrapped else form
        if schema is None:
            raise mistake(form.at("json_schema"), "an object")
        made_form = Form(
            schema.get("schema", dict, {}),
            schema.get("name", str, "answer"),
            schema.get("strict", bool),
            schema.get("description", str),
        )
        if wrapped:
            schema.close()
    elif kind == "json_object":
        made_form = Form(None)
    form.close()
    return made_form


def read_file(file: Fields, place: str) -> Media:
    """A file, by its data or its id. Data may come without saying of what kind it is: then the file's name does."""
    name = file.get("filename", str, "")
    otherwise = media_type_of(name) or "application/pdf"
    media, data, bare = media_of(file.get("file_data", str, ""), otherwise)
    if bare:
        media, data = otherwise, bare
    return Media("document", media, data, file_id=file.get("file_id", str, ""), name=name, place=place)


def written_choice(choice: Choice, function: dict[str, Any]) -> Any:
    """The same in OpenAI's words. `function`: how the API names the only one."""
    return {"type": "function", **function} if choice.mode == "one" else _WORDS.get(choice.mode, choice.mode)


def schema_of(form: Form) -> dict[str, Any]:
    """A schema with its name."""
    return present(name=form.name, schema=form.schema, strict=form.strict, description=form.description or None)


def effort_of(thinking: Thinking) -> str | None:
    """OpenAI's word for how much the model is to think: of a number of tokens the nearest."""
    if thinking.off:
        return "none" if thinking.effort == "none" else None
    if thinking.effort is None and thinking.budget is not None:
        return "low" if thinking.budget < 4096 else "medium" if thinking.budget < 16384 else "high"
    return "xhigh" if thinking.effort == "max" else thinking.effort
