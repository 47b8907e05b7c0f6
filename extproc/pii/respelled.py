"""A value once more in another spelling: digits grouped otherwise, a telephone number without its country, a date in words.

What was found with its label in one turn stands bare in the next, and seldom as it was written first.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from extproc.pii.led import DATE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LEAST: Final = 6
"""Digits, or letters and digits, that tell one value from any other number."""
_TAIL: Final = 9
"""Last digits of a telephone number that stay the same with and without country and trunk prefix."""
_MOST: Final = 34
_SHORTEST, _LONGEST_SHORT = 4, 5
_SHORT_TYPES: Final = frozenset({"PASSWORD", "US_SSN", "US_BANK_NUMBER"})
"""Types whose short values are looked for too: a PIN, the last four digits."""
_YEAR: Final = re.compile(r"(?:19|20)[0-9]{2}")
_NUMBER: Final = re.compile(
    r"(?<![\w.])[+(]{0,2}[0-9](?:[0-9]|[ ().\-/\u2010-\u2015\u00a0](?=[ (]{0,2}[0-9])){2,48}(?![\w])"
)
_CODE: Final = re.compile(r"(?<!\w)(?=[A-Za-z0-9 -]{0,12}[0-9])[A-Za-z0-9]{1,12}(?:[ -][A-Za-z0-9]{1,12}){0,8}(?!\w)")
_GROUP: Final = re.compile(r"[0-9]+")
_WORD: Final = re.compile(r"[A-Za-z0-9]+")
_MONTHS: Final = {name: nth for nth, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}


class Respelled:
    """The values of one request by what stays the same of them."""

    def __init__(self, values: Mapping[str, str]) -> None:
        """`values`: value -> entity type."""
        self._numbers: dict[str, str] = {}
        self._tails: dict[str, str] = {}
        self._codes: dict[str, str] = {}
        self._dates: set[frozenset[int]] = set()
        for value, entity_type in values.items():
            self._add(value, entity_type)
        self._longest = max(map(len, self._codes), default=0)

    def _add(self, value: str, entity_type: str) -> None:
        plain = "".join(filter(str.isalnum, value)).upper()
        if not plain.isascii() or len(plain) > _MOST:
            return
        if entity_type == "DATE_OF_BIRTH":
            date = _date(value)
            if date:
                self._dates.add(date)
        elif plain.isdigit():
            short = _SHORTEST <= len(plain) <= _LONGEST_SHORT
            if len(plain) >= LEAST or (short and entity_type in _SHORT_TYPES and not _YEAR.fullmatch(plain)):
                self._numbers[plain] = entity_type
            if entity_type == "PHONE_NUMBER" and len(plain) >= _TAIL:
                self._tails[plain[-_TAIL:]] = entity_type
        elif len(plain) >= LEAST and any(map(str.isdigit, plain)) and "@" not in value and entity_type != "PASSWORD":
            self._codes[plain] = entity_type

    def occurrences(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Start, end and entity type of what stands in a text, in whatever spelling."""
        if self._numbers or self._tails:
            for chain in _NUMBER.finditer(text):
                yield from self._in_chain(text, [group.span() for group in _GROUP.finditer(text, *chain.span())])
        if self._codes:
            for chain in _CODE.finditer(text):
                yield from self._in_words(text, [word.span() for word in _WORD.finditer(text, *chain.span())])
        if self._dates:
            for date in DATE.finditer(text):
                if _date(date.group()) in self._dates:
                    yield *date.span(), "DATE_OF_BIRTH"

    def _in_chain(self, text: str, groups: list[tuple[int, int]]) -> Iterator[tuple[int, int, str]]:
        """Neighbouring groups that together are a number, the longest first."""
        done = 0
        for first, (start, _) in enumerate(groups):
            if start < done:
                continue
            digits, best = "", None
            for begun, end in groups[first:]:
                digits += text[begun:end]
                kind = self._numbers.get(digits) or (
                    self._tails.get(digits[-_TAIL:]) if len(digits) <= _TAIL + LEAST else None
                )
                if kind:
                    best = (start, end, kind)
            if best:
                begins = best[0]
                while begins and text[begins - 1] in "+(":
                    begins -= 1
                done = best[1]
                yield begins, best[1], best[2]

    def _in_words(self, text: str, words: list[tuple[int, int]]) -> Iterator[tuple[int, int, str]]:
        done = 0
        for first, (start, _) in enumerate(words):
            plain = ""
            for begun, end in words[first:]:
                plain += text[begun:end].upper()
                if len(plain) > self._longest:
                    break
                if start >= done and plain in self._codes:
                    done = end
                    yield start, end, self._codes[plain]
                    break


def _date(value: str) -> frozenset[int] | None:
    """The three numbers of a date, whatever their order: day and month cannot be told apart everywhere."""
    numbers = [int(number) for number in _GROUP.findall(value)]
    word = re.search(r"[^\W\d_]{3,}", value)
    if word and (month := _MONTHS.get(word[0].lower()[:3])):
        numbers.append(month)
    if len(numbers) != len(("day", "month", "year")):
        return None
    year = max(numbers)
    if year < _CENTURY:
        numbers[numbers.index(year)] = year + 1900
    return frozenset(numbers)


_CENTURY: Final = 100
