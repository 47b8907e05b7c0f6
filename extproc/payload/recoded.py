"""A body that travels in another form than the one it is read in: compressed, in another charset."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from extproc.payload.conversation import Conversation
    from extproc.payload.document import Change, Document, Region, Segment


class Recoded:
    """A document whose body is another's, decoded."""

    def __init__(self, document: Document, body: bytes, plain: bytes, again: Callable[[bytes], bytes]) -> None:
        """`again` brings what was read back to the form in which it travels."""
        self._document = document
        self._body = body
        self._plain = plain
        self._again = again

    @property
    def body(self) -> bytes:
        """See Document."""
        return self._plain

    @property
    def segments(self) -> Sequence[Segment]:
        """See Document."""
        return self._document.segments

    @property
    def unsearched(self) -> Mapping[str, int]:
        """See Document."""
        return self._document.unsearched

    def regions(self) -> list[Region]:
        """See Document."""
        return self._document.regions()

    @property
    def intent_text(self) -> str:
        """See Document."""
        return self._document.intent_text

    @property
    def conversation(self) -> Conversation:
        """See Document."""
        return self._document.conversation

    @property
    def model(self) -> str | None:
        """See Document."""
        return self._document.model

    @property
    def stream(self) -> bool:
        """See Document."""
        return self._document.stream

    def replace(self, changes: Sequence[Change | None], model: str | None = None) -> bytes:
        """See Document."""
        new = self._document.replace(changes, model)
        return self._body if new is self._document.body else self._again(new)

    def plain(self, changes: Sequence[Change | None], model: str | None) -> bytes:
        """What `replace` gives, in the form in which it is read."""
        return plain(self._document, changes, model)


def plain(document: Document, changes: Sequence[Change | None], model: str | None = None) -> bytes:
    """The changed body of a document, in the form in which it is read and not in that in which it travels."""
    return document.plain(changes, model) if isinstance(document, Recoded) else document.replace(changes, model)
