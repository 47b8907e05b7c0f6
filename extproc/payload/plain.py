"""Bodies that are one text, and bodies that hold none."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

from extproc.errors import UnreadableBodyError
from extproc.payload.document import Segment, edits_of, is_change
from extproc.payload.literal import apply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from extproc.payload.document import Change


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
        self.segments = [Segment(text)] if text else []

    @property
    def intent_text(self) -> str:
        """The text."""
        return self.segments[0].text if self.segments else ""

    def replace(self, changes: Sequence[Change | None], model: str | None = None) -> bytes:
        """See Document."""
        del model
        change = changes[0] if changes else None
        if change is None or not is_change(change):
            return self.body
        text = self.segments[0].text
        return apply(text, edits_of(change, text)).encode(self._charset)


class OpaqueDocument:
    """A body without texts: an image, an upload, nothing at all."""

    model = None
    stream = False
    intent_text = ""
    segments: Sequence[Segment] = ()

    def __init__(self, body: bytes) -> None:
        self.body = body

    def replace(self, changes: Sequence[Change | None], model: str | None = None) -> bytes:
        """See Document."""
        del changes, model
        return self.body


def known_charset(charset: str) -> str:
    """Python's name of a charset. Raises UnreadableBodyError."""
    try:
        found = codecs.lookup(charset or "utf-8")
    except LookupError:
        raise UnreadableBodyError("the charset of the body is not known") from None
    if not found._is_text_encoding:  # noqa: SLF001 - the only way to tell `rot13` and `zip` from charsets
        raise UnreadableBodyError("the charset of the body is not known")
    return "utf-8" if found.name == "ascii" else found.name
