"""Bodies that are one text, and bodies that hold none."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

from extproc.edits import apply
from extproc.errors import UnreadableBodyError
from extproc.payload.conversation import Conversation, said_once
from extproc.payload.document import SYNTAX, filled
from extproc.payload.texts import Texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from extproc.payload.document import Change, Region, Segment


class TextDocument:
    """A body that is text as a whole."""

    model = None
    stream = False

    def __init__(self, body: bytes, charset: str = "utf-8") -> None:
        self.body = body
        self._charset = known_charset(charset)
        try:
            text = body.decode(self._charset)
            exact = text.encode(self._charset) == body
        except UnicodeError as error:
            at = error.start if isinstance(error, UnicodeDecodeError) else 0
            raise UnreadableBodyError(f"the body is not {self._charset} (byte {at})") from None
        if not exact:
            raise UnreadableBodyError(f"the body's {self._charset} cannot be written back as it is")
        texts = Texts()
        self._text = text
        self._layer = texts.read(text, None) if text else None
        self.segments = texts.segments()
        self.unsearched = texts.unsearched

    @property
    def intent_text(self) -> str:
        """The text."""
        return self._layer.said if self._layer is not None else ""

    @property
    def conversation(self) -> Conversation:
        """See Document."""
        return said_once(self.intent_text)

    def regions(self) -> list[Region]:
        """See Document."""
        if self._layer is None:
            return []
        regions, at, place = [], 0, 0
        for start, end, what in self._layer.regions():
            place += len(self._text[at:start].encode(self._charset))
            size = len(self._text[start:end].encode(self._charset))
            regions.append((place, place + size, what))
            at, place = end, place + size
        return filled(regions, len(self.body))

    def replace(self, changes: Sequence[Change | None], model: str | None = None) -> bytes:
        """See Document."""
        del model
        edits = self._layer.edits(changes) if self._layer is not None else ()
        return apply(self._text, edits).encode(self._charset) if edits else self.body


class OpaqueDocument:
    """A body without texts: a picture, an upload, nothing at all."""

    model = None
    stream = False
    intent_text = ""
    conversation = Conversation()
    segments: Sequence[Segment] = ()

    def __init__(self, body: bytes, reason: str = SYNTAX) -> None:
        """`reason`: what it was proved to be."""
        self.body = body
        self._reason = reason
        self.unsearched = {reason: len(body)} if body and reason != SYNTAX else {}

    def regions(self) -> list[Region]:
        """See Document."""
        return [(0, len(self.body), self._reason)] if self.body else []

    def replace(self, changes: Sequence[Change | None], model: str | None = None) -> bytes:
        """See Document."""
        del changes, model
        return self.body


def known_charset(charset: str) -> str:
    """Python's name of a charset. Raises UnreadableBodyError."""
    try:
        codec = codecs.lookup(charset or "utf-8")
    except LookupError:
        raise UnreadableBodyError("the charset of the body is not known") from None
    if not codec._is_text_encoding:  # noqa: SLF001 - the only way to tell `rot13` and `zip` from charsets
        raise UnreadableBodyError("the charset of the body is not known")
    return "utf-8" if codec.name == "ascii" else codec.name
