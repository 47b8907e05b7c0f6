"""One JSON string literal: its text, and edits to that text brought back to how the literal is spelled."""

from __future__ import annotations

import re
from json.decoder import scanstring  # type: ignore[attr-defined]  # the C function that json itself calls
from json.encoder import encode_basestring, encode_basestring_ascii
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from extproc.edits import Edit

_LONE = re.compile("[\ud800-\udfff]")
_ESCAPE = re.compile(r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)", re.DOTALL)
"""The spelling of one escaped character."""


def unescape(raw: str) -> str:
    r"""Text of a literal's inside. Half of a surrogate pair, which no other text may hold, reads as U+FFFD."""
    if "\\" not in raw:
        return raw
    text: str = scanstring(raw + '"', 0, False)[0]
    return _LONE.sub("\ufffd", text) if "\\ud" in raw or "\\uD" in raw else text


def escape(text: str) -> str:
    """Spelling of a text inside of a literal: UTF-8 as it is, and escapes only where JSON wants them."""
    if text.isalnum():
        return text
    spelled: str = encode_basestring(text)
    if not text.isascii() and _LONE.search(text):
        spelled = encode_basestring_ascii(text)
    return spelled[1:-1]


def spell(raw: str, edits: Sequence[Edit]) -> list[Edit]:
    """Edits of a literal's spelling that make these edits of its text."""
    if "\\" not in raw:
        return [(start, end, escape(new)) for start, end, new in edits]
    spelled: list[Edit] = []
    longer = 0  # by how much the spelling is longer than the text, so far
    escapes = _ESCAPE.finditer(raw)
    match = next(escapes, None)
    at = match.start() if match else len(raw)
    for begun, ended, new in edits:
        start, end = begun + longer, ended + longer
        while match and at < end:
            more = match.end() - at - 1
            if at < start:
                start += more
            end += more
            longer += more
            match = next(escapes, None)
            at = match.start() if match else len(raw)
        spelled.append((start, end, escape(new)))
    return spelled
