"""Postcodes beside a place: the only way in which five digits are one without a label."""

from __future__ import annotations

import re

_STATES = frozenset(
    "AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR PA RI SC "
    "SD TN TX UT VT VA WA WV WI WY DC PR".split()
)
SHAPES = frozenset({"99999", "99999-9999", "99-999", "9999-AA", "9999AA"})
_PLACE = re.compile(r"(?: |, )[A-ZÄÖÜŚŁŻŹĆ][a-zäöüßąćęłńóśźż]{2,}(?: [A-Z][a-z]+)?(?=[\n.,;|]|\Z)")
_POLISH_PLACE = re.compile(r" [A-ZŚŁŻŹĆ][a-ząćęłńóśźż]{2,}")


def beside(text: str, start: int, end: int) -> bool:
    """`Denver, CO 80201`, `94105, San Francisco`, `80-180 Gdańsk`, `1011 AB Amsterdam`."""
    before = text[max(0, start - 5) : start]
    if before[-1:] == " " and before[-3:-1] in _STATES and before[:2] in (", ", ","):
        return True
    if before and not before.endswith((", ", "\n", "; ")):
        return False
    following = _POLISH_PLACE if text[start + 2] == "-" else _PLACE
    return following.match(text, end) is not None
