"""Calls as `<invoke name="…">` with a tag for each parameter: DeepSeek since V3.2 (its tags begin with ｜DSML｜) and MiniMax."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from inference.tools.tagged_call import as_json, is_text, text_value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inference.tools.reader import Reader, Schemas, Steps

DSML = "｜DSML｜"
DSML_BLOCKS = ("function_calls", "tool_calls")
MINIMAX = "<minimax:tool_call>"
_OPENINGS = (*(f"<{DSML}{block}>" for block in DSML_BLOCKS), MINIMAX)
_CLOSINGS = (*(f"</{DSML}{block}>" for block in DSML_BLOCKS), "</minimax:tool_call>")
_STRING = re.compile(r'string="(true|false)"')


def read_invoked(reader: Reader, schemas: Schemas) -> Steps[None]:
    """Text with blocks of calls in it."""
    while marker := (yield from reader.until(_OPENINGS, reader.content)):
        reader.begin(marker)
        prefix = DSML if DSML in marker else ""
        some = False
        while True:
            yield from reader.skip_space()
            if not (yield from reader.literal(f'<{prefix}invoke name="')):
                break
            name: list[str] = []
            if not (yield from reader.until(('">',), name.append)) or not "".join(name).strip():
                break
            some = True
            reader.settle()
            reader.call("".join(name).strip())
            yield from _parameters(reader, "".join(name).strip(), schemas, prefix)
            yield from reader.literal(f"</{prefix}invoke>")
        if not some:
            reader.give_back()
            continue
        yield from reader.literal(*_CLOSINGS)


def _parameters(reader: Reader, name: str, schemas: Schemas, prefix: str) -> Steps[None]:
    end = f"</{prefix}parameter>"
    reader.arguments("{")
    separator = ""
    while True:
        yield from reader.skip_space()
        if not (yield from reader.literal(f'<{prefix}parameter name="')):
            break
        key: list[str] = []
        rest: list[str] = []
        if not (yield from reader.until(('"',), key.append)) or not (yield from reader.until((">",), rest.append)):
            break
        reader.arguments(f"{separator}{json.dumps(''.join(key), ensure_ascii=False)}: ")
        separator = ", "
        said = _STRING.search("".join(rest))
        if said[1] == "true" if said else is_text(schemas.get(name, {}), "".join(key)):
            yield from text_value(reader, (end,))
        else:
            value: list[str] = []
            yield from reader.until((end,), value.append)
            reader.arguments(as_json("".join(value)))
    reader.arguments("}")


def write_dsml(calls: Sequence[tuple[str, Any]]) -> str:
    """Calls as DeepSeek has written them since V3.2."""
    lines = [f"<{DSML}tool_calls>"]
    for name, arguments in calls:
        lines.append(f'<{DSML}invoke name="{name}">')
        for key, value in arguments.items():
            is_string = isinstance(value, str)
            text = value if is_string else json.dumps(value, ensure_ascii=False)
            flag = "true" if is_string else "false"
            lines.append(f'<{DSML}parameter name="{key}" string="{flag}">{text}</{DSML}parameter>')
        lines.append(f"</{DSML}invoke>")
    return "\n".join((*lines, f"</{DSML}tool_calls>"))
