"""What is to be expected of a mesh, by its examples alone: how much of what means an intent reaches it, and how much of what is
given one is right.

Each example is judged by what has not learned from it, and counts as one text that somebody sends. A second rehearsal with half
of the examples tells what more of them are worth: what is missed falls by a power of their number.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import log
from typing import TYPE_CHECKING, Final

import numpy as np

from extproc.intent import training

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from extproc.embedding.encoders import Encoders
    from extproc.intent.calibration import Trial
    from extproc.intent.examples import Examples
    from extproc.intent.material import Budget
    from extproc.intent.table import StaticTable

MORE: Final = 3
"""Examples whose worth is told."""
FEWEST_HALVED: Final = 4
"""Examples of an intent from which on half of them say what more would."""
STEEPEST, FLATTEST, USUAL, USUAL_ROWS = 1.0, 0.0, 0.35, 20.0
"""The power: its limits, and what it usually is, which counts for so many examples."""
FEWEST: Final = 3
"""Held-out examples in other languages from which on these are told apart."""
PROMISED: Final = 4.0
"""What the scores promise of an intent's precision counts for so many texts."""


@dataclass(frozen=True, slots=True)
class Expected:
    """Of one intent, in all languages, in English or in others."""

    intent: str
    language: str
    """`all`, `en` or `other`."""
    examples: int
    """That could be held out."""
    coverage: float
    """Of texts that mean it, those that reach it."""
    precision: float | None
    """Of texts that it is given to, those that mean it, one in five of all being of none; None: it is given to none."""
    with_more: float | None = None
    """Coverage with three examples more, for all languages."""
    culprit: str | None = None
    """The intent that takes most of what does not reach it."""
    taken: float = 0.0
    """Share of this one's that the culprit takes."""


def expectations(
    encoders: Encoders,
    table: StaticTable,
    examples: Examples,
    budget: Budget,
    target: float,
    report: Callable[[str], None] = lambda _: None,
) -> list[Expected]:
    """Of every intent with two examples or more."""
    seen = _Rehearsed.of(encoders, table, examples, budget, target, report)
    half = _halved(examples)
    power = USUAL
    if half is not None:
        power = _power(seen, _Rehearsed.of(encoders, table, half, budget, target, report))
    counts = np.bincount(examples.labels, minlength=len(examples.intents))
    expected = []
    for i, name in enumerate(examples.intents):
        every = seen.of_intent(i, np.ones(len(seen.trial.label), bool))
        if every is None or counts[i] < 2:  # one example is learned from, and cannot be held out
            continue
        count, coverage, precision = every
        more = 1 - (1 - coverage) * (count / (count + MORE)) ** power
        culprit, taken = seen.culprit(i)
        name_of = examples.intents[culprit] if culprit is not None else None
        expected.append(Expected(name, "all", count, coverage, precision, round(more, 3), name_of, taken))
        apart = [(language, seen.of_intent(i, rows)) for language, rows in seen.languages()]
        known_languages = [(language, one) for language, one in apart if one is not None and one[0] >= FEWEST]
        if len(known_languages) > 1:
            expected += [Expected(name, language, *one) for language, one in known_languages]
    return expected


@dataclass(frozen=True, slots=True)
class _Rehearsed:
    """Held-out texts, and what becomes of them."""

    trial: Trial
    promised: NDArray[np.float64]
    """That the best intent is right."""
    accepted: NDArray[np.bool_]

    @classmethod
    def of(
        cls,
        encoders: Encoders,
        table: StaticTable,
        examples: Examples,
        budget: Budget,
        target: float,
        report: Callable[[str], None],
    ) -> _Rehearsed:
        trained, (trial, scores) = training.train(encoders, table, examples, budget, target, report)
        last = next(reversed(trained.stages.values()))
        limits = last.thresholds[trial.foreign.astype(int), trial.best]
        return cls(trial, scores, scores >= limits)

    def languages(self) -> tuple[tuple[str, NDArray[np.bool_]], ...]:
        """English, and all others."""
        return ("en", ~self.trial.foreign), ("other", self.trial.foreign)

    def of_intent(self, intent: int, rows: NDArray[np.bool_]) -> tuple[int, float, float | None] | None:
        """How many examples were tried, coverage, precision. None: none was."""
        trial = self.trial
        mine = rows & trial.in_scope & (trial.label == intent)
        if not mine.any():
            return None
        covered = float((self.accepted & trial.right)[mine].mean())
        given = rows & self.accepted & (trial.best == intent)
        mass = trial.mass[given]
        if not given.any():
            return int(mine.sum()), round(covered, 3), None
        mass = mass * given.sum() / mass.sum()
        right = float((mass * trial.right[given]).sum()) + PROMISED * float(
            np.average(self.promised[given], weights=mass)
        )
        return int(mine.sum()), round(covered, 3), round(right / (float(mass.sum()) + PROMISED), 3)

    def culprit(self, intent: int) -> tuple[int | None, float]:
        """The intent that takes the most of another one's texts, and how many of them."""
        trial = self.trial
        mine = trial.in_scope & (trial.label == intent)
        lost = trial.best[mine & ~trial.right]
        if not len(lost):
            return None, 0.0
        counts = np.bincount(lost)
        return int(counts.argmax()), round(float(counts.max() / mine.sum()), 3)

    def missed(self) -> float:
        """Share of all examples that do not reach their intent."""
        trial = self.trial
        return 1 - float((self.accepted & trial.right)[trial.in_scope].mean()) if trial.in_scope.any() else 0.0


def _halved(examples: Examples) -> Examples | None:
    """Every other example of each intent. None: too few have enough of them."""
    counts = np.bincount(examples.labels, minlength=len(examples.intents))
    if np.median(counts) < FEWEST_HALVED:
        return None
    kept: list[int] = []
    for i in range(len(examples.intents)):
        kept += np.flatnonzero(examples.labels == i)[::2].tolist()
    return replace(examples, texts=tuple(examples.texts[i] for i in kept), labels=examples.labels[kept])


def _power(seen: _Rehearsed, half: _Rehearsed) -> float:
    """By which what is missed falls with the number of examples; from few of them, about what it usually is."""
    rows, before = float(seen.trial.in_scope.sum()), float(half.trial.in_scope.sum())
    missed, missed_before = seen.missed(), half.missed()
    if missed <= 0 or missed_before <= 0 or rows <= before:
        return USUAL
    own = min(max(log(missed_before / missed) / log(rows / before), FLATTEST), STEEPEST)
    return (rows * own + USUAL_ROWS * USUAL) / (rows + USUAL_ROWS)
