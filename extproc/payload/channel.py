"""One text on its way through a TextEditor, as it is spelled inside of JSON literals."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from extproc.payload.literal import apply, spell, unescape

if TYPE_CHECKING:
    from extproc.payload.document import TextEditor

_HIGH = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\Z")
_LOW = re.compile(r"\\u[dD][c-fC-F]")


class PlainChannel:
    """Edits a text that stands for itself."""

    def __init__(self, editor: TextEditor) -> None:
        self._editor = editor
        self.held = ""
        """What the editor holds back."""

    def feed(self, text: str, *, end: bool = False) -> str:
        """Take the next piece; return what can leave. With `end` the text is at its end."""
        edits, gone = self._editor.advance(text, end=end)
        text = self.held + text
        self.held = text[gone:]
        return apply(text[:gone], edits) if edits else text[:gone]


class Channel:
    """Edits a text inside of literals. What the editor lets pass keeps its spelling."""

    def __init__(self, editor: TextEditor) -> None:
        self._editor = editor
        self.held = ""
        """Spelling of what the editor holds back."""

    def feed(self, raw: str, *, end: bool = False) -> str:
        """Take the next piece of a literal's inside, whole escapes only; return the spelling of what can leave."""
        if self.held and _LOW.match(raw) and _HIGH.search(self.held):
            return self.feed("", end=True) + self.feed(raw, end=end)  # a pair cut in two is no text to be edited
        text = unescape(raw)
        edits, gone = self._editor.advance(text, end=end)
        if self.held:
            raw = self.held + raw
            text = unescape(raw)
        if not edits and gone == len(text):
            self.held = ""
            return raw
        spelled = spell(raw, [*edits, (gone, gone, "")])
        cut = spelled.pop()[0]
        self.held = raw[cut:]
        return apply(raw[:cut], spelled)
