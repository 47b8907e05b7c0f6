"""The examples that a text is closest to, for people: they are embedded when somebody asks, and kept nowhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from extproc.intent.score import Neighbour, Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from extproc.intent.examples import Examples
    from extproc.intent.head import Head, Reading
    from extproc.intent.material import Material

LIKELIEST = 3
"""Intents of a stage whose examples are looked at."""
MOST = 50
"""Examples of one intent that are looked at; of more, these many evenly spaced."""
SHOWN = 3


@dataclass(frozen=True, slots=True)
class Sight:
    """What a stage saw of a text."""

    stage: Stage
    head: Head
    vector: NDArray[np.float32]
    reading: Reading


def neighbours(
    sights: Sequence[Sight], examples: Examples, material: Callable[[Sequence[str]], Material]
) -> Mapping[Stage, tuple[Neighbour, ...]]:
    """For each stage the nearest examples among those of the intents that are the likeliest to it."""
    likely = {sight.stage: np.argsort(-sight.reading.logits[:-1], kind="stable")[:LIKELIEST] for sight in sights}
    members = {int(i): _members(examples, int(i)) for i in np.unique(np.concatenate(list(likely.values())))}
    chosen = np.concatenate(list(members.values()))
    vectors = material([examples.texts[i] for i in chosen]).vectors
    by_stage: dict[Stage, tuple[Neighbour, ...]] = {}
    for sight in sights:
        seen = np.flatnonzero(np.isin(examples.labels[chosen], likely[sight.stage]))
        cosines = sight.head.cosines(sight.vector, vectors[sight.stage][seen])
        order = np.argsort(-cosines, kind="stable")[:SHOWN]
        by_stage[sight.stage] = tuple(
            Neighbour(
                examples.intents[examples.labels[chosen[seen[i]]]], examples.texts[chosen[seen[i]]], float(cosines[i])
            )
            for i in order
        )
    return by_stage


def _members(examples: Examples, intent: int) -> NDArray[np.int64]:
    mine = np.flatnonzero(examples.labels == intent)
    return mine[np.linspace(0, len(mine) - 1, min(len(mine), MOST)).astype(np.int64)]
