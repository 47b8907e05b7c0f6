"""What is to be expected of each intent, by its examples alone."""

import numpy as np
import pytest

from extproc.cli.tune import _expected_line
from extproc.embedding.encoders import Encoders
from extproc.embedding.places import cache_folder
from extproc.intent.calibration import Trial
from extproc.intent.examples import Examples
from extproc.intent.expectation import _halved, _power, _Rehearsed, expectations
from extproc.intent.material import Budget
from extproc.intent.table import table_of

LOGIN = ["reset my password now", "my password is wrong", "unlock my login", "I cannot sign in with my password"]
PASSWORD = ["reset my password", "my password is wrong again", "I forgot my password", "change my password please"]
SONG = ["play a song", "what song is this", "skip to the next song", "turn the music up", "stop the music"]


@pytest.fixture(scope="module")
def found(encoder):
    """Of two intents that say the same, and one that does not."""
    examples = Examples.of_texts({"login": LOGIN, "password": PASSWORD, "song": SONG, "lamp": ["lights on"]})
    told = expectations(Encoders(encoder), table_of(encoder, cache_folder(), print), examples, Budget(), 0.95)
    return {one.intent: one for one in told if one.language == "all"}


def test_an_overlap_shows(found):
    """In what reaches either of the two, with the other one's name; the third one is well off."""
    assert found["song"].coverage > max(found["login"].coverage, found["password"].coverage)
    assert {found["login"].culprit, found["password"].culprit} & {"login", "password"}
    assert found["song"].examples == 4


def test_what_cannot_be_tried_is_left_out(found):
    """An intent with one example."""
    assert "lamp" not in found


def test_more_never_costs(found):
    """And never is more than all."""
    assert all(one.coverage <= one.with_more <= 1 for one in found.values())


def test_a_line_for_people(found):
    """Names the intent, both shares, the culprit."""
    line = _expected_line(found["login"])
    assert line.startswith("expected     login: ")
    assert found["login"].culprit is None or f"{found['login'].culprit} takes" in line


def rehearsed(right, of):
    """So many of so many examples right and accepted."""
    yes = np.arange(of) < right
    zeros = np.zeros(of, int)
    trial = Trial(
        np.zeros((of, 1), np.float32), zeros, yes, np.ones(of, bool), np.zeros(of, bool), zeros, np.zeros(of, bool)
    )
    return _Rehearsed(trial, np.ones(of), yes)


@pytest.mark.parametrize(
    ("full", "half", "least", "most"), [((90, 100), (40, 50), 0.7, 1.0), ((80, 100), (40, 50), 0, 0.1)]
)
def test_what_half_of_them_says(full, half, least, most):
    """Half of what is missed with twice as many: a power of one; the same share: none. A little is drawn to what is usual."""
    assert least <= _power(rehearsed(*full), rehearsed(*half)) <= most


def test_few_examples_are_not_halved():
    """Half of three says nothing."""
    assert _halved(Examples.of_texts({"a": ["one", "two", "three"], "b": ["four", "five"]})) is None
    half = _halved(Examples.of_texts({"login": LOGIN, "song": SONG}))
    assert np.bincount(half.labels).tolist() == [2, 3]
