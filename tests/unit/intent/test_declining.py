"""Whether a text could decline anything is told at a glance, and by less than what then tells what it declines."""

from random import Random

import pytest

from extproc.embedding.encoder import Encoder
from extproc.intent.wording import DECLINING, may_decline, negated_words, wanted

SAID = (
    "I don't want the report, send the invoice",
    "no need for a new laptop but for a monitor",
    "this is not a test",
    "Ich brauche keinen neuen Zugang",
    "je n'ai pas besoin d'aide",
    "the printer WORKS AGAIN",
    "it's fixed now",
    "NEVER mind",
    "das l\u00e4uft nicht mehr",
    "it doesn\u2019t print",
)
PLAIN = ("what is the weather in nottingham", "note the knots", "renew my licence", "who is nobody", "seine Reise")


@pytest.fixture(scope="module")
def cascade_gate():
    """The cascade's own glance, by the ids of the bundled model."""
    from types import SimpleNamespace

    from extproc.intent.cascade import Cascade
    from extproc.intent.material import Budget

    encoder = Encoder.load()
    half = SimpleNamespace(_declining=encoder.first_ids(DECLINING), budget=Budget())
    return lambda text: Cascade._may_decline(half, text, encoder.tokenize(text, 128))


@pytest.mark.parametrize("text", SAID)
def test_what_declines_is_looked_at(text, cascade_gate):
    """By both glances."""
    assert wanted(text) is not None or negated_words(text) or "print" in text
    assert may_decline(text)
    assert cascade_gate(text)


@pytest.mark.parametrize("text", PLAIN)
def test_what_has_no_such_word_is_not(text, cascade_gate):
    """A word that only begins or ends like one is another word."""
    assert not may_decline(text)
    assert not cascade_gate(text)


def test_nothing_that_declines_is_missed(cascade_gate):
    """Whatever stands around the words, and however they are spelled."""
    random = Random(11)
    words = [
        *sorted(DECLINING),
        "keiner",
        "n'",
        "don't",
        "it",
        "works",
        "want",
        "is",
        "x_no",
        "no_x",
        "9not",
        "ohne9",
        "m\u00f6chte",
    ]
    between = (" ", "  ", ", ", ".", "-", "'", "/", "\t", "\n", "\x0b", "_", "", "(", "\x00", "[", "\u2019", "\u00a0")
    for _ in range(4000):
        text = "".join(
            random.choice((str.lower, str.upper, str.title))(random.choice(words)) + random.choice(between)
            for _ in range(random.randint(1, 7))
        )
        if wanted(text) is not None or negated_words(text):
            assert may_decline(text), text
            assert cascade_gate(text), text
