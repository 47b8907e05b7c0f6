"""The tools that a request offers to the model, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extproc.payload.scan import unescape_key

if TYPE_CHECKING:
    from extproc.payload.document import Document, Way

_PLACES = (b"tools", b"functions")
_DEPTHS = (3, 4)
"""Steps to a name: `tools[0].name` (responses, Anthropic), `tools[0].function.name` (chat completions)."""


def offered_tools(document: Document) -> tuple[str, ...]:
    """Names of the tools, in the order of the body. They are the caller's words: for decisions, never for logs."""
    body = document.body
    # most requests offer none, and need no more than this; a key may be spelled with escapes
    if b'"tools"' not in body and b'"functions"' not in body and b"\\u" not in body:
        return ()
    return tuple(segment.text for segment in document.segments if _is_name(segment.way))


def _is_name(way: Way) -> bool:
    return way is not None and _key(way[1]) == b"name" and _key(_first(way)) in _PLACES


def _first(way: Way) -> bytes | int:
    """The first step of a way that is as long as those to names; else 0. Looks at no more of it than that."""
    depth = 0
    step: bytes | int = 0
    while way is not None and depth <= max(_DEPTHS):
        way, step = way
        depth += 1
    return step if depth in _DEPTHS else 0


def _key(step: bytes | int) -> bytes:
    if isinstance(step, int):
        return b""
    return unescape_key(step) if b"\\" in step else step
