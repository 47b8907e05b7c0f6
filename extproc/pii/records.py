"""Records whose fields are told by their number or their property: HL7 v2 messages, vCards, calendars."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from extproc.pii.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

_PATIENT: Final = {
    2: "MRN",
    3: "MRN",
    4: "MRN",
    5: "PERSON",
    6: "PERSON",
    7: "DATE_OF_BIRTH",
    9: "PERSON",
    11: "ADDRESS",
    13: "PHONE_NUMBER",
    14: "PHONE_NUMBER",
    18: "ACCOUNT_ID",
    19: "US_SSN",
    20: "DRIVER_LICENSE",
}
_NEXT_OF_KIN: Final = {2: "PERSON", 4: "ADDRESS", 5: "PHONE_NUMBER", 6: "PHONE_NUMBER", 16: "DATE_OF_BIRTH"}
_INSURANCE: Final = {2: "INSURANCE_ID", 16: "PERSON", 18: "DATE_OF_BIRTH", 19: "ADDRESS", 36: "INSURANCE_ID"}
_FIELDS: Final = {"PID": _PATIENT, "NK1": _NEXT_OF_KIN, "IN1": _INSURANCE}
"""Segment -> the fields that say who somebody is (HL7 v2.5, chapter 3 and 6)."""
_SEGMENT: Final = re.compile(
    r"(?:\A|[\r\n\v\"'`>]|\\r|\\n)[ \t]{0,8}(?P<kind>PID|NK1|IN1)\|(?P<fields>[^\r\n\"'`]{1,4000})"
)
_PROPERTY: Final = re.compile(
    r"(?:\A|[\r\n]|\\n)(?:item[0-9]\.)?(?:(?P<where>ADR|LABEL)(?:;[^:\r\n]{0,120})?:(?P<address>[^\r\n\\]{4,300})|"
    r"(?:ORGANIZER|ATTENDEE)(?:;[^:\r\n]{0,120}?)?;CN=\"?(?P<name>[^\";:\r\n]{2,80}))"
)
PROPERTIES: Final = ("ADR", "LABEL", "ORGANIZER", "ATTENDEE", "item")
"""What a line of a card or a calendar begins with, should the rest of it be elsewhere."""
SCORE: Final = 0.95
"""The number of a field leaves no more doubt than a check does."""
WHOLE: Final = 1.0
"""Rank: a field goes with all its parts."""


def fields(text: str) -> Iterator[Finding]:
    """The fields of all segments of a text."""
    if not any(f"{kind}|" in text for kind in _FIELDS):
        return
    for segment in _SEGMENT.finditer(text):
        at = segment.start("fields")
        wanted = _FIELDS[segment["kind"]]
        for nth, field in enumerate(segment["fields"].split("|"), 1):
            if nth in wanted and sum(map(str.isalnum, field)) > 1:
                yield Finding(wanted[nth], at, at + len(field.rstrip()), SCORE, ("field of a message",), rank=WHOLE)
            at += len(field) + 1


def properties(text: str) -> Iterator[Finding]:
    """The addresses and people of cards and calendars."""
    for found in _PROPERTY.finditer(text):
        if found["name"] is not None and " " in found["name"].strip():
            yield Finding("PERSON", *found.span("name"), SCORE, ("property of a calendar",))
        elif found["address"] is not None and any(map(str.isalnum, found["address"])):
            value = found["address"].strip("; ")
            start = found.start("address") + found["address"].index(value)
            yield Finding("ADDRESS", start, start + len(value), SCORE, ("property of a card",), rank=WHOLE)
