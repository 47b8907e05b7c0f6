"""Slips of the keyboard: what is put right, and what stays as it is."""

import random
import re

import pytest

from extproc.intent.cascade import Cascade
from extproc.intent.examples import Examples
from extproc.intent.material import Budget
from extproc.intent.typos import LONGEST, MOST, SHORTEST, Slips, Typos

TEXTS = {
    "password": ["I forgot my password", "my password expired", "unlock my account", "reset the password please"],
    "network": ["VPN does not connect", "the wifi is down", "no internet on my laptop", "Bestellung über Straße"],
}


@pytest.fixture(scope="module")
def typos(encoder):
    """Of two intents."""
    return Typos.of(Examples.of_texts(TEXTS), encoder)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("i forgto my pasword", "i forgot my password"),
        ("vnp dos not conect", "vpn dos not connect"),
        ("UNLOKC MY ACOUNT", "unlock MY account"),
        ("Bestelung uber Strase", "Bestellung uber Straße"),
        ("a calandar invitation", "a calendar invitation"),
    ],
)
def test_one_slip_a_word(typos, written, meant):
    """To a word of the examples whatever its language, to a long one of English."""
    assert typos.corrected(written, english=True).casefold() == meant.casefold()


@pytest.mark.parametrize(
    "text", ["install Calandar for me", "ein Calandar fehlt", "qqxzv wwpltk", "the wifi is down", "", "12 34 !?", "zug"]
)
def test_what_stays(typos, text):
    """Names, other languages' words, what is near to nothing, and what is right."""
    assert typos.corrected(text, english=not text.startswith("ein")) == text


def test_only_texts_in_pieces_are_looked_at(typos, encoder):
    """Plain English costs nothing."""
    assert not typos.may_have(encoder.tokenize("my account is locked", 100))
    assert typos.may_have(encoder.tokenize("my acconut is lokced", 100))


def test_work_is_bounded(typos):
    """Twelve words of a text, none too long."""
    text = " ".join(["pasword"] * (MOST + 5) + ["x" * (LONGEST + 1)])
    assert typos.corrected(text, english=True).split().count("password") == MOST


def test_any_slip_in_a_word_of_the_examples_is_put_right_or_left(typos):
    """Whatever the slip: the word that was meant, or the text as it was, or another word of the examples or of English."""
    rng = random.Random(3)
    right = 0
    for _ in range(300):
        word = rng.choice(["password", "account", "internet", "forgot", "connect", "laptop", "unlock"])
        i = rng.randrange(1, len(word) - 1)
        letter = rng.choice("abcdefghijklmnopqrstuvwxyz")
        made = rng.choice(
            [
                word[:i] + word[i + 1 :],
                word[:i] + letter + word[i:],
                word[:i] + letter + word[i + 1 :],
                word[:i] + word[i + 1] + word[i] + word[i + 2 :],
            ]
        )
        found = typos.corrected(f"about my {made}", english=True)
        assert re.fullmatch(r"about my \w+", found)
        right += found == f"about my {word}"
    assert right >= 270


def test_the_decision_is_that_of_the_text_that_was_meant(encoder):
    """For the whole cascade."""
    cascade = Cascade.build(encoder, Examples.of_texts(TEXTS), Budget(), 0.95, lambda _: None, None)
    assert cascade.look("i forgto my pasword").score.score == cascade.look("i forgot my password").score.score


def test_what_is_one_slip_away_is_what_is_made_by_each(typos):
    """The index gives the words that are had by making every slip, no more and no fewer."""
    rng = random.Random(4)
    letters = "abcdefghijklmnopqrstuvwxyz"
    known = {"forgot", "form", "from", "format", "locked", "looked", "lock", "clock", "vpn", "account", "accounts"}
    index = Slips(known)
    for _ in range(300):
        word = "".join(rng.choice("aclofrmt") for _ in range(rng.randrange(3, 8)))
        if word in known:
            continue
        made = {word[:i] + word[i + 1] + word[i] + word[i + 2 :] for i in range(len(word) - 1)}
        if len(word) >= SHORTEST:
            cuts = [(word[:i], word[i:]) for i in range(1, len(word) + 1)]
            made |= {head + letter + tail for head, tail in cuts for letter in letters}
        if len(word) > SHORTEST:
            made |= {head + tail[1:] for head, tail in cuts if tail}
            made |= {head + letter + tail[1:] for head, tail in cuts if tail for letter in letters}
        assert set(index.slips(word)) == made & known
