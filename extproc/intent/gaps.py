"""What people ask for and no intent has: a sample of their texts, of those that reach no intent the ones that are alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from extproc.intent.material import embed_all, wide_views

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from extproc.intent.classifier import Classifier

MOST_TEXTS = 2000
"""Of a sample, evenly spaced; more say no more."""
ALIKE = 0.45
"""Cosine, once what all texts have in common is taken off, from which on two texts may ask for the same."""
FEWEST = 3
"""Texts that are a group."""
GROUPS, SHOWN = 10, 3


@dataclass(frozen=True, slots=True)
class Gap:
    """Texts that ask for something alike, and reach no intent."""

    count: int
    texts: tuple[str, ...]
    """The most typical ones."""
    near: str | None
    """The intent that most of them are nearest to: it may lack these as examples, or be too near."""


def gaps(classifier: Classifier, texts: Sequence[str]) -> list[Gap]:
    """The largest groups. What is empty, declined or too far from words to be read is left out."""
    cascade = classifier.cascade
    if cascade is None or not texts:
        return []
    sample = list(dict.fromkeys(texts))
    chosen = [sample[i] for i in np.linspace(0, len(sample) - 1, min(len(sample), MOST_TEXTS)).astype(int)]
    scores = [classifier.classify_now(text) for text in chosen]
    kept = [i for i, score in enumerate(scores) if score.intent is None and score.reason not in ("empty", "negated")]
    if len(kept) < FEWEST:
        return []
    encoder, wide = cascade.encoders
    budget = cascade.budget.transformer
    if wide is not None:
        vectors = embed_all(wide, [wide.tokenize(chosen[i], budget) for i in kept], print, wide_views)["wide"]
    else:
        vectors = embed_all(encoder, [encoder.tokenize(chosen[i], budget) for i in kept], print)["transformer"]
    groups = []
    centre = cascade.trained.stages[cascade.last].head.centre[: vectors.shape[1]]
    for members in _groups(vectors - centre):
        best = [scores[kept[i]].best for i in members]
        near = max(sorted({name for name in best if name}), key=best.count, default=None)
        groups.append(Gap(len(members), tuple(chosen[kept[i]] for i in members[:SHOWN]), near))
    return groups


def _groups(vectors: NDArray[np.float32]) -> list[list[int]]:
    """The largest first; in each the most typical member first. A text is in one group at most."""
    x = vectors / (np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-9)
    alike = x @ x.T >= ALIKE
    free = np.ones(len(x), bool)
    groups: list[list[int]] = []
    while len(groups) < GROUPS:
        counts = (alike & free[None, :]).sum(axis=1) * free
        seed = int(counts.argmax())
        if counts[seed] < FEWEST:
            return groups
        members = np.flatnonzero(alike[seed] & free)
        centre = x[members].mean(axis=0)
        groups.append([int(i) for i in members[np.argsort(-(x[members] @ centre), kind="stable")]])
        free[members] = False
    return groups
