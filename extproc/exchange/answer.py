"""The answer to one intercepted request on its way back: edited link by link, usage read off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extproc.decision import HeadersEdit, Unframes
from extproc.payload import Untouched
from extproc.threads import LARGE_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from extproc.decision import AnswerEdit
    from extproc.exchange.observer import AnswerReader
    from extproc.exchange.record import Usage
    from extproc.payload import ResponseEditor


class Answer:
    """Feeds an answer through its editors, one after the other, and past the reader that counts it, as it comes."""

    def __init__(
        self,
        editors: Sequence[ResponseEditor],
        reader: AnswerReader | None,
        *,
        coded: bool = False,
        headers: Mapping[str, str] | None = None,
        before: Sequence[ResponseEditor] = (),
    ) -> None:
        """`before`: what the reader is to see the answer after."""
        self.received = 0
        self.headers = headers or {}
        """Those that take the place of the upstream's."""
        self._coded = coded
        self.edits = bool(editors) or bool(before)
        """Whether the answer may change."""
        self._before = before
        self._editors = editors
        self._reader = reader
        self._ended = False
        self._usage: Usage | None = None

    @classmethod
    def begin(
        cls,
        headers: Mapping[str, str],
        links: Sequence[AnswerEdit],
        reads: Callable[[str, str], AnswerReader | None] | None,
    ) -> Answer | None:
        """An answer with these headers; None when it is neither to be edited nor to be read.

        `reads`: makes the reader of an answer of this type and coding, as it is once it is out of a cloud's frames.
        """
        coding = headers.get("content-encoding", "")
        changed: dict[str, str] = {}
        framed = ""
        editors: list[ResponseEditor] = []
        unframing = 0
        for link in links:
            if isinstance(link, HeadersEdit):
                changed.update(link.headers({**headers, **changed}))
            kind = changed.get("content-type", headers.get("content-type", ""))
            if isinstance(link, Unframes):
                framed, unframing = kind, len(editors) + 1
            editors.append(link.editor(kind, coding))
        reader = reads(framed or headers.get("content-type", ""), coding) if reads else None
        if not links and reader is None:
            return None
        before, after = editors[:unframing], [e for e in editors[unframing:] if not isinstance(e, Untouched)]
        return cls(after, reader, coded=bool(coding), headers=changed, before=before)

    def weight(self, chunk: bytes) -> int:
        """Bytes of work that a piece may be: of a compressed one nobody knows, and it may be much."""
        if not self.edits:
            return 0
        return LARGE_BYTES if self._coded and chunk else len(chunk)

    def feed(self, chunk: bytes, *, end: bool) -> bytes:
        """The next piece of the answer: what the client is to get of it now. May hold some back until the end."""
        if self._ended:
            return b""  # Envoy 1.35 to 1.37 may tell the end of a stream twice
        self._ended = end
        self.received += len(chunk)
        for editor in self._before:
            chunk = editor.feed(chunk, end=end)
        if self._reader is not None and chunk:
            self._reader.feed(chunk)
        for editor in self._editors:
            chunk = editor.feed(chunk, end=end)
        return chunk

    def usage(self) -> Usage | None:
        """What the answer said of itself: final once it has ended."""
        if self._usage is not None:
            return self._usage
        usage = self._reader.close() if self._reader is not None else None
        self._usage = usage if self._ended else None
        return usage
