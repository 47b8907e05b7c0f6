"""`<tool_call>`: Hermes and Qwen write JSON in it, GLM a name with `<arg_key>`s, Qwen-Coder `<function=…>` with parameters."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from inference.tools.json_call import json_calls, streamed
from inference.tools.tagged_call import tagged_arguments

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inference.tools.reader import Reader, Schemas, Steps

_OPEN, _CLOSE = "<tool_call>", "</tool_call>"
_FUNCTION = "<function="


def read_tagged(reader: Reader, schemas: Schemas) -> Steps[None]:
    """Text with `<tool_call>` blocks in it; `<function=…>` may stand alone."""
    while marker := (yield from reader.until((_OPEN, _FUNCTION), reader.content)):
        reader.begin(marker)
        taken = yield from (_function(reader, schemas) if marker == _FUNCTION else _block(reader, schemas))
        if not taken:
            reader.give_back()
            continue
        reader.settle()
        yield from reader.skip_space()
        yield from reader.literal(_CLOSE)


def _block(reader: Reader, schemas: Schemas) -> Steps[bool]:
    """What stands in a block: one call or several."""
    some = False
    while True:
        yield from reader.skip_space(",")
        first = yield from reader.peek()
        if some:
            if first not in ("{", "["):
                return True
            reader.begin()
        if first in ("{", "["):
            taken = yield from json_calls(reader)
        elif (yield from reader.literal(_FUNCTION)):
            taken = yield from _function(reader, schemas)
        else:
            taken = yield from _named(reader, schemas)
        if not taken:
            if some:
                reader.give_back()
            return some
        some = True


def _function(reader: Reader, schemas: Schemas) -> Steps[bool]:
    """After `<function=`: a name, `>`, then JSON or parameters, then `</function>`."""
    name = yield from _name(reader, (">", "<", "\n"))
    if not name or not (yield from reader.literal(">")):
        return False
    reader.settle()
    reader.call(name)
    yield from reader.skip_space()
    if (yield from reader.peek()) == "{":
        yield from streamed(reader)
    else:
        yield from tagged_arguments(reader, name, schemas, key_value=False)
    yield from reader.skip_space()
    yield from reader.literal("</function>")
    return True


def _named(reader: Reader, schemas: Schemas) -> Steps[bool]:
    """GLM: a name, then keys and values."""
    name = yield from _name(reader, ("<", "\n"))
    if not name:
        return False
    yield from reader.skip_space()
    following = yield from reader.peek()
    if following != "<":
        return False
    reader.settle()
    reader.call(name)
    yield from tagged_arguments(reader, name, schemas, key_value=True)
    return True


def _name(reader: Reader, stops: Sequence[str]) -> Steps[str]:
    """A function's name up to one of these texts, which is not read over; nothing if there is none."""
    parts: list[str] = []
    if not (yield from reader.until(stops, parts.append, over=False)):
        return ""
    name = "".join(parts).strip()
    return name if not any(part.isspace() for part in name) else ""


def write_hermes(calls: Sequence[tuple[str, Any]]) -> str:
    """Calls as Hermes and Qwen write them."""
    return "\n".join(
        f"{_OPEN}\n{json.dumps({'name': name, 'arguments': arguments}, ensure_ascii=False)}\n{_CLOSE}"
        for name, arguments in calls
    )
