"""One text on its way through a TextEditor: applied as it leaves, or as it is spelled inside of a JSON literal."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from extproc.edits import Edit, apply
from extproc.payload.literal import escape, spell, unescape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from extproc.payload.document import TextEditor

_HIGH = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\Z")
_LOW = re.compile(r"\\u[dD][c-fC-F]")


class Channel:
    """Edits a text as it passes."""

    def __init__(self, editor: TextEditor) -> None:
        self._editor = editor
        self._held = ""

    def feed(self, text: str, *, end: bool = False) -> str:
        """Take the next piece; return what can leave. With `end` the text is at its end."""
        edits, gone = self._editor.advance(text, end=end)
        text = self._held + text if self._held else text
        self._held = text[gone:]
        return apply(text[:gone], edits) if edits else text[:gone]


class Spelled:
    """A TextEditor for the inside of a literal, over one for the text that it spells. What stays keeps its spelling."""

    def __init__(self, editor: TextEditor) -> None:
        self._editor = editor
        self._held = ""
        """Spelling of what the editor holds back."""
        self._size = 0
        """Characters of it."""

    def advance(self, text: str, *, end: bool = False) -> tuple[Sequence[Edit], int]:
        """See TextEditor. Pieces are cut between escapes, never within one."""
        held = self._held
        if held and _LOW.match(text) and _HIGH.search(held):  # a pair cut in two is no text to be edited
            first, _ = self.advance("", end=True)
            second, gone = self.advance(text, end=end)
            size = len(held)
            return [*first, *((size + start, size + stop, new) for start, stop, new in second)], size + gone
        plain = unescape(text) if "\\" in text else text
        edits, gone = self._editor.advance(plain, end=end)
        size = self._size + len(plain)
        self._size = size - gone
        raw = held + text if held else text
        if gone == size and not edits:
            self._held = ""
            return (), len(raw)
        if "\\" not in raw:
            self._held = raw[gone:]
            return [(start, stop, escape(new)) for start, stop, new in edits], gone
        spelled = spell(raw, [*edits, (gone, gone, "")])
        split_at = spelled.pop()[0]
        self._held = raw[split_at:]
        return spelled, split_at
