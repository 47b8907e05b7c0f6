"""What the examples of one intent do to the others: nothing, as far as thresholds go; and nothing is done by their order."""

from itertools import pairwise

import numpy as np
import pytest

from extproc.config import parse
from extproc.intent import Classifier
from extproc.intent.calibration import Trial
from extproc.intent.examples import Examples
from extproc.intent.thresholds import evidence, thresholds

HEAD = 'version: 1\nmodels: {general: {endpoints: [{address: "127.0.0.1:8081"}]}}\ndefault_model: general\n'


def trial(rows):
    """Rows of (best, right, label), in English and in scope but for a label of -1."""
    best, right, label = (np.array(column) for column in zip(*rows, strict=True))
    zeros = np.zeros(len(rows), bool)
    return Trial(np.zeros((len(rows), 1), np.float32), best, right.astype(bool), label >= 0, label < 0, label, zeros)


def many(intents=6, each=8, bad=()):
    """Examples of which those of some intents are taken for the next one every other time; and what they score."""
    rows, scores = [], []
    for label in range(intents):
        for i in range(each):
            wrong = label in bad and i % 2
            rows.append(((label + 1) % intents if wrong else label, not wrong, label))
            scores.append(0.75 + 0.02 * i)
    rows += [(i % intents, False, -1) for i in range(40)]
    scores += [0.05 + 0.01 * i for i in range(40)]
    return trial(rows), np.array(scores)


def test_an_intent_that_overlaps_mutes_nobody_else():
    """The threshold of the one that it is taken for rises; of the others all that was accepted still is."""
    rows, scores = many(bad=(0,))
    good, told = thresholds(*many(), 6, 0.95)[0], thresholds(rows, scores, 6, 0.95)[0]
    assert told[1] > good[1] + 0.05
    others = rows.right & (rows.label > 1)
    assert (scores >= told[rows.best])[others].all()


def test_evidence_takes_and_hardly_gives():
    """An intent that is never wrong gains next to nothing by a few rows."""
    rows, scores = many(bad=(0,))
    found = evidence(rows, np.log(scores / (1 - scores)), 6)
    assert found.max() < 0.05
    assert found.argmin() == 1


@pytest.mark.parametrize("bad", [(), (0,), (0, 2, 4)])
def test_a_lower_target_has_lower_thresholds(bad):
    """What is accepted for a higher target is accepted for a lower one too."""
    rows, scores = many(bad=bad)
    found = [thresholds(rows, scores, 6, target) for target in (0.55, 0.7, 0.8, 0.9, 0.95, 0.99)]
    for low, high in pairwise(found):
        assert (low <= high + 1e-9).all()


def test_how_many_examples_an_intent_has_is_no_weight():
    """Each intent counts as much as the others, however many of its examples were tried."""
    rows = trial([(0, 1, 0)] * 200 + [(1, 1, 1)] * 4 + [(1, 0, -1)] * 20)
    mass = rows.mass
    assert np.isclose(mass[:200].sum(), mass[200:204].sum())


def test_order_changes_nothing(encoder):
    """Neither that of intents nor that of examples: the very same scores."""
    intents = {
        "bill": ["pay my bill", "when is my bill due", "the bill is too high", "send the bill again"],
        "song": ["play a song", "what song is this", "skip to the next song"],
        "lamp": ["lights on", "turn off the lamp", "make it brighter here"],
    }
    texts = ["please pay it", "how high is my bill", "sing", "it is dark", "which song did they play", "who are you"]

    def scores(order):
        listed = ", ".join(f"{name}: {{examples: {intents[name][::order]}}}" for name in list(intents)[::order])
        classifier = Classifier(parse(f"{HEAD}intents: {{{listed}}}\n"), encoder, keep=False)
        return [classifier.classify_now(text) for text in texts]

    assert scores(1) == scores(-1)


def test_not_examples(encoder):
    """What sounds like an intent and is said not to be it belongs to none; what is like that scores less."""
    listed = (
        "printer: {examples: [the printer is jammed, printer prints blank pages, add a printer%s]%s}, "
        "bill: {examples: [pay my bill, when is my bill due, the bill is too high]}"
    )
    without, given = (
        Classifier(parse(f"{HEAD}intents: {{{listed % ('', more)}}}\n"), encoder, keep=False)
        for more in ("", ", not_examples: [the coffee machine next to the printer is broken]")
    )
    text = "The coffee machine next to the printer is broken"
    assert given.classify_now(text).intent is None
    near = "the coffee machine near the printer is out of beans"
    assert given.classify_now(near).score < without.classify_now(near).score


def test_few_intents_have_near_neighbours(encoder):
    """With two intents each is tried as what the other is not."""
    from extproc.embedding.encoders import Encoders
    from extproc.embedding.places import cache_folder
    from extproc.intent.material import Budget, Material
    from extproc.intent.table import table_of
    from extproc.intent.validation import cross_validate

    examples = Examples.of_texts({"bill": ["pay my bill", "the bill is high"], "song": ["play a song", "next song"]})
    encoders, table = Encoders(encoder), table_of(encoder, cache_folder(), print)
    inside, outside = (
        Material.of(encoders, table, texts, Budget()) for texts in (examples.texts, examples.background[:20])
    )
    found = cross_validate(table.weights, inside, examples.labels, np.ones(4, bool), outside, print)
    last = found.trials["transformer"]
    assert (~last.in_scope & ~last.far).sum() == 4
