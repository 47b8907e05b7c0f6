"""What was worked out for words that were met lately, without the words: they are somebody's, and outlive no request.

Known by Python's own hash of them, which is keyed anew in every process (SipHash): it tells nothing of the word.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Note = TypeVar("Note")
_NUMBER: Final = re.compile(r"[0-9]{4,}")
_UNKNOWN: Final = object()


def alike(key: str) -> str:
    """A key as all are read that differ from it in a long number: a body may number thousands of them."""
    return key if key.isalpha() else _NUMBER.sub("0000", key)


class ByHash(Generic[Note]):
    """A function of a word that remembers. Shared by threads; all is forgotten when `most` words are known."""

    __slots__ = ("_known", "_most", "_work")

    def __init__(self, work: Callable[[str], Note], most: int) -> None:
        self._work, self._most = work, most
        self._known: dict[int, Note] = {}

    def __call__(self, word: str) -> Note:
        """What the function says of a word."""
        key = hash(word)
        note = self._known.get(key, _UNKNOWN)
        if note is _UNKNOWN:
            note = self._work(word)
            if len(self._known) >= self._most:
                self._known = {}
            self._known[key] = note
        return note  # type: ignore[return-value]
