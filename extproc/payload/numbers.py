"""Numbers in JSON: which may be somebody's, and which a known API says what they are.

In JSON of which nothing is known a number may be a card, a phone or a record. Where an API says what a number is, it has a
range: what lies within holds nobody's data, and what lies outside is refused by name, for it can be neither masked nor sent.
Some have a range around it, of long numbers that programs make up: those are searched, and refused where they are somebody's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

from extproc.errors import OutOfRangeError

_DIGITS = rb"(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?"
_ANY = re.compile(rb"-?" + _DIGITS)
_FRACTION = rb"-?(?:0|[1-9][0-9]{0,2}+)(?:\.[0-9]++)?(?:[eE]-[0-9]++)?(?![0-9.eE])"
"""Up to three digits before the point: a measure, a part of a vector, a colour. Too short to be anybody's."""
_TOKEN = rb"(?:0|[1-9][0-9]{0,6}+)(?![0-9.eE])"
_SHORT = re.compile(rb"-?[0-9]{1,2}|(?=.*[.eE])" + _FRACTION)
"""Three digits before a point are a measure; alone, under a key that says so, they are a card's code."""
_MOST_DIGITS = 40
"""Characters of a number that is read as one: a longer one is what its spelling is."""
_NO_LIMIT = frozenset(b"%d" % (2**bits - 1) for bits in (31, 32, 53, 63, 64))
"""The largest integers of programming languages, which clients send where they want no limit."""


class Numbers(Protocol):
    """What the numbers at a place may be."""

    @property
    def small(self) -> bytes:
        """Pattern of those that stand in an array and need no look."""

    def look(self, body: bytes, start: int, end: int) -> tuple[int, int] | None:
        """Where a number stands that is to be searched, between a key or a comma and what ends its value.

        Raises OutOfRangeError.
        """


@dataclass(frozen=True, slots=True)
class AnyNumber:
    """Numbers of which nothing is known."""

    small: bytes = _FRACTION

    def look(self, body: bytes, start: int, end: int) -> tuple[int, int] | None:
        """See Numbers."""
        if end - start < 4:
            return None
        match = _ANY.search(body, start, end)
        return None if match is None or _SHORT.fullmatch(match[0]) else match.span()


@dataclass(frozen=True, slots=True)
class Range:
    """A number of a known API."""

    name: str
    least: int
    most: int
    small: bytes = _FRACTION
    searched: int = 0
    """How far from zero numbers beyond the range may lie, which are searched then."""

    def look(self, body: bytes, start: int, end: int) -> tuple[int, int] | None:
        """See Numbers."""
        match = _ANY.search(body, start, end)
        if match is None:
            return None
        number = match[0]
        if len(number) <= _MOST_DIGITS:
            if self.least <= float(number) <= self.most or number in _NO_LIMIT:
                return None
            if abs(float(number)) <= self.searched:
                return match.span()
        bound = self.searched
        raise OutOfRangeError(self.name, min(self.least, -bound), max(self.most, bound))


ANY_NUMBER = AnyNumber()


def tokens(name: str) -> Range:
    """Arrays of token ids."""
    return Range(name, 0, 9_999_999, _TOKEN)


def plain(spelling: str) -> str:
    """A number as its digits: `4.111111111111111E15` is 4111111111111111."""
    if spelling.lstrip("-").isdigit():
        return spelling
    mantissa, _, exponent = spelling.lower().partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = fraction.rstrip("0")
    if len(exponent) > 3 or not -_MOST_DIGITS <= (shift := int(exponent or 0)) <= _MOST_DIGITS:
        return spelling
    if shift < 0:
        trailing = len(whole) - len(whole.rstrip("0"))
        return whole[:shift] if not fraction and trailing >= -shift and len(whole) > -shift else spelling
    return whole + fraction.ljust(shift, "0") if len(fraction) <= shift else spelling
