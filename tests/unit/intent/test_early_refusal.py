"""What is refused before the last stage has seen it: at a glance, and halfway through the transformer."""

from dataclasses import replace

import pytest

from extproc.intent.cascade import Cascade
from extproc.intent.examples import Examples
from extproc.intent.material import Budget
from extproc.intent.reporting import reports

BILLS = ["pay my bill", "when is my bill due", "how much is my bill", "settle the invoice", "my bill is wrong"]
CARDS = ["i lost my card", "my card was stolen", "block my card", "send me a new card", "my card does not work"]


@pytest.fixture(scope="module")
def cascade(encoder):
    """Two intents with five examples each, and the bundled model."""
    texts = {"bill": [*BILLS, *(f"{text} please" for text in BILLS)], "card": [*CARDS, *(f"{t} please" for t in CARDS)]}
    return Cascade.build(encoder, Examples.of_texts(texts), Budget(), 0.95, lambda _: None, None)


def test_reason_and_consequence(cascade):
    """Under the limit the transformer is not asked, no intent is given, and the reason says so; above it, it is asked."""
    views = [cascade.look(text) for text in ("the sea is deep", "pay my bill", "card bill", "zzz")]
    for view in views:
        refused = view.score.score < cascade.trained.refusals["static"] and view.score.intent is None
        assert (view.score.reason == "foreign") == refused
        assert view.decided == (refused or view.score.intent is not None)


@pytest.mark.parametrize(("limit", "reason"), [(0.0, "unsure"), (1.1, "foreign")])
def test_halfway(cascade, limit, reason):
    """Under the limit of the early stage a text does not go on: its score stands, without an intent."""
    view = cascade.look("zzz")
    trained = cascade.trained
    refusals = {**trained.refusals, "early": limit}
    bounded = Cascade(cascade.encoder, cascade.table, cascade.examples, replace(trained, refusals=refusals), Budget())
    early = next(report for report in reports(bounded, view, 0.0) if report.stage == "early")
    assert early.score < early.threshold
    (score,) = bounded.transform([view])
    assert (score.intent, score.reason) == (None, reason)
    assert (score.score == early.score) == (reason == "foreign")


def test_examples_are_never_refused(cascade):
    """The limit lies below everything that was learned from."""
    scores = [cascade.look(text) for text in cascade.examples.texts]
    assert not [view for view in scores if view.score.reason == "foreign"]


@pytest.mark.parametrize("text", ["", "\N{FIRE}", "\N{FIRE}\N{FIRE ENGINE}"])
def test_nothing_to_read(cascade, text):
    """Two emojis are the same to a model that has no word for them: no intent, and the reason says why."""
    score = cascade.look(text).score
    assert (score.intent, score.score, score.reason) == (None, 0.0, "empty")
