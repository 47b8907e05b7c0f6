"""People by what they do, and handles made of their names."""

from __future__ import annotations

import pytest

from extproc.pii.names import deeds, handles


@pytest.mark.parametrize(
    ("text", "people"),
    [
        ("Paris sent the wrong form.", ["Paris"]),
        ("We waited. Will lost his card, and Minh paid twice.", ["Will", "Minh"]),
        ("Ivy and Basil split the bill.", ["Ivy", "Basil"]),
        ("Please tell Hope that the parcel is here.", ["Hope"]),
        ("China sent the delegation home.", []),
        ("The server sent the header.", []),
        ("Spring sent it; paris sent the form.", []),
    ],
)
def test_who_does_it(text, people):
    """A town, a country or a word is a person by what it does to whom."""
    assert [text[s.start : s.end] for s in deeds.find(text, [(0, len(text))])] == people


@pytest.mark.parametrize(
    ("text", "people"),
    [
        ("hi im tamsin and i need help", ["tamsin"]),
        ("Hello team, this is dmitri from accounting", ["dmitri"]),
        ("hey, i'm priyanka", ["priyanka"]),
        ("hi im exhausted and i'm tryna sleep", []),
        ("hi im tryna find a bank", []),
        ("im tamsin's sister", []),
    ],
)
def test_who_says_their_name(text, people):
    """In small letters after a greeting, by no word of the dictionary and with what comes behind a name."""
    assert [text[s.start : s.end] for s in deeds.introduced(text)] == people


@pytest.mark.parametrize(
    ("text", "people"),
    [
        ("@ravishankar please review", ["ravishankar"]),
        ("cc @john.doe and @priya_nair.", ["john.doe", "priya_nair"]),
        ("@dataclass\nclass A: ...", []),
        ("@property and @override", []),
        ("npm i @types/node @babel/core", []),
        ("write to ada@johndoe.example", []),
        ("@media (max-width: 3px)", []),
    ],
)
def test_whose_handle(text, people):
    """A given name and another word, and no decorator, scope or host."""
    assert [text[s.start : s.end] for s in handles.find(text)] == people
