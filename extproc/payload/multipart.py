"""Multipart bodies: every part is read as what it is, and so is what stands between the parts.

A part is JSON, a form within a form, a text, or a file that is proved to be data. Readers differ in what they forgive (bare
line feeds, text before the first boundary, a boundary in quotes); what may be a part to any of them is read as text here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from extproc.errors import UnreadableBodyError
from extproc.payload.conversation import Conversation, said_once
from extproc.payload.document import SYNTAX, Segment, filled
from extproc.payload.plain import OpaqueDocument, TextDocument

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from extproc.payload.document import Change, Document, Region

MAX_PARTS = 10_000
"""Of one body: each is read by itself."""
_HEAD_END = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_NAME = re.compile(rb';[ \t]*name[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^;\s]+))', re.IGNORECASE)
_FILENAME = re.compile(rb";[ \t]*filename\*?[ \t]*=", re.IGNORECASE)
_HEADER = re.compile(rb"^([!-9;-~]+)[ \t]*:[ \t]*([^\r\n]*)", re.MULTILINE)
_PLAIN_HEAD = re.compile(
    rb"(?:content-disposition[ \t]*:[ \t]*(?:form-data|attachment)[ \t]*"
    rb"(?:;[ \t]*name=(?:\"[A-Za-z_][A-Za-z_\[\]-]{0,63}\"|[A-Za-z_]+)[ \t]*)?"
    rb"|content-type[ \t]*:[ \t]*[a-z]+/[a-z0-9.+-]{1,40}(?:;[ \t]*charset=[\w-]{1,20})?"
    rb"|content-length[ \t]*:[ \t]*[0-9]{1,8}"
    rb"|content-transfer-encoding[ \t]*:[ \t]*(?:7bit|8bit|binary|base64|quoted-printable)|[\r\n])*+",
    re.IGNORECASE,
)
"""Heads of parts that hold nothing of anybody's; all others are texts."""


class _Piece(NamedTuple):
    start: int
    end: int
    document: Document
    first: int
    """Number of its first segment."""


class MultipartDocument:
    """multipart/*: parts, their heads, and what stands between."""

    stream = False

    def __init__(
        self,
        body: bytes,
        boundary: str,
        read: Callable[[Head, bytes], Document],
        names: Sequence[str] = (),
        intent_from: str | None = None,
    ) -> None:
        """`read` reads a part as what its head says that it is."""
        if not boundary:
            raise UnreadableBodyError("the multipart body has no boundary in its content type")
        self.body = body
        self._intent_from = intent_from
        self._pieces: list[_Piece] = []
        self._said: list[tuple[str, str]] = []
        self.segments: list[Segment] = []
        self.unsearched: dict[str, int] = {}
        self.model: str | None = None
        self._chosen = bool(names)
        for start, end, head in _parts(body, boundary):
            raw = body[start:end]
            if head is None:
                self._add(start, end, _loose(raw), "")
            elif not names or head.name in names:
                self._add(start, end, read(head, raw), head.name)

    def _add(self, start: int, end: int, document: Document, name: str) -> None:
        """Take in a part."""
        self._pieces.append(_Piece(start, end, document, len(self.segments)))
        step = name.encode(errors="replace")
        for segment in document.segments:
            key = segment.key if segment.key is not None or segment.kind in ("key", "identifier") else name or None
            self.segments.append(segment._replace(key=key, way=segment.way or (None, step)))
        for reason, size in document.unsearched.items():
            self.unsearched[reason] = self.unsearched.get(reason, 0) + size
        if name:
            self._said.append((name, document.intent_text))

    @property
    def intent_text(self) -> str:
        """The field that `intent_from` names, else the first."""
        return next((text for name, text in self._said if self._intent_from in (None, name) and text), "")

    @property
    def conversation(self) -> Conversation:
        """See Document."""
        return said_once(self.intent_text)

    def regions(self) -> list[Region]:
        """See Document."""
        regions = [
            (piece.start + start, piece.start + end, what)
            for piece in self._pieces
            for start, end, what in piece.document.regions()
        ]
        return filled(regions, len(self.body), "not selected" if self._chosen else SYNTAX)

    def replace(self, changes: Sequence[Change | None], model: str | None = None) -> bytes:
        """See Document."""
        del model
        out: list[bytes] = []
        at = 0
        for piece in self._pieces:
            own = changes[piece.first : piece.first + len(piece.document.segments)]
            new = piece.document.replace(own)
            if new is not piece.document.body:
                out += (self.body[at : piece.start], new)
                at = piece.end
        return b"".join((*out, self.body[at:])) if out else self.body


class Head(NamedTuple):
    """What a part says of itself."""

    name: str
    media: str
    """Its content type, with parameters; empty: none."""
    coding: str
    """Its transfer encoding."""
    is_file: bool


def _parts(body: bytes, boundary: str) -> Iterator[tuple[int, int, Head | None]]:
    """Start and end of the parts with their heads, and of all between (None). Raises UnreadableBodyError."""
    mark = re.escape(boundary.encode(errors="replace"))
    delimiters = re.finditer(rb"(?:\A|\r\n|\n|\r)--%b(--)?[ \t]*+(?:\r\n|\n|\r|\Z)" % mark, body)
    head: Head | None = None
    start, count, closed = 0, 0, False
    for delimiter in delimiters:
        if closed:
            break
        if start < delimiter.start() or head is not None:
            yield start, delimiter.start(), head
        count += 1
        if count > MAX_PARTS:
            raise UnreadableBodyError(f"the multipart body has more than {MAX_PARTS} parts")
        start, closed = delimiter.end(), delimiter[1] is not None
        if not closed:
            blank = _HEAD_END.search(body, start)
            if blank is None:
                raise UnreadableBodyError(f"the multipart body ends within a part (byte {start})")
            head = _head(body[start : blank.end()])
            yield start, blank.end(), None
            start = blank.end()
        else:
            head = None
    if not count:
        raise UnreadableBodyError("the multipart body does not hold its boundary")
    if not closed:
        raise UnreadableBodyError(f"the multipart body ends within a part (byte {start})")
    if start < len(body):
        yield start, len(body), None


def _head(raw: bytes) -> Head:
    headers = {match[1].lower(): match[2] for match in _HEADER.finditer(raw)}
    disposition = headers.get(b"content-disposition", b"")
    name = _NAME.search(disposition)
    return Head(
        (name[1] or name[2] or b"").decode(errors="replace") if name else "",
        headers.get(b"content-type", b"").decode("latin-1").strip(),
        headers.get(b"content-transfer-encoding", b"").decode("latin-1").strip().lower(),
        _FILENAME.search(disposition) is not None,
    )


def _loose(raw: bytes) -> Document:
    """A head, or what stands around parts."""
    if _PLAIN_HEAD.fullmatch(raw):
        return OpaqueDocument(raw)
    try:
        return TextDocument(raw)
    except UnreadableBodyError:
        return TextDocument(raw, "latin-1")
