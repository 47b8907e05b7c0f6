"""Names in scripts that the network does not read, after the key of a field within a text: JSON in a log line, `key=value`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from extproc.pii.names.announced import PHRASES
from extproc.pii.names.keys import LONGEST_KEY, announces_person, holds_a_name
from extproc.pii.names.spans import Span
from extproc.slices import in_slices

if TYPE_CHECKING:
    from collections.abc import Iterator

SCORE: Final = 0.8
_PART: Final = r"(?:[\w.\u0300-\u036f\u064b-\u0652\u0900-\u0ecd-]|['’](?=\w)){0,40}"
_FIELD: Final = re.compile(
    r"[:=][ \t]{0,4}\\{0,7}(?P<quote>[\"'“«]?)"
    rf"(?P<value>(?=[\u0370-\uffff])[^\W\d_]{_PART}(?: {{1,2}}(?!\d)\w{_PART}){{0,4}})"
    r"(?=[ \t]*(?:[\"'”»\\,;|&<}\])\r\n]|\Z)|[ \t]+[\w.-]{1,40}=)"
)
"""What stands between a key and a value that begins with a letter beyond Latin, and the value to its end."""
_BESIDE: Final = " \t\\\"'”»*"
_MOST_BESIDE: Final = 12


_IN_QUERY: Final = re.compile(
    r"=(?P<value>[^\W\d_][\w.'’-]{0,30}(?:(?:\+|%20)[^\W\d_][\w.'’-]{0,30}){1,3})(?=[&\s\"';#]|\Z)"
)
"""The value of a parameter of a query that is several words: `name=Ada+Lovelace`."""
_KEY: Final = re.compile(r"(?:\A|[?&;\"' ])(?P<key>[A-Za-z_.-]{2,40})\Z")
_LONGEST_PARAMETER: Final = 41
"""Characters of a key, and of the sign before it."""


def in_queries(text: str) -> Iterator[Span]:
    """The names of several words that are parameters."""
    if "=" not in text:
        return
    if "last" in text or "lname" in text:
        yield from _in_two(text)
    if "+" not in text and "%20" not in text:
        return
    for field in in_slices(_IN_QUERY.finditer(text)):
        before = text[max(0, field.start() - _LONGEST_PARAMETER) : field.start()]
        key = _KEY.search(before)
        if key and (key["key"].lower() == "name" or holds_a_name(key["key"])):
            yield Span("PERSON", *field.span("value"), SCORE)


_IN_TWO: Final = re.compile(
    r"(?<![\w.-])(?P<key>first|fname|last|lname|given|family)=(?P<value>[A-Z][^\W\d_]{1,24}(?:[-'’][A-Z][^\W\d_]{1,24})?)(?=[&\s\"';#]|\Z)"
)


def _in_two(text: str) -> Iterator[Span]:
    """The parts of a name, each a parameter of its own: `first=Ada&last=Lovelace`."""
    fields = list(_IN_TWO.finditer(text))
    if len({field["key"] for field in fields}) > 1:
        yield from (Span("PERSON", *field.span("value"), SCORE) for field in fields)


_CODED: Final = re.compile(
    r"ame(?P<end>s?)[\"'\]]{0,2}[ \t]{0,4}(?:=>|[:=])[ \t]{0,4}(?P<quote>[\"'])"
    r"(?P<value>[A-Z][\w.'’-]{1,30}(?: [\w.'’-]{1,30}){0,3})(?P=quote)"
)
"""A field of a name in code: `lastName: 'Hart'`."""
_NO_VALUES: Final = frozenset(
    "string text first last name required optional none null unknown test value full surname".split()
)


_TAGGED: Final = re.compile(
    r"<(?P<key>[A-Za-z:_-]{0,20}[Nn]ame)>(?P<value>[A-Z][\w.'’-]{1,30}(?: [\w.'’-]{1,30}){0,3})</"
)
_INVERTED: Final = re.compile(
    r"(?i:\b(?:(?:patient|full|client|guest|member) )?(?:name|patient|insured|passenger))[\"']?[ \t]{0,2}[:=][ \t]{0,4}[\"']?"
    r"(?P<value>[A-Z][A-Za-z'’-]{1,24}, (?!(?:Inc|Ltd|LLC|Corp|Co|GmbH|PO|USA|UK)\b)[A-Z][A-Za-z'’-]{1,24}(?: [A-Z]\b\.?)?)"
)
"""A surname before the given name: `Patient Name: OKAFOR, CHIDI`."""


def may_be_inverted(text: str) -> bool:
    """A first look."""
    return ", " in text and any(
        word in text for word in ("ame: ", "AME: ", "atient: ", "ATIENT: ", "nsured: ", "assenger: ")
    )


def inverted(text: str) -> Iterator[Span]:
    """Names that are written surname first, after what announces them."""
    if may_be_inverted(text):
        for field in in_slices(_INVERTED.finditer(text)):
            yield Span("PERSON", *field.span("value"), SCORE)


def in_tags(text: str) -> Iterator[Span]:
    """The names in elements that hold nothing else: `<firstName>`."""
    if "ame>" in text:
        for field in in_slices(_TAGGED.finditer(text)):
            if _OF_SOMEBODY.search(field["key"]) and _NO_VALUES.isdisjoint(field["value"].lower().split()):
                yield Span("PERSON", *field.span("value"), SCORE)


def in_code(text: str) -> Iterator[Span]:
    """The names between quotes under keys that hold nothing else."""
    if "ame" not in text or ("'" not in text and '"' not in text):
        return
    for field in in_slices(_CODED.finditer(text)):
        words = field["value"].lower().split()
        before = max(0, field.start() - _LONGEST_KIND)
        if _OF_SOMEBODY.search(text, before, field.end("end")) and _NO_VALUES.isdisjoint(words):
            yield Span("PERSON", *field.span("value"), SCORE)


_OF_SOMEBODY: Final = re.compile(r"(?:first|last|full|given|family|middle|maiden|sur)[_.-]?names?\Z", re.IGNORECASE)
_LONGEST_KIND: Final = 8
"""Characters that say whose name it is, the sign between, and the first of `name`."""


def find(text: str) -> Iterator[Span]:
    """The names under keys that announce a person."""
    if ":" not in text and "=" not in text:
        return
    for field in in_slices(_FIELD.finditer(text)):
        start, end = field.span("value")
        value = text[start:end].rstrip(".")
        says = announces_person if field["quote"] else holds_a_name  # `Customer: Здравствуйте, …` is a dialogue
        if says(_key_before(text, field.start())) and value.lower() not in PHRASES:
            yield Span("PERSON", start, start + len(value), SCORE)


def _key_before(text: str, end: int) -> str:
    """The word before a sign, and quotation marks and backslashes between them."""
    floor = max(0, end - _MOST_BESIDE)
    while end > floor and text[end - 1] in _BESIDE:
        end -= 1
    start, floor = end, max(0, end - LONGEST_KEY)
    while start > floor and (text[start - 1].isalnum() or text[start - 1] in "_-."):
        start -= 1
    return text[start:end]
