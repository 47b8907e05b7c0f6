"""Thresholds for languages that no example is in."""

import numpy as np
import pytest

from extproc.intent.calibration import Trial
from extproc.intent.thresholds import LEAST_ABROAD, thresholds


def trial(inside, strangers):
    """English texts of two intents, and as many in other languages that belong to none."""
    count = inside + strangers
    in_scope = np.arange(count) < inside
    best = np.arange(count) % 2
    label = np.where(in_scope, best, -1)
    return Trial(np.zeros((count, 1), np.float32), best, in_scope, in_scope, ~in_scope, label, ~in_scope)


@pytest.mark.parametrize("height", [0.1, 0.3, 0.4])
def test_by_those_that_belong_to_no_intent(height):
    """What hardly one of them reaches is enough, but for a least score."""
    scores = np.r_[np.full(20, 0.9), np.linspace(0, height, 60)]
    home, abroad = thresholds(trial(20, 60), scores, 2, 0.95)
    assert (home >= 0.5).all()
    assert (np.abs(abroad - max(height * 0.96, LEAST_ABROAD)) < 0.02).all()


@pytest.mark.parametrize(("strangers", "trust"), [(10, 1.0), (60, 0.75), (60, 0.0)])
def test_without_enough_of_them(strangers, trust):
    """Or without the encoder that knows their languages, the thresholds of English hold."""
    scores = np.r_[np.full(20, 0.9), np.linspace(0, 0.3, strangers)]
    home, abroad = thresholds(trial(20, strangers), scores, 2, 0.95, trust)
    assert (home == abroad).all()
