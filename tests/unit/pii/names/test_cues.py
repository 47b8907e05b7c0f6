"""What lets the name model run, and over which part of a text."""

import itertools

import pytest

from extproc.pii.names.cues import REACH, TIMES, Cues
from extproc.pii.pieces import Cut

CUES = Cues()


def windows(text, key=None):
    """The windows of a text."""
    return CUES.windows(Cut(text), key)


@pytest.mark.parametrize(
    "text",
    [
        "please tell Okonkwo that the claim is refused",
        "please tell chinedu that the claim is refused",
        "Okonkwo called again",
        "PLEASE CALL OKONKWO TODAY",
        "ask mr smith about it",
        "Name: x",
        '{"customer_name": "k. obi"}',
        "send it to 14 Harbour Road before noon",
        "we live in Hauptstraße 5",
        "it is at p.o. box 12",
        "Will said so",
        "I asked Mark about it",
        "(Dr. Houston will see you)",
    ],
)
def test_a_hint_is_enough(text):
    """Capitals, given names in lower case, titles, labels, streets: the model reads it."""
    assert windows(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "turn off the lights in the kitchen please",
        "What is the best way to learn this?",
        "The meeting is on Monday. It starts in December.",
        "How do I install Docker and Kubernetes on Linux?",
        "def main():\n    return open(path).read()",
        "self.assertEqual(first_name, value)",
        "mail me at @okonkwo or #okonkwo",
        "x = 3 * (y + 2)",
        "Is it cold in Germany?",
    ],
)
def test_everyday_text_costs_nothing(text):
    """No hint, no run."""
    assert windows(text) == []


def test_countries_and_firms_are_cues_where_they_are_wanted():
    """With LOCATION or ORGANIZATION on, their words count too."""
    assert Cues(places=True).windows(Cut("Is it cold in Germany?"))


def test_a_window_is_the_sentence():
    """The neighbours of the sentence are not read."""
    text = "It rains a lot here. Please tell Okonkwo that it rains. We are at home all day."
    [(start, end)] = windows(text)
    assert text[start:end].strip() == "Please tell Okonkwo that it rains."


def test_initials_and_titles_end_no_sentence():
    """The window holds the whole of a name with full stops in it."""
    text = "We met. Later J. R. R. Tolkien and Dr. Imre Szabo spoke. It was late."
    start, end = windows(text)[0]
    assert text[start:end].strip() == "Later J. R. R. Tolkien and Dr. Imre Szabo spoke."


def test_a_window_has_an_end_where_a_text_has_none():
    """Without full stops a window reaches so far and no further, and cuts no word."""
    text = "word " * 200 + "Okonkwo " + "word " * 200
    [(start, end)] = windows(text)
    assert end - start <= 2 * REACH + 1
    assert text[start:end].split() == ["word"] * text[start:1000].count("word") + ["Okonkwo"] + ["word"] * text[
        1000:end
    ].count("word")


@pytest.mark.parametrize(
    "key",
    [
        "name",
        "customer_name",
        "customerName",
        "First Name",
        "recipient",
        "shipping-address",
        "assignee",
        "address_line1",
    ],
)
def test_keys_announce(key):
    """A value under such a key is read whole, whatever it looks like."""
    assert windows("the one", key) == [(0, 7)]


@pytest.mark.parametrize("key", ["filename", "hostname", "content", "username_count", "model", "text", None])
def test_other_keys_do_not(key):
    """File names and contents are not people."""
    assert windows("the one", key) == []


def test_windows_are_apart_and_in_order():
    """Whatever the text, windows never touch."""
    sentence = "{} met somebody. It rained all day and all night long and nobody was there to see it."
    found = windows(" ".join(sentence.format(name) for name in ("Okonkwo", "Adeyemi", "Achterberg", "Venkataraman")))
    assert len(found) == 4
    assert all(a[1] < b[0] for a, b in itertools.pairwise(found))


def test_a_word_is_read_about_twice():
    """A name that a long text repeats is not read again and again: what it is, it is everywhere."""
    text = " ".join(["Okonkwo met somebody. It rained all day and all night long and nobody was there to see it."] * 9)
    assert len(windows(text)) == TIMES
