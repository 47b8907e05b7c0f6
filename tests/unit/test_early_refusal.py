"""What the static stage refuses at a glance."""

import pytest

from extproc.encoder import Encoder
from extproc.intent.cascade import Cascade
from extproc.intent.examples import Examples
from extproc.intent.material import Budget

BILLS = ["pay my bill", "when is my bill due", "how much is my bill", "settle the invoice", "my bill is wrong"]
CARDS = ["i lost my card", "my card was stolen", "block my card", "send me a new card", "my card does not work"]


@pytest.fixture(scope="module")
def cascade():
    """Two intents with five examples each, and the bundled model."""
    texts = {"bill": [*BILLS, *(f"{text} please" for text in BILLS)], "card": [*CARDS, *(f"{t} please" for t in CARDS)]}
    return Cascade.build(Encoder.load(), Examples.of_texts(texts), Budget(), 0.95, lambda _: None, None)


def test_reason_and_consequence(cascade):
    """Under the limit the transformer is not asked, no intent is given, and the reason says so; above it, it is asked."""
    views = [cascade.static(cascade.tokenize(text)) for text in ("the sea is deep", "pay my bill", "card bill", "zzz")]
    for view in views:
        refused = view.score.score < cascade.trained.refusal and view.score.intent is None
        assert (view.score.reason == "foreign") == refused
        assert view.decided == (refused or view.score.intent is not None)


def test_examples_are_never_refused(cascade):
    """The limit lies below everything that was learned from."""
    scores = [cascade.static(cascade.tokenize(text)) for text in cascade.examples.texts]
    assert not [view for view in scores if view.score.reason == "foreign"]


@pytest.mark.parametrize("text", ["", "\N{FIRE}", "\N{FIRE}\N{FIRE ENGINE}"])
def test_nothing_to_read(cascade, text):
    """Two emojis are the same to a model that has no word for them: no intent, and the reason says why."""
    score = cascade.static(cascade.tokenize(text)).score
    assert (score.intent, score.score, score.reason) == (None, 0.0, "empty")
