"""Tokens that nobody has counted: by the size of a text."""

from __future__ import annotations

from typing import Final

BYTES_PER_TOKEN: Final = 4
"""Rule of thumb for English text and the usual tokenizers, for what has to be known before anything is counted."""


def estimated_tokens(size_bytes: int) -> int:
    """Tokens in so many bytes."""
    return size_bytes // BYTES_PER_TOKEN
