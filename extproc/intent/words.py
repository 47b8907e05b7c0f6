"""Which words the examples have: of all intents, and of each one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


class Words:
    """Tokens of examples. A text of other words than its best intent's examples have may belong to a neighbour of it."""

    def __init__(self, weights: NDArray[np.float32], places: NDArray[np.int32], own: NDArray[np.bool_]) -> None:
        self.weights = weights
        """Token -> what it weighs, as in the static table."""
        self.places = places
        """Token -> its column in `own`; 0 for one that stands in no example."""
        self.own = own
        """(intent, column): the token stands in an example of the intent."""
        # a text has a dozen tokens: to look them up one by one costs less than any array does
        self._weights, self._places = weights.data, places.data
        self._own = [row.data for row in own]

    @classmethod
    def of(cls, weights: NDArray[np.float32], ids: Sequence[Sequence[int]], labels: NDArray[np.int64]) -> Words:
        """Of labelled texts."""
        known = np.unique(np.concatenate([np.asarray(row, np.int64) for row in ids]))
        places = np.zeros(len(weights), np.int32)
        places[known] = np.arange(1, len(known) + 1)
        own = np.zeros((int(labels.max()) + 1, len(known) + 1), bool)
        for row, label in zip(ids, labels, strict=True):
            own[label, places[row]] = True
        own[:, 0] = False
        return cls(weights, places, own)

    def shares(self, ids: Sequence[int], intent: int) -> tuple[float, float]:
        """Of a text, by weight: what stands in any example, and what stands in one of the intent."""
        weights, places, mine = self._weights, self._places, self._own[intent]
        total, known, own = 1e-9, 0.0, 0.0
        for token in ids:
            weight, place = weights[token], places[token]
            total += weight
            if place:
                known += weight
                if mine[place]:
                    own += weight
        return known / total, own / total
