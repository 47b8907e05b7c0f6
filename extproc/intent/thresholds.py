"""From `target_precision` to thresholds: what a stage accepts, what it hands on, and what it refuses at once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from extproc.intent.calibration import Trial

INTENT_PRIOR_ROWS = 30.0
"""The precision of one intent is drawn towards that of all of them by as much as this many rows."""
SHARES_OF_ERRORS = {"static": 0.1, "early": 0.25}
"""Of the errors that `target_precision` allows, a stage may make this share that the whole transformer would not."""
REFUSED_IN_ERROR = {"static": 0.001, "early": 0.0005}
"""Share of the texts of all intents that a stage may refuse though the last one would be right about them."""
REFUSAL_PRIOR_ROWS = 100.0
"""The lowest of a few held-out scores says little about the lowest of many: it is drawn to zero by this many rows."""


def thresholds(trial: Trial, scores: NDArray[np.float64], intents: int, target: float) -> NDArray[np.float64]:
    """For every intent the smallest score from which on `target` of what is accepted is right.

    An intent has few rows, so its precision is drawn towards that of all intents at the same score.
    """
    if not len(scores):
        return np.full(intents, target)
    mass = trial.mass
    order = np.argsort(-scores, kind="stable")
    right_mass = np.cumsum((mass * trial.right)[order])
    all_mass = np.cumsum(mass[order])
    overall = right_mass / all_mass
    ranked = scores[order]
    found = np.full(intents, _smallest(ranked, overall, target))
    for intent in range(intents):
        mine = trial.best[order] == intent
        if not mine.any():
            continue
        own_right, own_all = np.cumsum((mass * trial.right)[order][mine]), np.cumsum(mass[order][mine])
        drawn = (own_right + INTENT_PRIOR_ROWS * overall[mine]) / (own_all + INTENT_PRIOR_ROWS)
        found[intent] = _smallest(ranked[mine], drawn, target, otherwise=found[intent])
    return found


def _smallest(
    ranked: NDArray[np.float64], precision: NDArray[np.float64], target: float, otherwise: float | None = None
) -> float:
    """The last score, from the top, at which the precision is still on target; never under an even chance."""
    good = np.flatnonzero(precision >= target)
    if not len(good):
        return max(target, float(ranked[0])) if otherwise is None else otherwise
    return max(float(ranked[good[-1]]), 0.5)


def ladder(
    trials: dict[str, Trial], scores: dict[str, NDArray[np.float64]], intents: int, target: float
) -> dict[str, NDArray[np.float64]]:
    """Stage -> from where on it need not ask the next one: nearly all that it gets wrong, the last one would too.

    All trials are of the same texts. A text that the last stage would refuse, or be right about, counts as an error of
    the stage before alone; one that it would give a wrong intent as well costs nothing. A stage is judged by the texts
    that are left to it.
    """
    last = trials["transformer"]
    found = {"transformer": thresholds(last, scores["transformer"], intents, target)}
    forgiven = (scores["transformer"] >= found["transformer"][last.best]) & ~last.right
    left = np.ones(len(last.right), bool)
    for stage, share in SHARES_OF_ERRORS.items():
        if stage in trials:
            trial = replace(trials[stage], right=trials[stage].right | forgiven).only(left)
            found[stage] = thresholds(trial, scores[stage][left], intents, 1 - (1 - target) * share)
            left &= scores[stage] < found[stage][trials[stage].best]
    return found


def refusals(trials: dict[str, Trial], scores: dict[str, NDArray[np.float64]]) -> dict[str, float]:
    """Stage -> the score under which a text belongs to no intent: hardly one that the last stage is right about has less."""
    last = trials["transformer"]
    missed = last.in_scope & last.right
    found = {}
    for stage in SHARES_OF_ERRORS:
        if stage in trials:
            lost = np.sort(scores[stage][missed])
            allowed = int(REFUSED_IN_ERROR[stage] * last.in_scope.sum())
            lowest = float(lost[min(allowed, len(lost) - 1)]) if len(lost) else 0.0
            found[stage] = lowest * len(lost) / (len(lost) + REFUSAL_PRIOR_ROWS)
    return found
