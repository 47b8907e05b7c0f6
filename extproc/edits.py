"""Edits of a text: a range, and what replaces it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

Edit = tuple[int, int, str]
"""Start, end (in characters of a text) and what stands there instead."""


def apply(text: str, edits: Sequence[Edit]) -> str:
    """A text with edits made, which come in order and apart from each other."""
    if not edits:
        return text
    pieces: list[str] = []
    at = 0
    for start, end, new in edits:
        pieces += (text[at:start], new)
        at = end
    return "".join((*pieces, text[at:]))
