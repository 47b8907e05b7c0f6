"""Postcodes beside a place: the only way in which five digits are one without a label."""

from __future__ import annotations

import re

from extproc.pii.finding import Finding

_STATES = (
    "AL|AK|AZ|AR|CA|CO|CT|DE|FL|GA|HI|ID|IL|IN|IA|KS|KY|LA|ME|MD|MA|MI|MN|MS|MO|MT|NE|NV|NH|NJ|NM|NY|NC|ND|"
    "OH|OK|OR|PA|RI|SC|SD|TN|TX|UT|VT|VA|WA|WV|WI|WY|DC|PR"
)
_BESIDE = re.compile(
    rf"(?<=, )(?:{_STATES}) ([0-9]{{5}}(?:-[0-9]{{4}})?)(?![\w-])"
    r"|(?:(?<=\n)|(?<=, )|\A)([0-9]{5})(?=(?: |, )[A-ZÄÖÜŚŁŻ][a-zäöüßąćęłńóśźż]{2,}(?: [A-Z][a-z]+)?(?:[\n.,]|\Z))"
    r"|(?<![\w-])([0-9]{2}-[0-9]{3})(?= [A-ZŚŁŻŹĆ][a-ząćęłńóśźż]{2,})"
    r"|(?<![\w-])([1-9][0-9]{3} ?[A-Z]{2})(?=,? [A-Z][a-z]{3,}(?:[\n.,]|\Z))"
)


def postal_codes(text: str) -> list[Finding]:
    """`Denver, CO 80201`, `94105, San Francisco`, `80-180 Gdańsk`, `1011 AB Amsterdam`."""
    found = []
    for match in _BESIDE.finditer(text):
        group = match.lastindex or 0
        found.append(Finding("POSTAL_CODE", *match.span(group), 0.6, ("beside a place",)))
    return found
