"""Server-sent events, cut out of chunks that end anywhere."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from extproc.errors import UnreadableAnswerError
from extproc.slices import in_slices

MOST_EVENT_BYTES: Final = 16 * 2**20
"""Of one event that is waited for: it has to be whole to be translated."""
_LINE: Final = re.compile(rb"([^\r\n]*)(?:\r\n|\n|\r)")
_BOM: Final = b"\xef\xbb\xbf"
_EVENTS: Final = 64


class Received(NamedTuple):
    """One event; without data it is a comment, which keeps the connection alive."""

    data: bytes | None


class EventReader:
    """Feeds on chunks, gives events as soon as they are whole."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        """Of the last line, whose end has not come."""
        self._size = 0
        self._half_end = False
        self._data: list[bytes] = []
        self._comment = False
        self._first = True

    def feed(self, chunk: bytes) -> list[Received]:
        """The events that have become whole. Raises UnreadableAnswerError for one that does not become so."""
        if self._half_end and chunk:
            self._half_end = False
            chunk = chunk.removeprefix(b"\n")
        self._pieces.append(chunk)
        self._size += len(chunk)
        if self._size > MOST_EVENT_BYTES:
            raise UnreadableAnswerError("an event of the upstream's answer is too long to be translated")
        if b"\n" not in chunk and b"\r" not in chunk:
            return []
        block = b"".join(self._pieces)
        if self._first:
            self._first = False
            block = block.removeprefix(_BOM)
        at = 0
        events: list[Received] = []
        for match in in_slices(_LINE.finditer(block), _EVENTS):
            at = match.end()
            if (event := self._line(match[1])) is not None:
                events.append(event)
        self._half_end = at == len(block) and block.endswith(b"\r")
        self._pieces = [block[at:]]
        self._size = len(block) - at + sum(map(len, self._data))
        return events

    def close(self) -> list[Received]:
        """The stream is over: a last event that lacks its blank line counts all the same."""
        last = b"".join(self._pieces)
        self._pieces = []
        events = [event] if last and (event := self._line(last)) is not None else []
        if (event := self._line(b"")) is not None:
            events.append(event)
        return events

    def _line(self, line: bytes) -> Received | None:
        if not line:
            data, self._data = self._data, []
            comment, self._comment = self._comment, False
            return Received(b"\n".join(data)) if data else Received(None) if comment else None
        name, _, value = line.partition(b":")
        if name == b"data":
            self._data.append(value.removeprefix(b" "))
        elif not name:
            self._comment = True
        return None
