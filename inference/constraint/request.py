"""Which field of a request says what the answer must be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inference.constraint.grammar import Grammar, from_gbnf, from_schema
from inference.errors import InvalidRequestError

if TYPE_CHECKING:
    from inference.protocol import ResponseFormat, SampledBody

_OBJECT = {"type": "object"}


def is_formed(body: SampledBody) -> bool:
    """Whether the answer is to be of a form."""
    return any(value is not None for value in (body.grammar, body.response_format, body.json_schema))


def grammar_of(body: SampledBody) -> Grammar | None:
    """A grammar, a JSON schema or any JSON object; None for free text. More than one field is a mistake."""
    wanted = body.response_format if body.response_format and body.response_format.type != "text" else None
    fields = {"grammar": body.grammar, "json_schema": body.json_schema, "response_format": wanted}
    given = [name for name, value in fields.items() if value is not None]
    if len(given) > 1:
        raise InvalidRequestError(f"give {' or '.join(given)}, not both", param=given[0])
    if body.grammar is not None:
        return from_gbnf(body.grammar, "grammar")
    if body.json_schema is not None:
        return from_schema(body.json_schema, "json_schema")
    return None if wanted is None else _from_format(wanted)


def _from_format(wanted: ResponseFormat) -> Grammar:
    if wanted.type == "json_object":
        return from_schema(_OBJECT if wanted.schema_ is None else wanted.schema_, "response_format.schema")
    if wanted.json_schema is not None:
        schema = wanted.json_schema.schema_
        return from_schema(_OBJECT if schema is None else schema, "response_format.json_schema.schema")
    if wanted.schema_ is not None:  # llama.cpp's shape
        return from_schema(wanted.schema_, "response_format.schema")
    raise InvalidRequestError("type json_schema needs a json_schema", param="response_format.json_schema")
