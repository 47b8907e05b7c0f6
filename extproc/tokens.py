"""Token counts, estimated from the size of a text."""

from __future__ import annotations

from typing import Final

BYTES_PER_TOKEN: Final = 4
"""Rule of thumb for English text and the usual tokenizers, for what has to be known before anything is counted."""


DATA_BYTES_PER_TOKEN: Final = 500
"""Of images, sound and film in base64: providers count what there is to be seen or heard, some 2,000 tokens for a megabyte."""


def estimated_with_data(size_bytes: int, data_bytes: int) -> int:
    """Tokens in so many bytes, of which these are images, sound or film."""
    return estimated_tokens(size_bytes - data_bytes) + data_bytes // DATA_BYTES_PER_TOKEN


def estimated_tokens(size_bytes: int) -> int:
    """Tokens in so many bytes."""
    return size_bytes // BYTES_PER_TOKEN
