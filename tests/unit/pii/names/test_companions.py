"""People by their mailbox, by an address of Notes, and by who is listed beside them."""

from __future__ import annotations

import pytest

from extproc.config.names import NAME_TYPES_BY_DEFAULT, NameSettings
from extproc.pii.names import companions, recognizer


@pytest.mark.parametrize(
    ("text", "people"),
    [
        ("From: Priya Vexley <pv@example.org>", ["Priya Vexley"]),
        ('Cc: Kofi B. Quist <kbq@example.org>, "Ada M. Frost" <ada@example.org>', ["Kofi B. Quist", "Ada M. Frost"]),
        ("To: Vexley, Priya <pv@example.org>; Frost, Ada <af@example.org>", ["Vexley, Priya", "Frost, Ada"]),
        ("To: Ann Vexley <av@example.org>, Bob Frost <bf@example.org>", ["Ann Vexley", "Bob Frost"]),
        ("Support Team <help@example.org>", []),
        ("From: New York Office <ny@example.org>", []),
        ("if a < b and Priya Vexley @ home", []),
        ("Traci Quistberg@ACME COMMUNICATIONS on 08/16/2000", ["Traci Quistberg"]),
        ("To: Mark Quistberg/HOU/ACME@ACME, Priya Vexley/NA/Acme@Acme", ["Mark Quistberg", "Priya Vexley"]),
        ("mark quist@ACME, Coffee Shop@NYC, Priya Vexley@example.org", []),
    ],
)
def test_with_addresses(text, people):
    """Who has the address; no team, no office, and nobody whose mail address begins with the name."""
    assert [text[s.start : s.end] for s in companions.with_addresses(text)] == people


@pytest.mark.parametrize(
    ("text", "people"),
    [
        ('"Vexley, Priya" and "Frost, Ada M."', ["Vexley, Priya", "Frost, Ada M."]),
        ('he said "Well, Thanks" and "Paris, Texas"', []),
    ],
)
def test_surname_first(text, people):
    """One name, though a comma stands in it."""
    assert [text[s.start : s.end] for s in companions.surname_first(text)] == people


@pytest.mark.parametrize(
    ("text", "known", "people"),
    [
        ("Quistberg, Vexley and Zornholt staffed it", "Vexley", ["Zornholt", "Quistberg"]),
        ("Coleman , Brankov & Zornholt on target", "Coleman", ["Brankov", "Zornholt"]),
        ("Priya and I'm sorry, Priya, Paris and Monday", "Priya", []),
        ("Priya Vexley and Zornholt Bearings Ltd", "Priya Vexley", []),
    ],
)
def test_listed(text, known, people):
    """On both sides, as far as the list goes; no town, no everyday word, and nobody beside a full name."""
    start = text.index(known)
    found = companions.listed(text, [(start, start + len(known))], [(start, start + len(known))])
    assert [text[s.start : s.end] for s in found] == people


def test_the_recognizer_asks_for_company():
    """What is listed with a name of the model is found, and where it stands once more too."""
    find = recognizer(NameSettings(), frozenset(NAME_TYPES_BY_DEFAULT))
    text = "I met Angela, Zornholt and Priya. Zornholt paid."
    assert [text[r.start : r.end] for r in find(text)] == ["Angela", "Zornholt", "Priya", "Zornholt"]
