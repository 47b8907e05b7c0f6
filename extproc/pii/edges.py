"""Where a value may begin and end: beside words that a file or a key joins to it, within signs of emphasis."""

from __future__ import annotations

import re
from typing import Final

_WORD_BEFORE: Final = re.compile(r"(?:(?<![A-Za-z0-9+/=_-])|(?<=/))[A-Za-z]{1,20}[_-]\Z")
_WORD_AFTER: Final = re.compile(
    r"_(?:[A-Za-z]{1,20}(?![A-Za-z0-9+/=])|[A-Za-z]{0,10}[0-9]{1,4}(?![A-Za-z0-9])|(?![A-Za-z0-9]))"
)
_REACH: Final = 23
_EMPHASIS: Final = frozenset("*_~=")
JOINTS: Final = frozenset("_*~=")
"""Signs beside a value that are looked at here."""


def begins(text: str, start: int) -> bool:
    """Whether the sign before a value joins it to a word: `user_`. Base64 and identifiers hold it as well, but hardly there."""
    if start < 2 or text[start - 2] == "_":
        return True
    return _WORD_BEFORE.search(text, max(0, start - _REACH), start) is not None


def joined(text: str, start: int, end: int) -> bool:
    """Whether the signs on either side of a value only join it to words, or set it off: `user_…_backup`, `**…**`."""
    before, after = text[start - 1 : start], text[end : end + 1]
    if before == after and before in _EMPHASIS and not text[start - 2 : start - 1].isalnum():
        return not text[end + 1 : end + 2].isalnum()
    if before in "*~=" or (before == "_" and not begins(text, start)):
        return not before
    return after not in JOINTS or (after == "_" and _WORD_AFTER.match(text, end) is not None)
