"""Which editor an answer gets: by its content type."""

from __future__ import annotations

import codecs
from functools import lru_cache
from typing import TYPE_CHECKING

from extproc.errors import UnreadableBodyError
from extproc.payload.channel import PlainChannel
from extproc.payload.coding import StreamDecoder, StreamEncoder, codings
from extproc.payload.event_stream import EventStream, LineStream
from extproc.payload.json_answer import JsonAnswer
from extproc.payload.parser import is_binary, is_json, is_lines, media_type
from extproc.payload.plain import known_charset
from extproc.payload.schemas import ANY_ANSWER, LLM_ANSWER
from extproc.payload.tree import paths_tree, without

if TYPE_CHECKING:
    from extproc.config.intercept import Intercept
    from extproc.payload.document import EditorFactory, ResponseEditor
    from extproc.payload.tree import Node


def response_editor(
    rule: Intercept, content_type: str, content_encoding: str, editors: EditorFactory
) -> ResponseEditor:
    """An editor for one answer. What cannot hold a text, or cannot be read, passes as it is.

    The content-encoding of what leaves is that of what comes; each chunk can be read by the client as it arrives.
    """
    try:
        names = codings(content_encoding)
        editor = _editor(rule, content_type, editors)
    except UnreadableBodyError:
        return Untouched()
    return Recoded(editor, names) if names and not isinstance(editor, Untouched) else editor


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
        self._channel = PlainChannel(editors())

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


def _editor(rule: Intercept, content_type: str, editors: EditorFactory) -> ResponseEditor:
    media, parameters = media_type(content_type)
    if media == "text/event-stream":
        return EventStream(_tree(rule), editors)
    if is_lines(media):
        return LineStream(_tree(rule), editors)
    if is_json(media):
        return JsonAnswer(_tree(rule), editors)
    if is_binary(media) or media.startswith("multipart/"):
        return Untouched()
    return TextAnswer(parameters.get("charset", ""), editors)


def _tree(rule: Intercept) -> Node:
    return _answer_tree(rule.payload, rule.keep_masked)


@lru_cache(maxsize=256)
def _answer_tree(payload: str, keep_masked: tuple[str, ...]) -> Node:
    tree = LLM_ANSWER if payload in ("auto", "openai", "anthropic") else ANY_ANSWER
    return without(tree, paths_tree(keep_masked)) if keep_masked else tree
