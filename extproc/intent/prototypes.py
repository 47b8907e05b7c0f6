"""What a text is compared with: a few vectors that stand for the examples of an intent.

Means of groups of alike examples say better than single ones whether a text is like any of them, and are fewer: 16 means
of a hundred examples (CLINC150) tell what belongs to no intent as well as every second example does, at a third of the
memory that is read for a text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST = 16
"""Of one intent; one with no more examples keeps them as they are."""
ROUNDS = 6
"""Of k-means: they are to lie among the examples, and need not come to rest."""


def prototypes(examples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Spherical k-means of vectors of length one, from evenly spaced ones. Deterministic."""
    if len(examples) <= MOST:
        return examples
    means = examples[np.linspace(0, len(examples) - 1, MOST).astype(np.int64)]
    for _ in range(ROUNDS):
        nearest = (examples @ means.T).argmax(axis=1)
        for i in range(MOST):
            mine = examples[nearest == i]
            if len(mine):
                mean = mine.mean(axis=0)
                means[i] = mean / (np.linalg.norm(mean) + 1e-9)
    return means
