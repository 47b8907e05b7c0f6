"""Calls as JSON objects: `{"name": ..., "arguments": {...}}`, in whatever order the keys come."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container

    from inference.tools.reader import Reader, Steps

_NAMES = ("name", "function", "tool_name")
_ARGUMENTS = ("arguments", "parameters", "args", "input")


def json_calls(reader: Reader, *, known: Container[str] | None = None) -> Steps[bool]:
    """One object, or a list of them; False: it is none, and what was read is text. `known`: no other names are calls."""
    if (yield from reader.literal("[")):
        some = False
        while True:
            yield from reader.skip_space(",")
            if (yield from reader.literal("]")):
                return some
            if some:
                reader.begin()
            if not (yield from json_call(reader, known=known)):
                if some:
                    reader.give_back()
                return some
            some = True
    return (yield from json_call(reader, known=known))


def json_call(reader: Reader, *, known: Container[str] | None = None) -> Steps[bool]:
    """One object. Its arguments are passed on as they come, once the name is there."""
    yield from reader.skip_space()
    if not (yield from reader.literal("{")):
        return False
    call = _Call(reader, known)
    while True:
        yield from reader.skip_space(",")
        if (yield from reader.literal("}")):
            return call.end()
        key = yield from reader.string()
        yield from reader.skip_space()
        if key is None or not (yield from reader.literal(":")) or not (yield from call.entry(key)):
            return call.told


class _Call:
    """What is known of a call while its object is read."""

    def __init__(self, reader: Reader, known: Container[str] | None) -> None:
        self.told = False
        self._reader = reader
        self._known = known
        self._name: str | None = None
        self._arguments: str | None = None
        """Those that came before the name."""

    def entry(self, key: str) -> Steps[bool]:
        """Read the value of a key; False: this is no call, or it never ends."""
        if key in _NAMES and self._name is None:
            return (yield from self._read_name())
        if key in _ARGUMENTS and self._arguments is None and not self.told:
            return (yield from self._read_arguments())
        return (yield from self._reader.value(_ignore))

    def end(self) -> bool:
        """The object is over; whether it was a call."""
        if self._name is None or (self._known is not None and not self.told):
            return self.told  # without a marker before it, an object with a name alone is an answer like any other
        if not self.told:
            self._tell("{}")
        return True

    def _read_name(self) -> Steps[bool]:
        yield from self._reader.skip_space()
        self._name = yield from self._reader.string()
        if self._name is None or (self._known is not None and self._name not in self._known):
            return False
        if self._arguments is not None:
            self._tell(self._arguments)
        return True

    def _read_arguments(self) -> Steps[bool]:
        if self._name is not None:
            self._tell("")
            return (yield from streamed(self._reader))
        kept: list[str] = []
        whole = yield from self._reader.value(kept.append)
        self._arguments = unwrapped("".join(kept))
        return whole

    def _tell(self, arguments: str) -> None:
        assert self._name is not None
        self.told = True
        self._reader.settle()
        self._reader.call(self._name)
        self._reader.arguments(arguments)


def streamed(reader: Reader) -> Steps[bool]:
    """Pass a value on as the arguments of the call that has begun."""
    yield from reader.skip_space()
    first = yield from reader.peek()
    if first == "{":
        return (yield from reader.value(reader.arguments))
    kept: list[str] = []
    whole = yield from reader.value(kept.append)
    reader.arguments(unwrapped("".join(kept)))
    return whole


def unwrapped(text: str) -> str:
    """Arguments as the text of an object: some models write that text into a string, or null for none."""
    if text.startswith('"'):
        try:
            inner = json.loads(text, strict=False)
        except ValueError:
            return text
        text = inner.strip()
    return "{}" if text in ("null", "") else text


def _ignore(_: str) -> None:
    pass
