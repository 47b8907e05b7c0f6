"""One text on its way through a TextEditor, as it is spelled inside of JSON literals."""

from __future__ import annotations

from json.encoder import encode_basestring
from typing import TYPE_CHECKING

from extproc.payload.literal import UNIT, unescape

if TYPE_CHECKING:
    from extproc.payload.document import TextEditor


class Channel:
    """Edits the insides of literals. What the editor lets pass keeps its spelling."""

    def __init__(self, editor: TextEditor) -> None:
        self._editor = editor
        self._waiting: list[tuple[str, str]] = []
        """Text and spelling of what the editor holds back."""

    @property
    def held(self) -> bool:
        """Whether anything is held back."""
        return self._editor.held > 0

    def feed(self, raw: str) -> str:
        """Take the next piece of a literal's inside, whole escapes only; return the spelling of what can leave."""
        editor = self._editor
        if "\\" not in raw and not self._waiting:
            out = editor.feed(raw)
            if editor.held:
                self._waiting.append((raw[-editor.held :],) * 2)
            return out if out is raw else spelled(out)
        whole = unescape(raw)
        if not self._waiting and editor.passes(whole):
            editor.feed(whole)
            return raw
        pieces = []
        for match in UNIT.finditer(raw):
            unit = match[0]
            text = unescape(unit)
            self._waiting.append((text, unit))
            pieces.append(self._left(editor.feed(text)))
        return "".join(pieces)

    def close(self) -> str:
        """Spelling of what was held back: the text is at its end."""
        return self._left(self._editor.close())

    def _left(self, out: str) -> str:
        """Spelling of what the editor let go: as it came, unless it changed."""
        waiting, held = self._waiting, self._editor.held
        gone = "".join(text for text, _ in waiting)
        raw = "".join(unit for _, unit in waiting)
        if not held:
            self._waiting = []
            return raw if gone == out else spelled(out)
        kept: list[tuple[str, str]] = []
        while held > 0:
            text, unit = waiting.pop()
            if len(text) > held:
                if len(unit) != len(text):  # an escape of two characters is not cut
                    unit = spelled(text)
                waiting.append((text[:-held], unit[:-held]))
                text, unit = text[-held:], unit[-held:]
            kept.append((text, unit))
            held -= len(text)
        self._waiting = kept[::-1]
        same = "".join(text for text, _ in waiting) == out
        return "".join(unit for _, unit in waiting) if same else spelled(out)


def spelled(text: str) -> str:
    """A text as JSON spells it; bytes that are no UTF-8 pass."""
    spelling: str = encode_basestring(text)
    return spelling[1:-1]
