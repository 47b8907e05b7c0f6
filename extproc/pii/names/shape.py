"""The shape of each word: what an uncased model cannot see. Used by the training script and at run time alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

OTHER: Final = 0
LOWER: Final = 1
TITLE: Final = 2
TITLE_OPENING: Final = 3
"""A capitalised word where any word would be capitalised: at the start of a text, a line or a sentence."""
UPPER: Final = 4
INITIAL: Final = 5
MIXED: Final = 6
DIGITS: Final = 7
DIGITS_AND_LETTERS: Final = 8
GLUED: Final = 9
"""Part of a handle, an address, an identifier, a path: letters next to one of `@#_/\\=` without a space."""
SHAPES: Final = 10

_GLUE = frozenset("@#_/\\=&%$~^")
_OPENERS = frozenset(".!?:\n\r\t|\"“”'‘([{<>*•-–—;#")


def shape_of(text: str, start: int, end: int) -> int:  # noqa: PLR0911 - a table in order
    """The shape of the word at `text[start:end]`."""
    word = text[start:end]
    if not word[0].isalnum():
        return OTHER
    if (start and text[start - 1] in _GLUE) or (end < len(text) and text[end] in _GLUE) or _is_dotted(text, start, end):
        return GLUED
    if word.isdigit():
        return DIGITS
    if not word.isalpha():
        return DIGITS_AND_LETTERS
    if word.islower():
        return LOWER
    if len(word) == 1:
        return INITIAL if word.isupper() else OTHER
    if word.isupper():
        return UPPER
    if word[0].isupper() and word[1:].islower():
        return TITLE_OPENING if _opens(text, start) else TITLE
    return MIXED if word != word.lower() else OTHER


def word_shapes(text: str, words: Sequence[tuple[int, int]]) -> list[int]:
    """The shape of each word."""
    return [shape_of(text, start, end) for start, end in words]


def _opens(text: str, start: int) -> bool:
    """Nothing but white space stands between the word and a full stop, a line break, a bracket or the start of the text."""
    at = start - 1
    while at >= 0 and text[at] == " ":
        at -= 1
    return at < 0 or text[at] in _OPENERS


def _is_dotted(text: str, start: int, end: int) -> bool:
    """Two lower-case letters or digits on both sides of a dot: `example.org`, `self.name`; but not `J.Smith` or `end.Then`."""
    after = end + 1 < len(text) and text[end] == "." and text[end + 1].islower()
    return after or (start > 1 and text[start - 1] == "." and text[start].islower() and text[start - 2].isalnum())
