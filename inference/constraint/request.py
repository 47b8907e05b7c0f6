"""Which field of a request says what the answer must be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inference.constraint.grammar import Grammar, from_schema
from inference.errors import InvalidRequestError

if TYPE_CHECKING:
    from inference.protocol import SampledBody

_OBJECT = {"type": "object"}


def grammar_of(body: SampledBody) -> Grammar | None:
    """A JSON schema or any JSON object; None for free text. More than one field is a mistake."""
    wanted = body.response_format
    if wanted is None or wanted.type == "text":
        return None
    if body.grammar is not None:
        raise InvalidRequestError("give response_format or grammar, not both", param="grammar")
    if wanted.type == "json_object":
        return from_schema(_OBJECT if wanted.schema_ is None else wanted.schema_, "response_format.schema")
    if wanted.json_schema is not None:
        schema = wanted.json_schema.schema_
        return from_schema(_OBJECT if schema is None else schema, "response_format.json_schema.schema")
    if wanted.schema_ is not None:  # llama.cpp's shape
        return from_schema(wanted.schema_, "response_format.schema")
    raise InvalidRequestError("type json_schema needs a json_schema", param="response_format.json_schema")
