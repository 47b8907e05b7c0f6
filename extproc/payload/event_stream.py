"""Streams of events: server-sent events, lines of JSON and the items of a JSON array, in chunks cut anywhere.

An event leaves as soon as it is whole. Of its bytes only the literals that change are written anew; an event without a
change leaves as it came.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from extproc.payload.event_texts import EventEditor
from extproc.slices import in_slices

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extproc.payload.document import EditorFactory
    from extproc.payload.tree import Node

_MAX_EVENT_BYTES = 16 * 2**20
"""An event longer than this passes as it is, rather than fill the memory."""
_BLANK = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")
_LINE = re.compile(rb"([^\r\n]*)(\r\n|\n|\r|\Z)")
_SIMPLE = re.compile(rb"(data: ?)([^\r\n]*)(\r\n|\n|\r)\3")
"""Most events: one line of data."""
_NEW_LINE = re.compile(rb"\r\n|\r|\n")
_LINE_END = re.compile(rb"\n")
_END_BYTES = 3
"""Of an end, so many may have come before its last."""
_STRUCTURE = re.compile(rb'["\[\]{}]')
_IN_STRING = re.compile(rb'"|\\.?', re.DOTALL)
_EVENTS = 64
"""Events to a slice."""
_BOM = b"\xef\xbb\xbf"


class _Framed:
    """Cuts a stream into events."""

    _end = _BLANK
    _lines = False

    def __init__(self, tree: Node, masked: Node | None, editors: EditorFactory) -> None:
        self._events = EventEditor(tree, masked, editors, lines=self._lines)
        self._pieces: list[bytes] = []
        """What is held of an event whose end has not come."""
        self._size = 0
        self._half_end = False

    def feed(self, chunk: bytes, *, end: bool = False) -> bytes:
        """See ResponseEditor."""
        out: list[bytes] = []
        if self._half_end and chunk:  # the last event ended with the first half of CRLF
            self._half_end = False
            if chunk.startswith(b"\n"):
                out.append(self._events.add(b"\n"))
                chunk = chunk[1:]
        if chunk:
            self._pieces.append(chunk)
            self._size += len(chunk)
        if (chunk and self._may_hold_an_end(chunk)) or end or self._size > _MAX_EVENT_BYTES:
            data = b"".join(self._pieces)
            at = 0
            for match in in_slices(self._end.finditer(data), _EVENTS):
                out.append(self._event(data[at : match.end()]))
                at = match.end()
            self._half_end = 0 < at == len(data) and data.endswith(b"\r")
            self._keep(data[at:])
        if self._size > _MAX_EVENT_BYTES:
            out += (self._events.flush(), *self._pieces)
            self._keep(b"")
        if end:
            held = b"".join(self._pieces)
            out += (self._event(held) if held else b"", self._events.flush())
            self._keep(b"")
        return b"".join(out)

    def _keep(self, rest: bytes) -> None:
        self._pieces, self._size = ([rest] if rest else []), len(rest)

    def _may_hold_an_end(self, chunk: bytes) -> bool:
        """Whether an end may stand in the last chunk or begin right before it: only then is what is held put together, so
        that a long event in many chunks is not copied with each of them.
        """
        tail = b"".join(self._pieces[-_END_BYTES - 1 : -1])[-_END_BYTES:]
        return self._end.search(tail + chunk) is not None

    def _event(self, block: bytes) -> bytes:
        raise NotImplementedError


class EventStream(_Framed):
    """text/event-stream."""

    _eol = b"\n"

    def _event(self, block: bytes) -> bytes:
        simple = _SIMPLE.fullmatch(block)
        if simple is None:
            return self._many_lines(block)
        head, data, self._eol = simple.groups()
        eol = self._eol

        def write(new: bytes) -> bytes:
            return b"".join(head + line + eol for line in _NEW_LINE.split(new)) + eol

        return self._events.take(block, data, write)

    def _many_lines(self, block: bytes) -> bytes:
        """An event of any lines. What has no data, as a comment, says nothing about what waits, and passes it."""
        lines = [(match[1], match[2]) for match in _LINE.finditer(block) if match[0]]
        values = [_data(line) for line, _ in lines]
        data = [value for value in values if value is not None]
        if not data:
            return block
        self._eol = lines[0][1] or self._eol
        return self._events.take(block, b"\n".join(data), lambda new: self._rewritten(lines, values, new))

    def _rewritten(self, lines: list[tuple[bytes, bytes]], values: list[bytes | None], data: bytes) -> bytes:
        """The block with other data, whose lines take the place of the first line that was data."""
        out: list[bytes] = []
        written = False
        for (line, eol), value in zip(lines, values, strict=True):
            if value is None:
                out += (line, eol)
            elif not written:
                written = True
                head = line[: len(line) - len(value)]
                out += (head + part + (eol or self._eol) for part in _NEW_LINE.split(data))
                if not eol:
                    out[-1] = out[-1][: -len(self._eol)]
        return b"".join(out)


class LineStream(_Framed):
    """One JSON value per line."""

    _end = _LINE_END
    _lines = True

    def _event(self, block: bytes) -> bytes:
        data = block.rstrip(b"\r\n")
        return self._events.take(block, data, lambda new: new + block[len(data) :])


class ItemStream:
    """A JSON array whose items are events, as Gemini streams where nobody asks for server-sent events."""

    def __init__(self, tree: Node, masked: Node | None, editors: EditorFactory) -> None:
        self._events = EventEditor(tree, masked, editors, lines=False)
        self._pieces: list[bytes] = []
        """What is held of the item that is not whole, and of what stands before it."""
        self._size = 0
        self._lead = 0
        """Bytes of it before the item."""
        self._depth = 0
        self._in_string = False
        self._escaped = False

    def feed(self, chunk: bytes, *, end: bool = False) -> bytes:
        """See ResponseEditor."""
        out: list[bytes] = []
        at = 0
        for stop in in_slices(self._ends(chunk), _EVENTS):
            out.append(self._event(b"".join((*self._pieces, chunk[at:stop])), self._lead))
            self._pieces, self._size, at = [], 0, stop
        if at < len(chunk):
            self._pieces.append(chunk[at:])
            self._size += len(chunk) - at
        if end and self._pieces:
            out.append(self._event(b"".join(self._pieces), 0))
            self._pieces = []
        if end or self._size > _MAX_EVENT_BYTES:
            out += (self._events.flush(), *self._pieces)
            self._pieces, self._size = [], 0
        return b"".join(out)

    def _ends(self, chunk: bytes) -> Iterator[int]:
        """Where in a chunk an item ends. `_lead` is then that of this item."""
        at = 0
        begun = -self._size
        """Where what is held begins, in bytes of this chunk."""
        if self._escaped and chunk:
            self._escaped, at = False, 1
        while True:
            match = (_IN_STRING if self._in_string else _STRUCTURE).search(chunk, at)
            if match is None:
                return
            at = match.end()
            mark = match[0]
            if mark == b'"':
                self._in_string = not self._in_string
            elif mark[:1] == b"\\":
                self._escaped = len(mark) == 1
            elif mark in b"[{":
                if self._depth == 1:
                    self._lead = match.start() - begun
                self._depth += 1
            else:
                self._depth -= 1
                if self._depth == 1:
                    yield at
                    begun = at

    def _event(self, block: bytes, lead: int) -> bytes:
        return self._events.take(block, block[lead:], lambda new: block[:lead] + new)


def _data(line: bytes) -> bytes | None:
    """Value of a `data` line; None for any other."""
    line = line.removeprefix(_BOM)
    if not line.startswith(b"data"):
        return None
    if line[4:5] == b":":
        return line[6:] if line[5:6] == b" " else line[5:]
    return b"" if len(line) == len(b"data") else None
