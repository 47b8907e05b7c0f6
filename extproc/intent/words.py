"""Which words the examples have: of all intents, and of each one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Words:
    """Tokens of examples. A text of other words than its best intent's examples have may belong to a neighbour of it."""

    weights: NDArray[np.float32]
    """Token -> what it weighs, as in the static table."""
    places: NDArray[np.int32]
    """Token -> its column in `own`; 0 for one that stands in no example."""
    own: NDArray[np.bool_]
    """(intent, column): the token stands in an example of the intent."""

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

    def shares(self, ids: Sequence[int] | NDArray[np.int64], intent: int) -> tuple[float, float]:
        """Of a text, by weight: what stands in any example, and what stands in one of the intent."""
        if not len(ids):
            return 0.0, 0.0
        index = np.asarray(ids)
        weights, places = self.weights[index], self.places[index]
        total = float(weights.sum()) + 1e-9
        return float(weights @ (places > 0)) / total, float(weights @ self.own[intent][places]) / total
