"""The answer to one intercepted request on its way back: originals put in again, usage read off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extproc import payload
from extproc.threads import LARGE_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from extproc.config.intercept import Intercept
    from extproc.exchange.observer import AnswerReader
    from extproc.exchange.record import Usage
    from extproc.payload import EditorFactory, ResponseEditor


class Answer:
    """Feeds an answer through the editor that restores it and past the reader that counts it, as it comes."""

    def __init__(self, editor: ResponseEditor | None, reader: AnswerReader | None, *, coded: bool = False) -> None:
        self.received = 0
        self.edits = editor is not None
        """Whether the answer may change."""
        self._coded = coded
        self._editor = editor
        self._reader = reader
        self._ended = False
        self._usage: Usage | None = None

    @classmethod
    def begin(
        cls,
        rule: Intercept,
        headers: Mapping[str, str],
        editors: EditorFactory | None,
        reader: AnswerReader | None,
    ) -> Answer | None:
        """An answer with these headers; None when it is neither to be edited nor to be read."""
        if editors is None and reader is None:
            return None
        editor = None
        if editors is not None:
            editor = payload.response_editor(
                rule, headers.get("content-type", ""), headers.get("content-encoding", ""), editors
            )
        return cls(editor, reader, coded=bool(headers.get("content-encoding")))

    def weight(self, chunk: bytes) -> int:
        """Bytes of work that a piece may be: of a compressed one nobody knows, and it may be much."""
        if self._editor is None:
            return 0
        return LARGE_BYTES if self._coded and chunk else len(chunk)

    def feed(self, chunk: bytes, *, end: bool) -> bytes:
        """The next piece of the answer: what the client is to get of it now. May hold some back until the end."""
        if self._ended:
            return b""  # Envoy 1.35 to 1.37 may tell the end of a stream twice
        self._ended = end
        self.received += len(chunk)
        if self._reader is not None and chunk:
            self._reader.feed(chunk)
        return chunk if self._editor is None else self._editor.feed(chunk, end=end)

    def usage(self) -> Usage | None:
        """What the answer said of itself: final once it has ended."""
        if self._usage is not None:
            return self._usage
        usage = self._reader.close() if self._reader is not None else None
        self._usage = usage if self._ended else None
        return usage
