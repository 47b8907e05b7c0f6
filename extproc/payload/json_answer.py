"""A JSON answer, edited while it passes: nothing is buffered but what a text's editor holds back.

What is no JSON passes as it is: it is not for a filter to judge the answer of an upstream.
"""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

from extproc.payload.channel import Channel
from extproc.payload.json_text import JsonEditor
from extproc.payload.nested_text import text_editor

if TYPE_CHECKING:
    from extproc.payload.document import EditorFactory
    from extproc.payload.tree import Node


class JsonAnswer:
    """Edits the strings of one JSON text, or of several, that arrive in chunks. Bytes that are no UTF-8 pass as they are."""

    def __init__(self, tree: Node, editors: EditorFactory, *, loose: bool = False) -> None:
        """`loose`: it is not said to be JSON, and may be text as well."""
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="surrogateescape")
        self._channel = Channel(JsonEditor(editors, tree, text_editor=text_editor, loose=loose))

    def feed(self, chunk: bytes, *, end: bool = False) -> bytes:
        """See ResponseEditor."""
        text = self._decoder.decode(chunk, final=end)
        return self._channel.feed(text, end=end).encode(errors="surrogateescape")
