"""Which editor an answer gets: by its content type and, since that is often wrong, by how it begins."""

from __future__ import annotations

import codecs
import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from extproc.config.api import vendor_of
from extproc.errors import UnreadableBodyError
from extproc.payload.channel import Channel
from extproc.payload.coding import StreamDecoder, StreamEncoder, codings
from extproc.payload.event_stream import EventStream, ItemStream, LineStream
from extproc.payload.json_answer import JsonAnswer
from extproc.payload.nested_text import NestedEditor
from extproc.payload.parser import is_binary, is_json, is_lines, media_type
from extproc.payload.plain import known_charset
from extproc.payload.schemas import ANY_ANSWER, LLM_ANSWER
from extproc.payload.tree import paths_tree, without

if TYPE_CHECKING:
    from extproc.config.intercept import Intercept
    from extproc.payload.document import EditorFactory, ResponseEditor
    from extproc.payload.tree import Node

STALE_HEADERS = ("content-length", "content-md5", "digest", "content-digest", "repr-digest", "etag")
"""What an upstream says of the bytes of an answer, and is not so once a text in them was edited."""
_BOM = b"\xef\xbb\xbf"
_SPACE = b" \t\r\n"
_STREAMS_ITEMS = ":streamGenerateContent"
"""Method of Gemini's API that answers with an array, unless it is asked for `alt=sse`."""
_LOOKED_AT = 512
"""Bytes at most by which an answer is told."""
_EVENT = re.compile(rb"(?:data|event|id|retry)?:")
_FIELDS = rb"(?:(?:event|id|retry)?:[^\r\n]*+[\r\n]++)*+"
_EVENT_OF_JSON = re.compile(_FIELDS + rb"data: ?\{")
_MAY_BE_EVENT = re.compile(_FIELDS + rb"(?:(?:event|id|retry)?:[^\r\n]*+|data: ?)\Z")
_EVENT_BEGUN = tuple(name[:size] for name in (b"data:", b"event:", b"id:", b"retry:") for size in range(1, len(name)))
_OBJECT = re.compile(rb'\{[ \t\r\n]*+["}]')
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def response_editor(
    rule: Intercept, content_type: str, content_encoding: str, editors: EditorFactory, path: str = ""
) -> ResponseEditor:
    """An editor for one answer: `Untouched` for one that cannot hold a text, or cannot be read.

    `path`: of the request. Without one, a rule that goes by the path reads the answer as a model's.

    The content-encoding of what leaves is that of what comes; each chunk can be read by the client as it arrives.
    """
    try:
        names = codings(content_encoding)
    except UnreadableBodyError:
        return Untouched()
    media, parameters = media_type(content_type)
    if (is_binary(media) and media != _UNNAMED) or media.startswith("multipart/"):
        return Untouched()
    as_llm = vendor_of(rule, path) is not None or (rule.payload == "auto" and not path)
    trees = _answer_tree(rule.keep_masked, as_llm=as_llm)
    items = path.partition("?")[0].endswith(_STREAMS_ITEMS)
    editor = DetectedAnswer(*trees, media, parameters.get("charset", ""), editors, items=items)
    return Recoded(editor, names) if names else editor


_UNNAMED = "application/octet-stream"


class DetectedAnswer:
    """An answer whose format is detected by its first bytes: that of its content type, unless it begins as another does."""

    def __init__(
        self, tree: Node, masked: Node | None, media: str, charset: str, editors: EditorFactory, *, items: bool = False
    ) -> None:
        """`items`: an array is a stream of its items."""
        self._tree = tree
        self._masked = masked
        self._media = media
        self._charset = charset
        self._editors = editors
        self._items = items
        self._start = b""
        self._editor: ResponseEditor | None = None

    def feed(self, chunk: bytes, *, end: bool = False) -> bytes:
        """See ResponseEditor."""
        if self._editor is None:
            self._start += chunk
            self._editor = self._detect(self._start, end=end)
            if self._editor is None:
                return b""
            chunk, self._start = self._start, b""
        return self._editor.feed(chunk, end=end)

    def _detect(self, data: bytes, *, end: bool) -> ResponseEditor | None:
        """The editor for an answer that begins like this; None: too little has come."""
        start = data.removeprefix(_BOM).lstrip(_SPACE)
        sure = end or len(data) >= _LOOKED_AT
        if not sure and (not start or _BOM.startswith(data) or start in (b"{", b"[") or start in _EVENT_BEGUN):
            return None
        media = self._media
        is_text = media != "text/event-stream" and not is_json(media) and not is_lines(media)
        if is_text and not sure and _MAY_BE_EVENT.match(start):
            return None
        if (_EVENT_OF_JSON if is_text else _EVENT).match(start) or (
            media == "text/event-stream" and start[:1] not in (b"{", b"[")
        ):
            return EventStream(self._tree, self._masked, self._editors)
        if is_lines(media) or is_json(media) or media == "text/event-stream" or _OBJECT.match(start):
            return self._json(start)
        if media == _UNNAMED and (_CONTROL.search(data[:_LOOKED_AT]) or not _is_utf8(data[:_LOOKED_AT])):
            return Untouched()
        return TextAnswer(self._charset, self._editors)

    def _json(self, start: bytes) -> ResponseEditor:
        """One value per line, or one of any layout."""
        if self._items and start.startswith(b"["):
            return ItemStream(self._tree, self._masked, self._editors)
        line, newline, _ = start.partition(b"\n")
        in_lines = line.strip() not in (b"{", b"[") if is_lines(self._media) else bool(newline) and _is_object(line)
        if in_lines:
            return LineStream(self._tree, self._masked, self._editors)
        return JsonAnswer(self._tree, self._editors, loose=not is_json(self._media))


class Untouched:
    """An answer that passes as it is."""

    def feed(self, chunk: bytes, *, end: bool = False) -> bytes:
        """See ResponseEditor."""
        del end
        return chunk


class TextAnswer:
    """An answer that is text as a whole. Bytes that are no UTF-8 pass as they are."""

    def __init__(self, charset: str, editors: EditorFactory) -> None:
        self._charset, self._errors = "utf-8", "surrogateescape"
        if known_charset(charset) in ("iso8859-1", "cp1252"):
            self._charset, self._errors = "iso8859-1", "replace"
        self._decoder = codecs.getincrementaldecoder(self._charset)(errors=self._errors)
        self._channel = Channel(NestedEditor(editors, None, 1))

    def feed(self, chunk: bytes, *, end: bool = False) -> bytes:
        """See ResponseEditor."""
        out = self._channel.feed(self._decoder.decode(chunk, final=end), end=end)
        return out.encode(self._charset, errors=self._errors)


class Recoded:
    """An answer that travels compressed: decoded, edited, and encoded again."""

    def __init__(self, editor: ResponseEditor, names: list[str]) -> None:
        self._editor = editor
        self._decoder = StreamDecoder(names)
        self._encoder = StreamEncoder(names)
        self._added = False
        """Something has left the editor that the client cannot read yet."""

    def feed(self, chunk: bytes, *, end: bool = False) -> bytes:
        """See ResponseEditor. Raises UnreadableAnswerError when the data is not what its content-encoding says."""
        pieces = [self._encoded(self._editor.feed(piece)) for piece in self._decoder.pieces(chunk)]
        if end:
            pieces.append(self._encoded(self._editor.feed(b"", end=True)))
        if self._added or end:
            self._added = False
            pieces.append(self._encoder.flush(end=end))
        return b"".join(pieces)

    def _encoded(self, data: bytes) -> bytes:
        self._added |= bool(data)
        return self._encoder.add(data) if data else b""


def _is_object(line: bytes) -> bool:
    """Whether a line is a JSON object: then so are those that follow."""
    if not line.startswith(b"{"):
        return False
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _is_utf8(data: bytes) -> bool:
    try:
        codecs.utf_8_decode(data, "strict", False)
    except UnicodeDecodeError:
        return False
    return True


@lru_cache(maxsize=256)
def _answer_tree(keep_masked: tuple[str, ...], *, as_llm: bool) -> tuple[Node, Node | None]:
    """Where the texts of an answer are, and what of it stays masked."""
    tree = LLM_ANSWER if as_llm else ANY_ANSWER
    if not keep_masked:
        return tree, None
    excluded = paths_tree(keep_masked)
    return without(tree, excluded), excluded
