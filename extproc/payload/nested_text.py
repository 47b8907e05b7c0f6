"""A text that passes in pieces and in which JSON may stand: plain up to there, then JSON, then plain again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from extproc.payload.json_text import JsonEditor
from extproc.payload.tree import FREE_ANSWER, Use

if TYPE_CHECKING:
    from collections.abc import Sequence

    from extproc.edits import Edit
    from extproc.payload.document import EditorFactory, TextEditor

_DEEPEST = 8
"""JSON in a string in JSON, and so on: what is nested deeper is one text. Each level doubles the backslashes."""
_BEGINS = re.compile(r'\{[ \t\r\n]*+"|\[[ \t\r\n]*+["{\[]')
"""How JSON begins in a text, wherever in a line."""
_LONGEST_SPACE = 256
"""White space after a bracket that is waited through for what makes it JSON."""
_SPACES = re.compile(r"[ \t\r\n]*+")
_MAY_BEGIN = re.compile(r"[{\[][ \t\r\n]*+\Z")


class NestedEditor:
    """A TextEditor for a text in which JSON may stand, be it all of it."""

    def __init__(self, editors: EditorFactory, key: str | None, depth: int) -> None:
        self._editors = editors
        self._key = key
        self._depth = depth
        self._plain: TextEditor = editors(key=key)
        self._json: JsonEditor | None = None
        self._given = 0
        """Characters that the editor in charge holds back."""
        self._pending = ""
        """What follows on them, and has been given to none."""
        self._begun = False
        """Something else than white space has come."""

    def advance(self, text: str, *, end: bool = False) -> tuple[Sequence[Edit], int]:
        """See TextEditor."""
        if self._is_plain(text, end=end):
            edits, gone = self._plain.advance(text, end=end)
            self._given = 0 if end else self._given + len(text) - gone
            self._begun = self._begun and not end
            return edits, gone
        text = self._pending + text
        self._pending = ""
        all_edits: list[Edit] = []
        gone = at = 0  # `gone` counts from what was held back before, `at` in this piece
        while True:
            base = self._given
            if self._json is None:
                stop, begins = self._next_json(text, at, end=end)
                edits, left = self._plain.advance(text[at:stop], end=begins or end)
                all_edits += ((gone + a, gone + b, new) for a, b, new in edits)
                gone += left
                self._given = base + stop - at - left
                at = stop
                if not begins:
                    self._pending = text[at:]
                    break
                self._json = JsonEditor(self._editors, FREE_ANSWER, self._depth, text_editor=text_editor)
            else:
                edits, left = self._json.advance(text[at:], end=end)
                closed = self._json.closed_at
                all_edits += ((gone + a, gone + b, new) for a, b, new in edits)
                if closed is None:
                    gone += left
                    self._given = base + len(text) - at - left
                    break
                gone += closed
                at += closed - base
                self._given = 0
                self._json = None
        if end:
            self._json, self._given, self._pending, self._begun = None, 0, "", False
        return all_edits, gone

    def _is_plain(self, text: str, *, end: bool) -> bool:
        """Whether the next piece may be read as plain text: where that is cheap to tell."""
        if self._json is not None or self._pending:
            return False
        if self._begun and not self._editors.escapes:
            return True
        if "{" not in text and "[" not in text:
            self._begun = self._begun or bool(text.strip())
            return True
        return end and not self._given and not self._editors.concerns(text)

    def _next_json(self, text: str, at: int, *, end: bool) -> tuple[int, bool]:
        """Up to where a text is plain, and whether JSON begins there.

        Where nothing that is put in has to be escaped, that matters only for JSON that is the whole text, with escapes of
        its own.
        """
        anywhere = self._editors.escapes
        if not anywhere and self._begun:
            return len(text), False
        first = _SPACES.match(text, at).end()  # type: ignore[union-attr]
        match = _BEGINS.search(text, first) if anywhere else _BEGINS.match(text, first)
        if match is not None:
            self._begun = True
            return match.start(), True
        pending = None
        if not end:
            floor = max(at, len(text) - _LONGEST_SPACE)
            pending = _MAY_BEGIN.search(text, floor) if anywhere else _MAY_BEGIN.match(text, first)
        self._begun = self._begun or (pending is None and first < len(text))
        return (len(text) if pending is None else pending.start()), False


def text_editor(editors: EditorFactory, key: str | None, use: int, depth: int = 1) -> TextEditor:
    """An editor for a text of this use, under this key."""
    if use & Use.SETTING:
        return editors(key=key, redact=False)
    return NestedEditor(editors, key, depth) if depth <= _DEEPEST else editors(key=key)
