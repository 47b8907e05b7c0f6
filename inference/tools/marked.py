"""Families that put JSON behind a marker: Llama 3, Mistral, Phi-4 and Granite, DeepSeek."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from inference.tools.json_call import json_calls, streamed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inference.tools.reader import Reader, Schemas, Steps

PYTHON_TAG = "<|python_tag|>"
MISTRAL, MISTRAL_ID, MISTRAL_ARGUMENTS = "[TOOL_CALLS]", "[CALL_ID]", "[ARGS]"
PHI, PHI_END = ("<|tool_call|>", "<tool_calls>"), ("<|/tool_call|>", "</tool_calls>")
PHI_TOOLS = "<|tool|>"
FUNCTOOLS = "functools"
"""What Phi-4-mini and Firefunction also put before their list."""
DEEPSEEK_CALLS, DEEPSEEK_CALL, DEEPSEEK_NAME = "<｜tool▁calls▁begin｜>", "<｜tool▁call▁begin｜>", "<｜tool▁sep｜>"
DEEPSEEK_CALL_END, DEEPSEEK_CALLS_END = "<｜tool▁call▁end｜>", "<｜tool▁calls▁end｜>"


def read_llama(reader: Reader, schemas: Schemas) -> Steps[None]:
    """Llama 3: an answer that is one call or several, `{"name", "parameters"}`, with or without `<|python_tag|>`.

    Without the tag an object is a call only if it names a function that was offered: JSON is an answer too.
    """
    reader.begin()
    yield from reader.skip_space()
    if (yield from reader.literal(PYTHON_TAG)):
        yield from reader.skip_space()
        if (yield from reader.peek()) not in ("{", "["):
            yield from _built_in(reader)
            return
        taken = yield from json_calls(reader)
    else:
        taken = yield from json_calls(reader, known=schemas)
    while taken:
        reader.settle()
        reader.begin()
        yield from reader.skip_space(";,")
        yield from reader.literal(PYTHON_TAG)
        if (yield from reader.peek()) != "{":
            break
        taken = yield from json_calls(reader, known=schemas)
    reader.give_back()
    yield from reader.rest(reader.content)


def _built_in(reader: Reader) -> Steps[None]:
    """`name.call(key="value", …)`, as Llama 3.1 calls what is built in; else it is text."""
    name: list[str] = []
    found = yield from reader.until((".call(", "\n"), name.append)
    if found != ".call(" or not "".join(name).strip():
        reader.give_back()
        yield from reader.rest(reader.content)
        return
    reader.settle()
    reader.call("".join(name).strip())
    reader.arguments("{")
    separator = ""
    while True:
        yield from reader.skip_space(",")
        key: list[str] = []
        if (yield from reader.until(("=", ")"), key.append)) != "=":
            break
        reader.arguments(f"{separator}{json.dumps(''.join(key).strip(), ensure_ascii=False)}: ")
        separator = ", "
        if not (yield from reader.value(reader.arguments)):
            break
    reader.arguments("}")


def read_mistral(reader: Reader, _: Schemas) -> Steps[None]:
    """`[TOOL_CALLS]` with a list of objects, or for each call a name, `[ARGS]` and an object."""
    while marker := (yield from reader.until((MISTRAL,), reader.content)):
        reader.begin(marker)
        yield from reader.skip_space()
        taken = yield from (json_calls if (yield from reader.peek()) in ("[", "{") else _named)(reader)
        if taken:
            reader.settle()
        else:
            reader.give_back()


def _named(reader: Reader) -> Steps[bool]:
    parts: list[str] = []
    found = yield from reader.until((MISTRAL_ID, MISTRAL_ARGUMENTS, "{", "\n"), parts.append, over=False)
    name = "".join(parts).strip()
    if found == MISTRAL_ID:
        found = yield from reader.until((MISTRAL_ARGUMENTS, "\n"), _ignore, over=False)
    if not name or found not in (MISTRAL_ARGUMENTS, "{"):
        return False
    yield from reader.literal(MISTRAL_ARGUMENTS)
    reader.settle()
    reader.call(name)
    yield from streamed(reader)
    return True


def read_phi(reader: Reader, _: Schemas) -> Steps[None]:
    """`<|tool_call|>` with a list of objects or one, as Phi-4 and Granite write it, or `functools` with a list."""
    while marker := (yield from reader.until((*PHI, FUNCTOOLS), reader.content)):
        reader.begin(marker)
        if marker != FUNCTOOLS:
            yield from reader.skip_space()
        listed = marker != FUNCTOOLS or (yield from reader.peek()) == "["
        if not listed or not (yield from json_calls(reader)):
            reader.give_back()
            continue
        reader.settle()
        yield from reader.skip_space()
        yield from reader.literal(*PHI_END)


def read_deepseek(reader: Reader, _: Schemas) -> Steps[None]:
    """DeepSeek: a type, a separator, a name and JSON in a fence (R1, V3), or a name, a separator and JSON (V3.1)."""
    while marker := (yield from reader.until((DEEPSEEK_CALLS, DEEPSEEK_CALL), reader.content)):
        reader.begin(marker)
        if marker == DEEPSEEK_CALLS:
            yield from reader.skip_space()
            if not (yield from reader.literal(DEEPSEEK_CALL)):
                reader.give_back()
                continue
        if not (yield from _deepseek_call(reader)):
            reader.give_back()
            continue
        reader.settle()
        yield from reader.skip_space("`")
        yield from reader.literal(DEEPSEEK_CALL_END)
        yield from reader.skip_space()
        yield from reader.literal(DEEPSEEK_CALLS_END)


def _deepseek_call(reader: Reader) -> Steps[bool]:
    parts: list[str] = []
    if not (yield from reader.until((DEEPSEEK_NAME,), parts.append)):
        return False
    name = "".join(parts).strip()
    yield from reader.skip_space()
    if (yield from reader.peek()) != "{":
        parts = []
        if not (yield from reader.until(("\n", "{"), parts.append, over=False)):
            return False
        name = "".join(parts).strip()
        yield from reader.skip_space("`")
        yield from reader.literal("json")
        yield from reader.skip_space()
    if not name:
        return False
    reader.settle()
    reader.call(name)
    yield from streamed(reader)
    return True


def _ignore(_: str) -> None:
    pass


def write_mistral(calls: Sequence[tuple[str, Any]]) -> str:
    """Calls as Mistral writes them."""
    return f"{MISTRAL}{_as_list(calls)}" if calls else ""


def write_phi(calls: Sequence[tuple[str, Any]]) -> str:
    """Calls as Phi-4 and Granite write them."""
    return f"{PHI[0]}{_as_list(calls)}" if calls else ""


def write_llama(calls: Sequence[tuple[str, Any]]) -> str:
    """Calls as Llama 3 writes them."""
    objects = ({"name": name, "parameters": arguments} for name, arguments in calls)
    return "; ".join(json.dumps(one, ensure_ascii=False) for one in objects)


def write_deepseek(calls: Sequence[tuple[str, Any]]) -> str:
    """Calls as DeepSeek R1 writes them."""
    written = (
        f"{DEEPSEEK_CALL}function{DEEPSEEK_NAME}{name}\n```json\n{json.dumps(arguments, ensure_ascii=False)}\n```"
        f"{DEEPSEEK_CALL_END}"
        for name, arguments in calls
    )
    return f"{DEEPSEEK_CALLS}{''.join(written)}{DEEPSEEK_CALLS_END}"


def _as_list(calls: Sequence[tuple[str, Any]]) -> str:
    return json.dumps([{"name": name, "arguments": arguments} for name, arguments in calls], ensure_ascii=False)
