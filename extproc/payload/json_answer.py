"""A JSON answer, edited while it passes: nothing is buffered but what a text's editor holds back.

What is no JSON passes as it is: it is not for a filter to judge the answer of an upstream.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from extproc.payload.channel import Channel
from extproc.payload.scan import MAX_DEPTH, unescape_key
from extproc.payload.tree import Use
from extproc.slices import checkpoint

if TYPE_CHECKING:
    from extproc.payload.document import EditorFactory
    from extproc.payload.tree import Node

_HIGH = rb"\\u[dD][89abAB][0-9a-fA-F]{2}"
_INSIDE = re.compile(
    rb"(?:[^\"\\]++|\\[\"\\/bfnrt]|\\u(?![dD][89abAB])[0-9a-fA-F]{4}|%b(?:\\u[0-9a-fA-F]{4}|(?=[^\\]|\\[^u])))*+"
    % _HIGH
)
"""Whole characters of a literal's inside."""
_PLAIN = re.compile(rb'[^"{}\[\],]*+')
_KEY = re.compile(rb'"((?:[^"\\]|\\.)*+)"', re.DOTALL)
_LONGEST_KEY = 65536
_LONGEST_UNIT = 12
_SLICE = 0x3FF
"""Steps after which it is asked whether anybody still waits."""


class JsonAnswer:
    """Edits the string values of one JSON text that arrives in chunks."""

    def __init__(self, tree: Node, editors: EditorFactory) -> None:
        self._tree = tree
        self._editors = editors
        self._carry = b""
        self._channel: Channel | None = None
        self._inside = False
        self._stack: list[tuple[bool, Node]] = []
        self._deeper = bytearray()
        """Beyond MAX_DEPTH, where all places are alike: whether each container is an object."""
        self._in_object = False
        self._at_key = False
        self._node = tree
        self._value = tree
        self._lost = False

    def feed(self, chunk: bytes, *, end: bool = False) -> bytes:
        """See ResponseEditor."""
        if self._lost:
            return chunk
        data = self._carry + chunk
        self._carry = b""
        out: list[bytes] = []
        at = steps = 0
        while at < len(data):
            steps += 1
            if not steps & _SLICE:
                checkpoint()
            step = self._text(data, at, out) if self._inside else self._structure(data, at, out)
            if step == at:
                self._carry = data[at:]
                break
            at = step
        if end or len(self._carry) > _LONGEST_KEY:
            out.append(self._leave())
        return b"".join(out)

    def _leave(self) -> bytes:
        """Everything that is held back: the answer ends here, within a text or not."""
        held = _bytes(self._channel.feed("", end=True)) if self._channel is not None else b""
        self._lost = True
        return held + self._carry

    def _text(self, data: bytes, at: int, out: list[bytes]) -> int:
        """Edit the inside of a literal as far as it goes."""
        match = _INSIDE.match(data, at)
        stop = at if match is None else match.end()
        closed = stop < len(data) and data[stop] == 0x22
        if not closed:
            stop = _whole_characters(data, at, stop)
        if stop > at:
            raw = data[at:stop]
            out.append(
                raw if self._channel is None else _bytes(self._channel.feed(raw.decode(errors="surrogateescape")))
            )
        if not closed:
            if len(data) - stop > _LONGEST_UNIT:  # an escape that JSON does not have
                out.append(data[stop : stop + 1])
                return stop + 1
            return stop
        if self._channel is not None:
            out.append(_bytes(self._channel.feed("", end=True)))
            self._channel = None
        out.append(b'"')
        self._inside = False
        return stop + 1

    def _structure(self, data: bytes, at: int, out: list[bytes]) -> int:
        """Pass what stands between texts, up to the next text."""
        match = _PLAIN.match(data, at)
        stop = at if match is None else match.end()
        if stop == len(data):
            out.append(data[at:])
            return stop
        mark = data[stop]
        if mark == 0x22:
            return self._literal(data, at, stop, out)
        out.append(data[at : stop + 1])
        if mark in b"{[":
            if len(self._stack) < MAX_DEPTH:
                self._stack.append((self._in_object, self._node))
            else:
                self._deeper.append(self._in_object)
            self._node = self._value
            self._in_object = self._at_key = mark == 0x7B
            self._value = self._node.items
        elif mark in b"}]":
            if self._deeper:
                self._in_object = bool(self._deeper.pop())
            elif self._stack:
                self._in_object, self._node = self._stack.pop()
            self._at_key = False
            self._value = self._node.items
        else:
            self._at_key = self._in_object
        return stop + 1

    def _literal(self, data: bytes, at: int, stop: int, out: list[bytes]) -> int:
        if self._at_key:
            match = _KEY.match(data, stop)
            if match is None:  # it goes on in the next chunk
                out.append(data[at:stop])
                return stop
            key = match[1]
            self._value = self._node.keys.get(key if b"\\" not in key else _key(key), self._node.other)
            self._at_key = False
            out.append(data[at : match.end()])
            return match.end()
        out.append(data[at : stop + 1])
        self._inside = True
        use = self._value.use
        if use:
            nested = bool(use & Use.NESTED)
            self._channel = Channel(self._editors(nested=nested, redact=not use & Use.SETTING))
        return stop + 1


def _whole_characters(data: bytes, at: int, stop: int) -> int:
    """End of the last UTF-8 character that is whole."""
    for back in range(1, min(4, stop - at) + 1):
        byte = data[stop - back]
        if byte & 0xC0 == 0x80:
            continue
        size = 1 if byte < 0xC0 else 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
        return stop if size <= back else stop - back
    return stop


def _key(key: bytes) -> bytes:
    try:
        return unescape_key(key)
    except ValueError:
        return key


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")
