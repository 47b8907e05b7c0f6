"""One event on its way: its pieces of texts that go on, and what is written anew of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from extproc.edits import Edit, apply

if TYPE_CHECKING:
    from collections.abc import Callable

    from extproc.payload.logprobs import Logprobs

Key: TypeAlias = tuple[Any, ...]
"""What tells a text that goes on from event to event from others."""
_TEXT = re.compile(r'(?:[^"\\]++|\\.)*+')


class Event:
    """One event on its way."""

    __slots__ = ("block", "edits", "logprobs", "open", "tail", "text", "write")

    def __init__(self, block: bytes, write: Callable[[bytes], bytes]) -> None:
        self.block = block
        self.write = write
        """The block with other data."""
        self.tail = b""
        """What came after it and belongs to it."""
        self.text = ""
        """Its data."""
        self.edits: list[Edit] = []
        self.logprobs: list[tuple[Logprobs, dict[str, int]]] = []
        self.open = 0
        """Pieces of texts in it that are not settled."""

    def close_one(self) -> None:
        """A piece is settled."""
        self.open -= 1

    def written(self) -> bytes:
        """As it is to leave."""
        for one, shifts in self.logprobs:
            new = one.written(shifts)
            if new is not None:
                self.edits.append((one.start, one.end, new))
        if not self.edits:
            return self.block + self.tail
        return self.write(apply(self.text, sorted(self.edits)).encode(errors="surrogateescape")) + self.tail


class Literal:
    """A piece of a text: the inside of a string in an event."""

    __slots__ = ("_at", "_event", "size")

    def __init__(self, event: Event, at: int, size: int) -> None:
        self._event = event
        self._at = at
        self.size = size
        event.open += 1

    def edit(self, start: int, end: int, new: str) -> None:
        """See Piece."""
        self._event.edits.append((self._at + start, self._at + end, new))

    def settle(self) -> None:
        """See Piece."""
        self._event.open -= 1


class Shape(NamedTuple):
    """An event of which only one text is new: the next one mostly is the same around it, and then need not be parsed."""

    before: bytes
    after: bytes
    at: int
    """Where the text begins, in characters."""
    key: Key
    here: dict[Key, None]
    after_size: int

    @classmethod
    def of(cls, text: str, at: int, key: Key) -> Shape:
        """Of an event whose only text that goes on begins here."""
        match = _TEXT.match(text, at)
        stop = match.end() if match else at
        return cls(text[:at].encode(), text[stop:].encode(), at, key, {key: None}, len(text) - stop)
