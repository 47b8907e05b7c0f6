"""From `target_precision` to thresholds: what a stage accepts, what it hands on, and what it refuses at once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from extproc.intent.calibration import Trial

EVIDENCE_ROWS = 4.0
"""What is told against an intent by its own rows is drawn to what is told of all by the curvature of as many: six examples of
which three are taken for another intent's say more about this intent than about the others."""
LEARNS, MOST_GAIN = 80.0, 3.0
"""Log odds that a score of the last stage gains, divided by the square of the examples an intent has, and at most: the head that
is kept has learned from more than the ones that were tried, most of all where there are few. Measured with meshes of 2 to 6
examples an intent, on texts that others wrote."""
USUAL_GAIN, USUAL_ROWS = 2.85, 300.0
"""Log odds under those of `target_precision` where the threshold of the multilingual encoder usually lies, and as many examples
as that counts for: what a dozen held-out ones say of the surest that is wrong is chance."""
BLAMED, MOST_BLAMED = 0.7, 4
"""Log odds against an intent from which on it has a limit of its own, and no say in that of the others; and the most intents of
which that is so: where there are more weak spots, or many intents of which some are always weaker, one limit is for all."""
ENGLISH_TRUST = 0.75
"""Of that gain, what is left without the multilingual encoder: alone the English one errs more on what is put otherwise."""
SPOKEN_FOR = 30.0
"""Examples of an intent at which half of what is told for it counts; what is told against it counts whole."""
FEWEST_FOREIGN = 5
"""Examples in other languages from which on those have thresholds of their own."""
FEWEST_STRANGERS, STRANGERS, LEAST_ABROAD = 30, 0.04, 0.35
"""Where no example is in another language, no text in one scores as high as examples do. From so many texts in them on that
belong to no intent, the threshold is what this share of them reaches, and no lower than the last number."""
PROMISED_ROWS = 40.0
"""What the calibration promises counts for as many rows of what came true: the surest text that is wrong says little alone."""
SPARED, SPARING_ROWS, SPARING_EACH = 1.1, 300.0, 8.0
"""Of the errors that `target_precision` allows, what a threshold makes no use of: more of it by many examples than by few,
where the gain speaks, and less where each intent has many. People put things in more ways than examples do: with all of the
errors, five and ten examples for each of 150 intents (CLINC150) came to 0.92 and 0.93 where 0.95 was asked for."""
EVEN = 0.5
"""No threshold lies under an even chance."""
STEEPEST = 12.0
SHARES_OF_ERRORS = {"static": 0.1, "early": 0.25, "transformer": 0.4}
"""Of the errors that `target_precision` allows, a stage may make this share that the last one would not."""
MANY_INTENTS, OF_MANY = 100, {"static": 0.4, "early": 0.8}
"""From so many intents on, what is left of a share: the more there are, the more of them are told apart by more than words."""
REFUSED_IN_ERROR = {"static": 0.0015, "early": 0.0005, "transformer": 0.0005}
"""Share of the texts of all intents that a stage may refuse though the last one would be right about them."""
REFUSAL_PRIOR_ROWS = 100.0
"""The lowest of a few held-out scores says little about the lowest of many: it is drawn to zero by this many rows."""


def thresholds(
    trial: Trial, scores: NDArray[np.float64], intents: int, target: float, trust: float = 1.0
) -> NDArray[np.float64]:
    """For texts in English and in other languages, for every intent: the smallest score from which on `target` of what is
    accepted is right.

    One limit holds for all intents, of what each one's evidence makes of the score. A lower target has a lower limit.
    """
    foreign = trial.foreign
    apart = int((trial.in_scope & foreign).sum()) >= FEWEST_FOREIGN
    home = ~foreign if (trial.in_scope & ~foreign).any() else np.ones(len(scores), bool)
    gain = _gain(trial, intents, trust)
    usual = float(_log_odds(np.array(target))) - USUAL_GAIN if trust == 1 else None
    limits = _of_one_language(trial.only(home), scores[home], intents, target, gain, usual)
    if not apart:
        strangers = scores[foreign & trial.far]
        if usual is None or len(strangers) < FEWEST_STRANGERS:
            return np.stack([limits, limits])
        reached = max(float(np.quantile(strangers, 1 - STRANGERS)), LEAST_ABROAD)
        return np.stack([limits, np.minimum(limits, reached)])
    return np.stack([limits, _of_one_language(trial.only(foreign), scores[foreign], intents, target, gain, usual)])


def _gain(trial: Trial, intents: int, trust: float) -> float:
    return trust * min(LEARNS / max(float(trial.in_scope.sum()) / intents, 1.0) ** 2, MOST_GAIN)


def _of_one_language(
    trial: Trial, scores: NDArray[np.float64], intents: int, target: float, gain: float, usual: float | None
) -> NDArray[np.float64]:
    if not len(scores):
        return np.full(intents, target)
    height = _log_odds(scores) + gain
    own = evidence(trial, height, intents)
    told = _chance(height + own[trial.best])
    blamed = own < -BLAMED
    if blamed.sum() > MOST_BLAMED:
        blamed[:] = False
    of_blamed = blamed[trial.best]
    limits = np.full(intents, _limit_of(trial.only(~of_blamed), told[~of_blamed], intents, target))
    if blamed.any():
        limits[blamed] = np.maximum(limits[blamed], _limit_of(trial.only(of_blamed), told[of_blamed], intents, target))
    needed = _log_odds(limits) - gain
    if usual is not None:
        seen = float(trial.in_scope.sum())
        needed = (seen * needed + USUAL_ROWS * usual) / (seen + USUAL_ROWS)
    return np.maximum(_chance(needed - own), EVEN)


def _limit_of(trial: Trial, told: NDArray[np.float64], intents: int, target: float) -> float:
    """The smallest score from which on as much is right as is wanted."""
    if not len(told):
        return target
    order = np.argsort(-told, kind="stable")
    examples = float(trial.in_scope.sum())
    weight = trial.mass
    # as many rows as there are examples: the background is there in any case, and says nothing of how many there are
    weight = weight * examples / max(float(weight[trial.in_scope].sum()), 1e-9)
    mass, ranked = weight[order], told[order]
    promised = np.cumsum(mass * ranked) / np.maximum(np.cumsum(mass), 1e-9)
    precision = (np.cumsum(mass * trial.right[order]) + PROMISED_ROWS * promised) / (np.cumsum(mass) + PROMISED_ROWS)
    spared = SPARED * examples / (examples + SPARING_ROWS) / (1 + examples / intents / SPARING_EACH)
    good = np.flatnonzero(precision >= 1 - (1 - target) * (1 - spared))
    return max(float(ranked[good[-1]]), EVEN) if len(good) else max(target, float(ranked[0]))


def evidence(trial: Trial, height: NDArray[np.float64], intents: int) -> NDArray[np.float64]:
    """What is to be taken off a score's log odds for every intent: by Newton's method for a logistic curve with an offset for
    all, and one for each intent that is drawn to zero. By a few rows that the scores were made of an intent gains next to
    nothing, and what is told against all of them is no intent's own.
    """
    x = np.zeros((len(height), intents + 1))
    x[np.arange(len(height)), trial.best] = 1
    x[:, intents] = 1
    pull = np.full(intents + 1, EVIDENCE_ROWS * 0.25)
    weights = np.zeros(intents + 1)
    mass = trial.mass
    for _ in range(30):
        p = _chance(height + x @ weights)
        gradient = x.T @ (mass * (p - trial.right)) + pull * weights
        curvature = (x * (mass * np.maximum(p * (1 - p), 1e-6))[:, None]).T @ x + np.diag(pull)
        step = np.linalg.solve(curvature, gradient)
        weights -= step * min(1.0, 2 / (np.abs(step).max() + 1e-12))
        if np.abs(step).max() < 1e-6:
            break
    own = weights[:intents] - np.median(weights[:intents])
    each = float(trial.in_scope.sum()) / intents
    return np.asarray(np.minimum(own, own * each / (each + SPOKEN_FOR)), np.float64)


def _log_odds(chance: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(chance) - np.log1p(-chance)).clip(-STEEPEST, STEEPEST)


def _chance(log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-log_odds)), np.float64)


def ladder(
    trials: dict[str, Trial], scores: dict[str, NDArray[np.float64]], intents: int, target: float
) -> dict[str, NDArray[np.float64]]:
    """Stage -> from where on it need not ask the next one: nearly all that it gets wrong, the last one would too.

    All trials are of the same texts. A text that the last stage would refuse, or be right about, counts as an error of
    the stage before alone; one that it would give a wrong intent as well costs nothing. A stage is judged by the texts
    that are left to it; those in other languages are left to the last one, where that one knows them.
    """
    name = last_of(trials)
    last = trials[name]
    trust = 1.0 if name == "wide" else ENGLISH_TRUST
    rungs = {name: thresholds(last, scores[name], intents, target, trust)}
    forgiven = (scores[name] >= _limit(rungs[name], last)) & ~last.right
    left = ~last.foreign if name == "wide" else np.ones(len(last.right), bool)
    for stage, share in SHARES_OF_ERRORS.items():
        if stage in trials and stage != name:
            part = OF_MANY.get(stage, 1.0) if intents >= MANY_INTENTS else 1.0
            trial = replace(trials[stage], right=trials[stage].right | forgiven).only(left)
            rungs[stage] = thresholds(trial, scores[stage][left], intents, 1 - (1 - target) * share * part, 0.0)
            left &= scores[stage] < _limit(rungs[stage], trials[stage])
    return rungs


def last_of(trials: dict[str, Trial]) -> str:
    """The stage after which none is asked."""
    return next(reversed(trials))


def _limit(found: NDArray[np.float64], trial: Trial) -> NDArray[np.float64]:
    return np.asarray(found[trial.foreign.astype(int), trial.best])


def refusals(trials: dict[str, Trial], scores: dict[str, NDArray[np.float64]]) -> dict[str, float]:
    """Stage -> the score under which a text belongs to no intent: hardly one that the last stage is right about has less."""
    name = last_of(trials)
    last = trials[name]
    missed = last.in_scope & last.right
    if name == "wide":
        missed &= ~last.foreign
    limits = {}
    for stage in SHARES_OF_ERRORS:
        if stage in trials and stage != name:
            lost = np.sort(scores[stage][missed])
            allowed = int(REFUSED_IN_ERROR[stage] * last.in_scope.sum())
            lowest = float(lost[min(allowed, len(lost) - 1)]) if len(lost) else 0.0
            limits[stage] = lowest * len(lost) / (len(lost) + REFUSAL_PRIOR_ROWS)
    return limits
