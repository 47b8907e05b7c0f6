"""Payment cards: the ranges of their issuers, the strip on their back, and numbers whose middle is hidden."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from extproc.pii import checksums
from extproc.pii.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

TRACK: Final = 0.97
"""Score: nothing else has this form."""
WHOLE: Final = 2.0
"""Rank: the track goes with the number and the name in it."""
ISSUERS: Final = re.compile(
    r"4(?:[0-9]{15}|[0-9]{18})|(?:5[1-5]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720))[0-9]{11,14}|3[47][0-9]{13}|"
    r"3(?:0[0-59]|[689])[0-9]{11,13}|(?:6011|64[4-9]|65)[0-9]{12,15}|35[2-8][0-9]{13}|62[0-9]{14,17}|"
    r"(?:5018|5019|5020|5038|5893|6304|6759|676[1-3])[0-9]{8,15}|(?:220[0-4]|9792|508[5-9]|60698[5-9])[0-9]{10,13}"
)
"""Ranges of payment cards by length (ISO/IEC 7812): first digits -> lengths."""
HIDDEN: Final = re.compile(
    r"[2-6][0-9]{3}[ -]?[0-9]{2}(?:[*xX•#.]{2}[ -]?(?:[*xX•#.]{2,4}[ -]?){1,3}|[*xX•#.]{4,9})[0-9]{4}(?![0-9])"
)
"""The first six and the last four digits: 453937******9284."""
_LAST_DIGITS: Final = re.compile(r"(?:[*xX•#]{4}[ -]?){2,3}[0-9]{4}(?![0-9])")
"""Only the last four: **** **** **** 9284."""
_REACH_OF_HIDDEN: Final = 15


def last_digits(text: str, at: int) -> re.Match[str] | None:
    """A card of which only the last four digits are left, which stand here; what hides the others has been taken for a gap."""
    if text[at - 1 : at] not in _HIDES or not at:
        return None
    hidden = _LAST_DIGITS.search(text, max(0, at - _REACH_OF_HIDDEN), at + 4)
    return hidden if hidden and hidden.end() == at + 4 and not text[at + 4 : at + 5].isalnum() else None


_HIDES: Final = frozenset("*xX•# -")
_TRACK: Final = re.compile(r"%[A-Z][0-9]{12,19}\^[^\^\n]{2,26}\^[0-9=]{4,60}\??")


_PARTED: Final = re.compile(r"(?<![0-9A-Za-z_.-])[2-6][0-9]{3}(_| - )[0-9]{4}\1[0-9]{4}\1[0-9]{4}(?![0-9A-Za-z_.-])")


def parted(text: str) -> Iterator[Finding]:
    """Cards whose groups stand farther apart than those of any other number, or are joined as those of an identifier."""
    for match in _PARTED.finditer(text):
        digits = "".join(filter(str.isdigit, match.group()))
        if ISSUERS.fullmatch(digits) and checksums.valid("luhn", digits):
            yield Finding("CREDIT_CARD", *match.span(), TRACK, ("shape", "checksum luhn"))


def track(text: str, start: int) -> Finding | None:
    """The first track of a magnetic strip, with its holder's name, whose number begins here after `%B`."""
    match = _TRACK.match(text, start - 1) if start else None
    return Finding("CREDIT_CARD", *match.span(), TRACK, ("track of a card",), rank=WHOLE) if match else None
