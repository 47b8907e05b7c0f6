"""Calls as tags: a name, then each argument between tags of its own, its value a text or JSON as the function's schema says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from inference.tools.reader import Reader, Schemas, Steps


def tagged_arguments(reader: Reader, name: str, schemas: Schemas, *, key_value: bool) -> Steps[None]:
    """`<arg_key>k</arg_key><arg_value>v</arg_value>` where `key_value`, else `<parameter=k>v</parameter>`."""
    opening, closing = ("<arg_key>", "</arg_key>") if key_value else ("<parameter=", ">")
    end = "</arg_value>" if key_value else "</parameter>"
    reader.arguments("{")
    separator = ""
    while True:
        yield from reader.skip_space()
        if not (yield from reader.literal(opening)):
            break
        parts: list[str] = []
        if not (yield from reader.until((closing,), parts.append)):
            break
        key = "".join(parts).strip()
        if key_value:
            yield from reader.skip_space()
            if not (yield from reader.literal("<arg_value>")):
                break
        reader.arguments(f"{separator}{json.dumps(key, ensure_ascii=False)}: ")
        separator = ", "
        if not key_value:
            yield from reader.literal("\n")
        if is_text(schemas.get(name, {}), key):
            # the newline before the closing tag is the layout's, not the value's
            yield from text_value(reader, (end,) if key_value else ("\n" + end, end))
        else:
            value: list[str] = []
            yield from reader.until((end,), value.append)
            reader.arguments(as_json("".join(value), trims=not key_value))
    reader.arguments("}")


def text_value(reader: Reader, ends: Sequence[str]) -> Steps[None]:
    """A text up to one of these ends, passed on as it comes."""
    reader.arguments('"')
    yield from reader.until(ends, lambda text: reader.arguments(json.dumps(text, ensure_ascii=False)[1:-1]))
    reader.arguments('"')


def as_json(text: str, *, trims: bool = False) -> str:
    """A value as JSON: as it is if it is that, else as a text."""
    try:
        json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return json.dumps(text.removesuffix("\n") if trims else text, ensure_ascii=False)
    return text.strip()


def is_text(schema: Mapping[str, Any], key: str) -> bool:
    """Whether the schema says that a parameter is a text."""
    properties = schema.get("properties")
    one = properties.get(key) if isinstance(properties, dict) else None
    return isinstance(one, dict) and one.get("type") == "string"


def _no_constant(_: str) -> None:
    raise ValueError("NaN and Infinity are no JSON")
