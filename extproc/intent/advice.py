"""What to change in the examples: confused intents, contradictions, duplicates, outliers, and what more would bring."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from extproc.embedding.encoders import Encoders
from extproc.intent.head import Head, Lesson
from extproc.intent.material import embed_all, parts_of, wide_views
from extproc.intent.validation import FOLD_STEPS, FOLDS, REFUTED_BY

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from extproc.embedding.encoder import Encoder
    from extproc.intent.examples import Examples

SAME = 0.93
"""Cosine from which on two examples say the same thing."""
CLOSE = 0.8
"""Cosine from which on two examples of different intents contradict one another."""
MOST_PER_INTENT = 40
"""Examples of one intent that are looked at; of more, these many evenly spaced."""
FEW = 5
"""Examples of an intent: with fewer, more of them are advised."""
LISTED = 20
"""Entries of each list of the report."""
FARTHEST = 0.1
"""Share of the examples that lie far from their own intent."""


@dataclass(frozen=True, slots=True)
class Place:
    """An example, by where it stands."""

    intent: str
    example: str


@dataclass(frozen=True, slots=True)
class Pair:
    """Two examples and how alike they are."""

    first: Place
    second: Place
    cosine: float


@dataclass(frozen=True, slots=True)
class Confusion:
    """Held-out examples of one intent that were taken for another."""

    intent: str
    taken_for: str
    count: int
    of: int


@dataclass(frozen=True, slots=True)
class Cost:
    """What an intent loses by another one: held-out examples that would be its own, were that one not there."""

    intent: str
    culprit: str
    share: float
    """Of the intent's held-out examples."""


@dataclass(frozen=True, slots=True)
class Mislabelled:
    """An example that is another intent's, by far, to a head that has not seen it."""

    intent: str
    example: str
    taken_for: str


@dataclass(frozen=True, slots=True)
class Advice:
    """Everything that is worth a look, worst first."""

    accuracy: float | None
    """Of held-out examples, by the transformer stage."""
    accuracy_with_half: float | None
    """The same, learned from half of the examples."""
    accuracy_with_double: float | None
    """The estimate for twice as many: the error falls by a power of their number."""
    mislabelled: tuple[Mislabelled, ...]
    """Surest first. Where the static stage agrees, the classifier does not learn from them."""
    confused: tuple[Confusion, ...]
    costs: tuple[Cost, ...]
    """The dearest first."""
    contradictions: tuple[Pair, ...]
    duplicates: tuple[Pair, ...]
    outliers: tuple[Place, ...]
    """Far from the rest of their intent, and taken for another when held out."""
    few: tuple[str, ...]
    """Intents with fewer than five examples."""


def advise(
    encoders: Encoder | Encoders, examples: Examples, budget: int, report: Callable[[str], None] = lambda _: None
) -> Advice:
    """Look at the examples as the transformer stage sees them. Minutes for tens of thousands, moments for hundreds."""
    chosen = np.concatenate(
        [_evenly(np.flatnonzero(examples.labels == i), MOST_PER_INTENT) for i in range(len(examples.intents))]
    )
    labels = examples.labels[chosen]
    places = [Place(examples.intents[examples.labels[i]], examples.texts[i]) for i in chosen]
    encoder, wide = encoders = encoders if isinstance(encoders, Encoders) else Encoders(encoders)
    threadpool_limits(limits=1, user_api="blas")
    vectors, background = (
        embed_all(encoder, [encoder.tokenize(text, budget) for text in texts], report)["transformer"]
        for texts in ([examples.texts[i] for i in chosen], examples.background)
    )
    alike_in = vectors[:, : vectors.shape[1] // parts_of(Encoders(encoder))["transformer"]]
    if wide is not None:
        more = embed_all(wide, [wide.tokenize(examples.texts[i], budget) for i in chosen], report, wide_views)["wide"]
        beside = embed_all(wide, [wide.tokenize(text, budget) for text in examples.background], report, wide_views)
        vectors = np.concatenate([vectors, more], axis=1)
        background = np.concatenate([background, beside["wide"]], axis=1)
    cosines = _cosines(alike_in)
    words = np.array([" ".join(re.findall(r"\w+", place.example.casefold())) for place in places])
    alike = words[:, None] == words[None, :]
    np.fill_diagonal(alike, val=False)
    cosines[alike] = 1.0  # they differ in case and punctuation only
    taken, odds, second = _held_out(vectors, labels, background, 1.0)
    half, _, _ = _held_out(vectors, labels, background, 0.5)
    seen = taken >= 0
    accuracy, with_half = _accuracy(taken, labels), _accuracy(half, labels)
    return Advice(
        accuracy=accuracy,
        accuracy_with_half=with_half,
        accuracy_with_double=_double(accuracy, with_half),
        mislabelled=_mislabelled(taken, odds, places, examples),
        confused=_confused(taken, labels, examples),
        costs=_costs(taken, second, labels, examples),
        contradictions=_pairs(cosines, labels[:, None] != labels[None, :], CLOSE, places),
        duplicates=_pairs(cosines, labels[:, None] == labels[None, :], SAME, places),
        outliers=_outliers(cosines, labels, seen & (taken != labels), places),
        few=tuple(name for i, name in enumerate(examples.intents) if int((examples.labels == i).sum()) < FEW),
    )


def _evenly(index: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    if len(index) <= most:
        return index
    return index[np.linspace(0, len(index) - 1, most).astype(np.int64)]


def _cosines(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Between all examples; of an example to itself -1. Not centred: few intents have no centre to speak of."""
    x = vectors / (np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-9)
    cosines = np.asarray(x @ x.T, np.float32)
    np.fill_diagonal(cosines, -1)
    return cosines


def _held_out(
    vectors: NDArray[np.float32], labels: NDArray[np.int64], background: NDArray[np.float32], share: float
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.int64]]:
    """For every example the intent that a head gives it that has not seen it, its log odds over the example's own, and the intent
    that it would be given otherwise.

    -1 and zero where an intent has no other example.
    """
    taken = np.full(len(labels), -1)
    odds = np.zeros(len(labels), np.float32)
    second = np.full(len(labels), -1)
    place = np.zeros(len(labels), np.int64)
    counts = np.zeros(int(labels.max()) + 1, np.int64)
    for i, label in enumerate(labels):
        place[i] = counts[label]
        counts[label] += 1
    turns = np.minimum(counts[labels], FOLDS)
    for fold in range(FOLDS):
        held = (place % turns == fold) & (counts[labels] > 1)
        learn = ~held
        if share < 1:  # every other one, but of each intent at least one
            rank = np.zeros(len(labels), np.int64)
            for intent in np.unique(labels):
                mine = np.flatnonzero(learn & (labels == intent))
                rank[mine] = np.arange(len(mine))
            learn &= rank % 2 == 0
        lesson = Lesson(vectors[learn], labels[learn], np.ones(int(learn.sum()), bool), background, parts=1)
        head = Head.fit(lesson, FOLD_STEPS)
        for tested in np.flatnonzero(held):
            reading = head.read(vectors[tested])
            taken[tested], second[tested] = reading.best, reading.runner_up
            odds[tested] = reading.logits[reading.best] - reading.logits[labels[tested]]
    return taken, odds, second


def _accuracy(taken: NDArray[np.int64], labels: NDArray[np.int64]) -> float | None:
    seen = taken >= 0
    return round(float((taken[seen] == labels[seen]).mean()), 4) if seen.any() else None


def _double(accuracy: float | None, with_half: float | None) -> float | None:
    if accuracy is None or with_half is None:
        return None
    error, before = 1 - accuracy, 1 - with_half
    ratio = min(error / before, 1.0) if before > 0 else 1.0
    return round(1 - error * ratio, 4)


def _mislabelled(
    taken: NDArray[np.int64], odds: NDArray[np.float32], places: list[Place], examples: Examples
) -> tuple[Mislabelled, ...]:
    suspects = np.flatnonzero(odds > REFUTED_BY)
    return tuple(
        Mislabelled(places[i].intent, places[i].example, examples.intents[taken[i]])
        for i in suspects[np.argsort(-odds[suspects], kind="stable")][:LISTED]
    )


def _confused(taken: NDArray[np.int64], labels: NDArray[np.int64], examples: Examples) -> tuple[Confusion, ...]:
    wrong = Counter((int(a), int(b)) for a, b in zip(labels, taken, strict=True) if b >= 0 and a != b)
    total = Counter(int(label) for label, b in zip(labels, taken, strict=True) if b >= 0)
    return tuple(
        Confusion(examples.intents[a], examples.intents[b], count, total[a])
        for (a, b), count in sorted(wrong.items(), key=lambda item: (-item[1], item[0]))[:LISTED]
    )


def _costs(
    taken: NDArray[np.int64], second: NDArray[np.int64], labels: NDArray[np.int64], examples: Examples
) -> tuple[Cost, ...]:
    lost = Counter(
        (int(own), int(culprit))
        for own, culprit, other in zip(labels, taken, second, strict=True)
        if culprit >= 0 and culprit != own and other == own
    )
    total = Counter(int(label) for label, culprit in zip(labels, taken, strict=True) if culprit >= 0)
    costs = [Cost(examples.intents[a], examples.intents[b], round(n / total[a], 2)) for (a, b), n in lost.items()]
    return tuple(sorted(costs, key=lambda cost: (-cost.share, cost.intent, cost.culprit))[:LISTED])


def _pairs(
    cosines: NDArray[np.float32], wanted: NDArray[np.bool_], least: float, places: list[Place]
) -> tuple[Pair, ...]:
    rows, columns = np.nonzero(np.triu(wanted & (cosines >= least)))
    order = np.argsort(-cosines[rows, columns], kind="stable")[:LISTED]
    pairs = []
    for i in order:
        first, second = sorted((places[rows[i]], places[columns[i]]), key=_brief)
        pairs.append(Pair(first, second, round(float(cosines[rows[i], columns[i]]), 3)))
    return tuple(pairs)


def _brief(place: Place) -> tuple[int, str]:
    return len(place.example), place.example


def _outliers(
    cosines: NDArray[np.float32], labels: NDArray[np.int64], wrong: NDArray[np.bool_], places: list[Place]
) -> tuple[Place, ...]:
    """Wrong when held out, and farther from their own intent than nine in ten examples are."""
    own = np.where(labels[:, None] == labels[None, :], cosines, -1).max(axis=1)
    alone = own <= -1
    limit = float(np.quantile(own[~alone], FARTHEST)) if (~alone).any() else -1.0
    outliers = np.flatnonzero(wrong & ~alone & (own <= limit))
    return tuple(places[i] for i in outliers[np.argsort(own[outliers], kind="stable")][:LISTED])
