"""People by the company they stand in: before their mail address, surname first in quotation marks, in one list with others.

The models read words; a mailbox (`"Okonkwo, Ada" <ada@…>`), an address of Notes (`Ada Okonkwo/NYC/Acme@ACME`) and a list of
surnames are read by their form here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from extproc.pii.names.nobody import is_nobody
from extproc.pii.names.spans import Span
from extproc.pii.names.words import load
from extproc.slices import in_slices

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SCORE: Final = 0.75
WHY: Final = "beside a mail address"
"""Evidence."""
LISTED: Final = 0.6
"""Score of a name that stands in one list with another: as likely as one that is repeated."""
_WORD: Final = r"[A-ZÀ-ÖØ-ÞĀ-Ž][\w'’-]{1,24}"
_SURNAME_FIRST: Final = rf"{_WORD}(?: {_WORD})?, {_WORD}(?: {_WORD}| [A-Z]\.?)?"
_QUOTED: Final = re.compile(rf"\"(?P<name>{_SURNAME_FIRST})\"")
_MAILBOX: Final = re.compile(r"<[\w.+'=-]{1,64}@[\w.-]{1,64}>")
_DISPLAYED: Final = re.compile(
    rf"(?:\A|[\n:;,>(\t])[ \t]*(?P<quote>[\"']?)(?P<name>{_SURNAME_FIRST}|{_WORD}(?: (?:{_WORD}|[A-Z]\.?)){{1,3}})"
    r"(?P=quote)[ \t]?\Z"
)
_LONGEST: Final = 120
_IN_NOTES: Final = re.compile(r"@[A-Z][\w-]{1,24}(?![\w-]|\.\w)")
_NOTED: Final = re.compile(
    rf"(?<![\w@/.-])(?P<name>{_WORD}(?: (?:{_WORD}|[A-Z]\.?)){{1,3}})(?:/[\w -]{{1,24}}){{0,3}}\Z"
)
_AFTER: Final = re.compile(r"(?: ?, (?:and |& )?| and | & )(?P<name>[A-Z][a-z]{2,24})(?= ?[.,;:!?)\n]|\Z| [a-z&])")
_BEFORE: Final = re.compile(r"(?:\A|[ \n(\"“])(?P<name>[A-Z][a-z]{2,24})(?: ?, (?:and |& )?| and | & )\Z")
_REACH: Final = 36
_MOST_LISTED: Final = 12


def with_addresses(text: str) -> Iterator[Span]:
    """Who has a mailbox or an address of Notes."""
    if "@" not in text:
        return
    if "<" in text:
        for mailbox in in_slices(_MAILBOX.finditer(text), 256):
            low = max(0, mailbox.start() - _LONGEST)
            displayed = _DISPLAYED.search(text, low, mailbox.start())
            if displayed and _is_a_name(displayed["name"]):
                yield Span("PERSON", *displayed.span("name"), SCORE)
    for address in in_slices(_IN_NOTES.finditer(text), 256):
        low = max(0, address.start() - _LONGEST)
        noted = _NOTED.search(text, low, address.start())
        if noted and _is_a_name(noted["name"]):
            yield Span("PERSON", *noted.span("name"), SCORE)


def surname_first(text: str) -> Iterator[Span]:
    """Who stands in quotation marks with the surname first, as mail programs write it."""
    if '"' not in text or ", " not in text:
        return
    for match in in_slices(_QUOTED.finditer(text), 256):
        start, end = match.span("name")
        if _is_a_name(match["name"]) and not is_nobody(text, start, text.index(",", start)):
            yield Span("PERSON", start, end, SCORE)


def listed(text: str, people: Iterable[tuple[int, int]], judged: Iterable[tuple[int, int]]) -> Iterator[Span]:
    """Names that stand in one list with one of these people, each of one word, and that no model has said anything of."""
    taken = {place for start, end in judged for place in (start, end)}
    for start, end in people:
        if " " in text[start:end]:
            continue
        for _ in range(_MOST_LISTED):
            after = _AFTER.match(text, end)
            if after is None or after.start("name") in taken or not _is_unlisted(after["name"]):
                break
            yield Span("PERSON", *after.span("name"), LISTED)
            taken.add(after.start("name"))
            end = after.end("name")  # noqa: PLW2901 - on to the next of the list
        for _ in range(_MOST_LISTED):
            before = _BEFORE.search(text, max(0, start - _REACH), start)
            if before is None or before.end("name") in taken or not _is_unlisted(before["name"]):
                break
            yield Span("PERSON", *before.span("name"), LISTED)
            taken.add(before.end("name"))
            start = before.start("name")  # noqa: PLW2901


def _is_a_name(name: str) -> bool:
    """Whether one of the words is a given name, and none an everyday word or of a place: not `Support Team`, not `New York`."""
    words = [word for word in name.lower().replace(",", "").split() if len(word.rstrip(".")) > 1]
    given, also = load("given"), load("ambiguous")
    if all(word in load("places") for word in words) or not any(word in given or word in also for word in words):
        return False
    return not any(
        (word in load("common") or word in load("places")) and word not in given and word not in also for word in words
    )


def _is_unlisted(word: str) -> bool:
    low = word.lower()
    return not any(low in load(name) for name in ("common", "places", "ambiguous"))
