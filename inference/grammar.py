"""`response_format` to a grammar that the sampler obeys."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from inference import bounds
from inference.errors import InvalidRequestError

if TYPE_CHECKING:
    from inference.protocol import ResponseFormat

_LARGEST_SCHEMA = 64 * 1024
_MOST_REPETITIONS = 500
"""A grammar spells repetitions out, each of them."""
_COUNTS = ("minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties")


def grammar_of(response_format: ResponseFormat | None, grammar: str | None) -> str | None:
    """GBNF for what the caller wants: a grammar of its own, a JSON schema, any JSON object, or free text (None)."""
    if response_format is None or response_format.type == "text":
        return grammar
    if grammar is not None:
        raise InvalidRequestError("give response_format or grammar, not both", param="grammar")
    if response_format.type == "json_object":
        return _from_schema({"type": "object"})
    if response_format.json_schema is None:
        raise InvalidRequestError("type json_schema needs a json_schema", param="response_format.json_schema")
    return _from_schema(response_format.json_schema.schema_)


def _from_schema(schema: dict[str, Any]) -> str:
    from llama_cpp.llama_grammar import json_schema_to_gbnf  # noqa: PLC0415 - a second of imports that few need

    place = "response_format.json_schema.schema"
    text = json.dumps(schema)
    if len(text) > _LARGEST_SCHEMA:
        raise InvalidRequestError(f"the schema has {len(text)} bytes, of at most {_LARGEST_SCHEMA}", param=place)
    _check_repetitions(schema, place)
    try:
        expressions: list[str] = []
        marked = _with_bounds(schema, expressions, place)
        grammar = str(json_schema_to_gbnf(json.dumps(marked)))
    except InvalidRequestError:
        raise
    except RecursionError:
        raise InvalidRequestError("the schema is nested too deeply", param=place) from None
    except Exception as error:  # noqa: BLE001 - the converter raises whatever it meets
        raise InvalidRequestError(f"this schema cannot be followed ({type(error).__name__})", param=place) from None
    for number, expression in enumerate(expressions):
        grammar = grammar.replace(_as_literal(_marker(number)), expression)
    return grammar


def _with_bounds(part: Any, expressions: list[str], place: str) -> Any:
    """Put a marker in place of every bounded number, and its expression into `expressions`."""
    if isinstance(part, list):
        return [_with_bounds(item, expressions, place) for item in part]
    if not isinstance(part, dict):
        return part
    kinds = part.get("type")
    if isinstance(kinds, list) and not {"enum", "const"} & part.keys():
        # else the converter would keep the types and lose what is said of them
        return {"anyOf": [_with_bounds({**part, "type": kind}, expressions, place) for kind in kinds]}
    if isinstance(kinds, str) and bounds.is_bounded(part) and not {"enum", "const"} & part.keys():
        expressions.append(bounds.expression(part, place))
        return {"const": _marker(len(expressions) - 1)}
    return {
        key: value if key in ("enum", "const") else _with_bounds(value, expressions, place)
        for key, value in part.items()
    }


def _marker(number: int) -> str:
    return f"bounded number {number} of this schema"


def _as_literal(text: str) -> str:
    return f'"\\"{text}\\""'


def _check_repetitions(part: Any, place: str) -> None:
    """Refuse what would make a grammar of a size that nobody wants to wait for."""
    if isinstance(part, list):
        for item in part:
            _check_repetitions(item, place)
        return
    if not isinstance(part, dict):
        return
    counts = [part[key] for key in _COUNTS if isinstance(part.get(key), int)]
    if isinstance(pattern := part.get("pattern"), str):
        counts += [int(digits[:9]) for digits in re.findall(r"[{,](\d+)", pattern)]
    if any(count > _MOST_REPETITIONS for count in counts):
        raise InvalidRequestError(f"the schema repeats something more than {_MOST_REPETITIONS} times", param=place)
    for value in part.values():
        _check_repetitions(value, place)
