"""Names below a head that announces them, and products and towns that are nobody."""

from __future__ import annotations

import pytest

from extproc.pii import analyze


def people(text):
    """The people of a text."""
    return [text[r.start : r.end] for r in analyze(text) if r.entity_type == "PERSON"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("| Customer | Plan |\n|---|---|\n| Rose Lake | Free |\n| Xi Hu | Pro |\n", ["Rose Lake", "Xi Hu"]),
        ("user,full_name,last\nu1,Hope Price,2026\nu2,Christian Church,2026\n", ["Hope Price", "Christian Church"]),
        ("id;customer_name\n1;Summer Rain\n", ["Summer Rain"]),
    ],
)
def test_below_a_head(text, names):
    """What stands in a column of names is a name, though its words are a place's or a season's."""
    assert people(text) == names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Please call Mr NG back before noon.", ["NG"]),
        ("I told Dr. WU that the lab was closed.", ["WU"]),
        ("Thanks Israel, see you on Monday!", ["Israel"]),
        ("The invoice is for BOB, not for me.", ["BOB"]),
    ],
)
def test_somebody_all_the_same(text, names):
    """Who is greeted or has a title, and usual names of three letters."""
    assert people(text) == names


@pytest.mark.parametrize(
    "text",
    [
        "Ask Alexa or Siri to set a timer.",
        "Cassandra, Maria DB, Redis and Mongo",
        "Charlotte, North Carolina",
        "Israel closed the crossing on Monday.",
        "We lost the roof to Hurricane Katrina.",
        "All five bid higher than ENA, as DEA reports say.",
        "the sludge is laden with cadmium, and the talk is macho",
        "item,total\nNails,17\n",
        "First, name,\nthen the rest, all of it\n",
    ],
)
def test_nobody(text):
    """Products beside each other, a town before its state, columns of other things."""
    assert people(text) == []
