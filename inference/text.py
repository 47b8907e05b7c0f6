"""From token pieces to text: characters are never cut, and stop strings are found across any boundary. No I/O."""

from __future__ import annotations

import codecs


class TextAssembler:
    """Takes the bytes of one token after the other and gives back the text that may be shown.

    What could be the beginning of a stop string is held back, and so are the first bytes of an unfinished character.
    """

    def __init__(self, stops: tuple[str, ...] = ()) -> None:
        self.stopped: str | None = None
        """The stop string that was met; nothing more may be fed then."""
        self.length = 0
        """Characters so far, those that are held back among them."""
        self._stops = stops
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""

    def feed(self, piece: bytes) -> str:
        """Add a token's bytes; returns what became certain."""
        text = self._decoder.decode(piece)
        self.length += len(text)
        if not self._stops:
            return text
        text = self._held + text
        self._held = ""
        found = [(at, stop) for stop in self._stops if (at := text.find(stop)) >= 0]
        if found:
            at, self.stopped = min(found)
            return text[:at]
        keep = max(_overlap(text, stop) for stop in self._stops)
        if keep:
            self._held = text[-keep:]
            return text[:-keep]
        return text

    def close(self) -> str:
        """Return what was held back. The bytes of a character that never became whole are dropped."""
        held, self._held = self._held, ""
        return "" if self.stopped is not None else held


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of `text` that begins `stop`."""
    for length in range(min(len(text), len(stop) - 1), 0, -1):
        if text.endswith(stop[:length]):
            return length
    return 0
