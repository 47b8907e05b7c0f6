"""A text that comes in pieces which stay where they are: literals of events, tokens of a list.

What an edit writes goes into the first piece that it touches, and its part of the others is taken out. A piece is settled
once nothing of it is held back any more.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from extproc.edits import Edit
    from extproc.payload.document import TextEditor


class Piece(Protocol):
    """A part of a text."""

    size: int
    """Its characters."""

    def edit(self, start: int, end: int, new: str) -> None:
        """Something is to stand there instead, in characters of this piece."""

    def settle(self) -> None:
        """No more edits will come."""


class Track:
    """One text on its way through an editor."""

    __slots__ = ("_at", "_editor", "_waiting", "passed")

    def __init__(self, editor: TextEditor) -> None:
        self._editor = editor
        self._waiting: deque[Piece] = deque()
        self._at = 0
        """How much of the first piece is decided."""
        self.passed = 0
        """Events of the texts beside this one since its last piece."""

    @property
    def waits(self) -> bool:
        """Whether a piece is not settled."""
        return bool(self._waiting)

    def feed(self, piece: Piece, text: str, *, end: bool = False) -> None:
        """Take the next piece; with `end`, the text is at its end."""
        self._waiting.append(piece)
        self.passed = 0
        edits, gone = self._editor.advance(text, end=end)
        self._take(edits, gone, end=end)

    def close(self) -> None:
        """The text is at its end."""
        edits, gone = self._editor.advance("", end=True)
        self._take(edits, gone, end=True)

    def _take(self, edits: Sequence[Edit], gone: int, *, end: bool) -> None:
        waiting = self._waiting
        begun = -self._at
        for start, stop, new in edits:
            while begun + waiting[0].size <= start:
                begun += waiting[0].size
                waiting.popleft().settle()
            text: str = new
            while True:
                piece = waiting[0]
                piece.edit(max(0, start - begun), min(piece.size, stop - begun), text)
                if begun + piece.size >= stop:
                    break
                text = ""
                begun += piece.size
                waiting.popleft().settle()
        while waiting and (end or begun + waiting[0].size <= gone):
            begun += waiting[0].size
            waiting.popleft().settle()
        self._at = gone - begun if waiting else 0
