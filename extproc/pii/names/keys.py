"""Keys of JSON, forms and headers that announce a person or an address."""

from __future__ import annotations

import re
from functools import partial
from typing import Final

from extproc.pii.by_hash import ByHash, alike

LONGEST_KEY: Final = 100
_START: Final = r"(?:^|[_\-. ])"
_WHOSE: Final = (
    r"full|first|last|given|family|sur|middle|maiden|display|contact|customer|client|patient|employee|holder|account|card|"
    r"owner|agent|driver|guest|student|person|recipient|sender|billing|shipping|real|legal|nick"
)
_WHO: Final = (
    r"customer|client|patient|employee|recipient|author|assignee|reporter|contact|owner|person|surname|attendees?|participants?|"
    r"beneficiary|passenger|guest|applicant|tenant|signatory|holder|doctor|physician|manager|by"
)
_WHERE: Final = r"street|address|addr|ship[_\-. ]?to|bill[_\-. ]?to|residence"
_KEY: Final = re.compile(
    rf"{_START}(?:(?:{_WHOSE})[_\-. ]?)*names?$|{_START}(?:{_WHO})$|{_START}(?:{_WHERE})(?:[_\-. ]?(?:line)?[_\-. ]?\d)?$",
    re.IGNORECASE,
)
_PERSON: Final = re.compile(rf"{_START}(?:(?:{_WHOSE})[_\-. ]?)+names?$|{_START}surname$", re.IGNORECASE)
_WHO_ALONE: Final = re.compile(
    r"customer|client|patient|employee|guest|passenger|applicant|tenant|surname|attendee|participant|member",
    re.IGNORECASE,
)
_CAMEL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")


def announces(key: str) -> bool:
    """Whether the value under a key is somebody's name or address: `customer_name`, `shipTo`, `Address line 1`."""
    return _announces(alike(key)) if len(key) <= LONGEST_KEY else False


def holds_a_name(key: str) -> bool:
    """Whether the value under a key is a person's name and nothing else: `first_name`, `customerName`; not a bare `name`."""
    return _holds_a_name(alike(key)) if len(key) <= LONGEST_KEY else False


def names_somebody(key: str) -> bool:
    """Whether either is so."""
    return announces(key) or holds_a_name(key)


def announces_person(key: str) -> bool:
    """The same, or who the person is: `customer`."""
    return bool(key) and (holds_a_name(key) or _WHO_ALONE.fullmatch(key) is not None)


def _reads(kind: re.Pattern[str], key: str) -> bool:
    return kind.search(_CAMEL.sub("_", key)) is not None


# a program has few keys, and sends them with every request
_announces = ByHash(partial(_reads, _KEY), 1024)
_holds_a_name = ByHash(partial(_reads, _PERSON), 1024)
