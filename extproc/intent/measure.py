"""How good a cascade is on labelled rows: the figures of `intentmesh eval intents`, and of the floors and benches."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from extproc.intent.reporting import last_score

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from extproc.intent.cascade import Cascade
    from extproc.intent.score import IntentScore

BINS = 15
"""Of the reliability curve."""
EVEN = 0.5
"""Score from which on a text more likely belongs to an intent than to none: what is abstained from above it is the band."""


@dataclass(frozen=True, slots=True)
class Row:
    """A labelled text; `intent` None: it belongs to none."""

    text: str
    intent: str | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """One row, decided."""

    row: Row
    score: IntentScore
    """The cascade's."""
    transformer: IntentScore
    """What its last layer would have said, had it been asked."""
    asked: bool
    """The transformer was run, as the static stage was not sure."""
    cascade_us: float
    transformer_us: float

    @property
    def right(self) -> bool:
        """The most likely intent is the row's own."""
        return self.score.best == self.row.intent


@dataclass(frozen=True, slots=True)
class Bin:
    """Scores of like height: what they promise, and what came true."""

    promised: float
    kept: float
    count: int


def measure(cascade: Cascade, rows: Iterable[Row]) -> list[Outcome]:
    """Decide every row as the cascade would, one text at a time, then every row once more by the transformer alone.

    Two passes, so that neither finds its caches filled by the other.
    """
    decided = []
    for row in rows:
        start = perf_counter()
        view = cascade.look(row.text)
        score = view.score if view.decided else cascade.transform([view])[0]
        decided.append((row, score, view, (perf_counter() - start) * 1e6))
    outcomes = []
    for row, score, view, cascade_us in decided:
        start = perf_counter()
        cascade.alone(row.text)
        transformer_us = (perf_counter() - start) * 1e6
        outcomes.append(Outcome(row, score, last_score(cascade, view), not view.decided, cascade_us, transformer_us))
    return outcomes


def figures(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Everything that is worth a number. Shares and probabilities are of 1; None where there is nothing to count."""
    inside = [outcome for outcome in outcomes if outcome.row.intent is not None]
    outside = [outcome for outcome in outcomes if outcome.row.intent is None]
    accepted = [outcome for outcome in outcomes if outcome.score.intent is not None]
    asked = [outcome for outcome in inside if outcome.asked]
    scores = np.array([outcome.score.score for outcome in outcomes])
    right = np.array([outcome.right for outcome in outcomes], bool)
    thresholds = [outcome.score.threshold for outcome in outcomes if outcome.asked] or [1.0]
    band = [outcome for outcome in outcomes if outcome.score.intent is None and outcome.score.score >= EVEN]
    return {
        "rows": {"in_scope": len(inside), "out_of_scope": len(outside)},
        "accuracy": _share(inside, lambda o: o.right),
        "accuracy_transformer_alone": _share(inside, lambda o: o.transformer.best == o.row.intent),
        "macro_f1": macro_f1(inside),
        "out_of_scope_auroc": auroc([o.score.score for o in inside], [o.score.score for o in outside]),
        "out_of_scope_auroc_transformer_alone": auroc(
            [o.transformer.score for o in inside], [o.transformer.score for o in outside]
        ),
        "coverage": _share(inside, lambda o: o.score.intent is not None),
        "precision_of_accepted": _share(accepted, lambda o: o.right),
        "precision_of_accepted_in_scope": _share([o for o in accepted if o.row.intent is not None], lambda o: o.right),
        "out_of_scope_accepted": _share(outside, lambda o: o.score.intent is not None),
        "stages": {
            name: _share(inside, lambda o, stage=name: o.score.stage == stage)  # type: ignore[misc]
            for name in ("static", "transformer", "abstain")
        },
        "transformer_share": _round(len(asked) / len(inside)) if inside else None,
        "transformer_share_out_of_scope": _share(outside, lambda o: o.asked),
        "halfway_share": _share(inside, lambda o: o.score.reason == "early"),
        "expected_calibration_error": _round(calibration_error(scores, right)),
        "abstain_band": {
            "from": EVEN,
            "to": _round(float(np.median(thresholds))),
            "in_scope": _round(sum(o.row.intent is not None for o in band) / max(len(inside), 1)),
            "out_of_scope": _round(sum(o.row.intent is None for o in band) / max(len(outside), 1)),
        },
        "microseconds": {
            "cascade": _timing([o.cascade_us for o in outcomes]),
            "transformer_alone": _timing([o.transformer_us for o in outcomes]),
            "static_stage": _timing([o.cascade_us for o in outcomes if o.score.stage == "static"]),
            "ratio_of_means": _ratio(outcomes),
            "ratio_of_means_in_scope": _ratio(inside),
        },
    }


def auroc(inside: Sequence[float], outside: Sequence[float]) -> float | None:
    """Probability that a text of an intent scores higher than one of none; ties count half."""
    if not len(inside) or not len(outside):
        return None
    together = np.concatenate([inside, outside])
    _, place, counts = np.unique(together, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks = ((2 * last - counts + 1) / 2)[place]
    count = len(inside)
    return _round(float((ranks[:count].sum() - count * (count + 1) / 2) / (count * len(outside))))


def macro_f1(inside: Sequence[Outcome]) -> float | None:
    """Mean over the intents in the rows of F1 by the most likely intent."""
    intents = {o.row.intent for o in inside}
    if not intents:
        return None
    scores = []
    for intent in intents:
        predicted = [o for o in inside if o.score.best == intent]
        gold = [o for o in inside if o.row.intent == intent]
        hits = sum(o.right for o in predicted)
        scores.append(2 * hits / (len(predicted) + len(gold)))
    return _round(float(np.mean(scores)))


def reliability(scores: NDArray[np.float64], right: NDArray[np.bool_]) -> list[Bin]:
    """Bins of equal width; empty ones are left out."""
    place = np.minimum((scores * BINS).astype(int), BINS - 1)
    return [
        Bin(float(scores[place == i].mean()), float(right[place == i].mean()), int((place == i).sum()))
        for i in range(BINS)
        if (place == i).any()
    ]


def calibration_error(scores: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """Expected calibration error: how far promises are from what came true, weighted by how many there are."""
    bins = reliability(scores, right)
    return sum(abs(part.promised - part.kept) * part.count for part in bins) / max(len(scores), 1)


def _share(outcomes: Sequence[Outcome], of: Callable[[Outcome], bool]) -> float | None:
    return _round(sum(map(of, outcomes)) / len(outcomes)) if outcomes else None


def _timing(values: Sequence[float]) -> dict[str, float]:
    if not values:
        return {}
    return {
        "mean": round(float(np.mean(values)), 1),
        **{f"p{q}": round(float(np.percentile(values, q)), 1) for q in (50, 95, 99)},
    }


def _ratio(outcomes: Sequence[Outcome]) -> float | None:
    if not outcomes:
        return None
    return _round(sum(o.cascade_us for o in outcomes) / sum(o.transformer_us for o in outcomes))


def _round(value: float) -> float:
    return round(value, 4)
