"""Calls as tags: a name, then each argument between tags of its own, its value a text or JSON as the function's schema says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

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
        if _is_text(schemas.get(name, {}), key):
            yield from _text_value(reader, end, trims=not key_value)
        else:
            value: list[str] = []
            yield from reader.until((end,), value.append)
            reader.arguments(_as_json("".join(value), trims=not key_value))
    reader.arguments("}")


def _text_value(reader: Reader, end: str, *, trims: bool) -> Steps[None]:
    """A text, passed on as it comes. The newline before the closing tag is the layout's, not the value's."""
    reader.arguments('"')
    markers = ("\n" + end, end) if trims else (end,)
    yield from reader.until(markers, lambda text: reader.arguments(json.dumps(text, ensure_ascii=False)[1:-1]))
    reader.arguments('"')


def _as_json(text: str, *, trims: bool) -> str:
    try:
        json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return json.dumps(text.removesuffix("\n") if trims else text, ensure_ascii=False)
    return text.strip()


def _is_text(schema: Mapping[str, Any], key: str) -> bool:
    properties = schema.get("properties")
    one = properties.get(key) if isinstance(properties, dict) else None
    return isinstance(one, dict) and one.get("type") == "string"


def _no_constant(_: str) -> None:
    raise ValueError("NaN and Infinity are no JSON")
