"""The names' network: what it says of a word does not depend on how many it is asked of."""

import re

import numpy as np
import pytest

from extproc.pii.names import NameModel

TEXT = "Please tell Aisha Okafor that Dr. Brandt moved to 14 Elm Street. Søren and Zoë Müller wait in São Paulo."


@pytest.fixture(scope="module")
def network():
    """The bundled network."""
    return NameModel()


def starts(text):
    """Where words and signs begin."""
    return {match.start() for match in re.finditer(r"\w+|[^\w\s]", text)}


def test_some_words_are_judged_as_among_all(network):
    """The last layer goes on with the words that are asked, and reads all."""
    everything = network.logits(TEXT, [(0, len(TEXT))], starts(TEXT))
    assert everything.keys() == starts(TEXT)
    some = {TEXT.index(word) for word in ("Aisha", "Brandt", "Zoë")}
    told = network.logits(TEXT, [(0, len(TEXT))], some)
    assert told.keys() == some
    for start in some:
        # int8: the scale of a layer's inputs is that of the words which it goes on with
        np.testing.assert_allclose(told[start], everything[start], atol=0.5)
        assert told[start].argmax() == everything[start].argmax()


def test_what_is_not_asked_is_not_read(network):
    """Nothing asked, or nothing where a word begins: no answer, and no run for it."""
    assert network.logits(TEXT, [(0, len(TEXT))], set()) == {}
    assert network.logits(TEXT, [(0, 12)], {TEXT.index("Aisha"), 1}) == {}
    assert network.logits("", [(0, 0)], {0}) == {}


def test_long_windows_are_read_in_pieces(network):
    """Every word of a long window is told of once, at the seams of its pieces as within them."""
    text = " ".join(["It rained, and Aisha Okafor wrote to Brandt about internationalization."] * 40)
    told = network.logits(text, [(0, len(text))], starts(text))
    assert told.keys() == starts(text)
    people = [text[start : start + 5] for start in sorted(told) if told[start].argmax() == 1]
    assert people.count("Aisha") == people.count("Brand") == 40


def test_windows_of_unlike_length_share_a_run(network):
    """Padding and what another window asks change nothing."""
    windows = [(0, 25), (26, 64), (65, len(TEXT))]
    together = network.logits(TEXT, windows, starts(TEXT))
    for window in windows:
        for start, alone in network.logits(TEXT, [window], starts(TEXT)).items():
            np.testing.assert_allclose(together[start], alone, atol=0.5)
