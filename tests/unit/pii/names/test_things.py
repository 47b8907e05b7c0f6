"""What is said of a name that is a thing's, and of the same name where it is somebody's."""

import pytest

from extproc.pii.names.nobody import is_nobody
from extproc.pii.names.things import is_thing

THINGS = [
    "<Robin>, Wren and Martin are birds",
    "The <Tudor> and Stuart dynasties",
    "<Sterling> fell against the dollar",
    "<Kelly> criterion",
    "<Ray>'s Pizza is just too good",
    "<Malcolm Smith> Motorsports",
    "<Lexus>, Mazda and Opel",
    "<Easter>, Christmas and Pentecost",
    "<Heather> grows on the moor",
    "Madison, <Georgia>; Austin, Texas",
    "traveling to <Verona> for a day",
    "hotels in <Florence>",
    "Turn on Philips Hue with <Alexa>",
]
PEOPLE = [
    "<Robin> and Martin are late",
    "<Ray>'s pizza was cold",
    "<Heather> grows tomatoes",
    "I wrote to <Georgia> and Tom",
    "<Florence> called from the hotel",
    "I live with <Alexa>",
    "<Mercedes> sent it",
    "talked to <Florence>",
]


def judged(marked):
    """The text without its marks, and where they were."""
    start, end = marked.index("<"), marked.index(">") - 1
    return marked.replace("<", "").replace(">", ""), start, end


@pytest.mark.parametrize("marked", THINGS)
def test_things(marked):
    """Nobody."""
    assert is_nobody(*judged(marked))


@pytest.mark.parametrize("marked", PEOPLE)
def test_people(marked):
    """Somebody."""
    text, start, end = judged(marked)
    assert not is_nobody(text, start, end)
    assert not is_thing(text, start, end, text[start:end])
