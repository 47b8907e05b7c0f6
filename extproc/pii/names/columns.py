"""Names in tables: what stands below a head that announces a person is one, whatever its words are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from extproc.pii.names.keys import announces_person
from extproc.pii.names.spans import Span
from extproc.pii.tables import unquoted

if TYPE_CHECKING:
    from collections.abc import Iterator

SCORE: Final = 0.8
_RULE: Final = re.compile(r"\n[ \t]{0,4}\|?[ \t]{0,4}:?-{2,40}:?[ \t]{0,4}(?=[|\n])")
_NAME: Final = re.compile(r"[^\W\d_][\w.'’-]{0,30}(?: [\w.'’-]{1,30}){0,4}")
_OF_PEOPLE: Final = re.compile(
    r"(?i:(?:date of )?birth(?:day|date)?|dob|ssn|(?:home |cell |work )?(?:phone|mobile|tel|cell)(?: (?:no\.?|number))?|"
    r"e-?mail(?: address)?|passport|"
    r"geburtsdatum|telefon|téléphone|teléfono|correo)"
)
"""Heads beside which the column `Name` is one of people."""
_LONGEST_HEAD, _MOST_LINES = 400, 2000


def find(text: str) -> list[Span]:
    """The names in the tables of a text: of Markdown, by the rule below its head; of CSV, where the text begins with it."""
    found: list[Span] = []
    if "\n" not in text:
        return found
    first = text.find("\n", 0, _LONGEST_HEAD)
    if first > 0 and ("," in text[:first] or "\t" in text[:first] or ";" in text[:first]):
        delimiter = max(",;\t", key=text[:first].count)
        found += _below(text, 0, first, first + 1, delimiter)
    if "--" in text and "|" in text:
        for rule in _RULE.finditer(text):
            start = max(text.rfind("\n", max(0, rule.start() - _LONGEST_HEAD), rule.start()) + 1, 0)
            below = text.find("\n", rule.end())
            if below > 0 and "|" in text[start : rule.start()]:
                found += _below(text, start, rule.start(), below + 1, "|")
    return found


def _below(text: str, start: int, end: int, at: int, delimiter: str) -> Iterator[Span]:
    heads = text[start:end].split(delimiter)
    names = [head.strip(" \t\r\"'*_") for head in heads]
    of_people = any(_OF_PEOPLE.fullmatch(name) for name in names)
    wanted = [nth for nth, name in enumerate(names) if announces_person(name) or (of_people and name.lower() == "name")]
    if not wanted:
        return
    for _ in range(_MOST_LINES):
        stop = text.find("\n", at)
        stop = len(text) if stop < 0 else stop
        cells = unquoted(text[at:stop], delimiter).split(delimiter)
        if len(cells) != len(heads):
            return
        begins = at
        for nth, cell in enumerate(cells):
            value = cell.strip(" \t\r\"'*")
            if nth in wanted and value and value != value.lower() and _NAME.fullmatch(value):
                offset = begins + cell.index(value)
                yield Span("PERSON", offset, offset + len(value), SCORE)
            begins += len(cell) + 1
        at = stop + 1
        if at >= len(text):
            return
