"""Texts as the two stages see them: token ids, vectors, and what is known of their words."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from extproc.encoder import Encoder, mean_pool
from extproc.intent.batching import PASS_SIZE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from extproc.intent.table import StaticTable

REPORT_FROM = 2000
"""Texts from which on embedding them takes long enough to say so."""
FEWEST_OUTSIDE = 5
"""With fewer texts that belong to no intent than this, even those near an example are kept."""
_BATCH = 16


def vectors_of(encoder: Encoder, batch: Sequence[Sequence[int]]) -> NDArray[np.float32]:
    """The transformer stage's view of texts: the last layer and, where the encoder shows it, the last but one or two."""
    if not encoder.hidden_layers:
        return encoder.embed(batch)
    (last, earlier), mask = encoder.run(batch, [encoder.outputs[0], encoder.hidden_layers[-1]])
    return np.concatenate([mean_pool(last, mask), mean_pool(earlier, mask)], axis=1)


def embed_all(encoder: Encoder, ids: Sequence[Sequence[int]], report: Callable[[str], None]) -> NDArray[np.float32]:
    """Vectors of many texts, those of like length together."""
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    out: NDArray[np.float32] | None = None
    told = perf_counter()
    start = 0
    while start < len(order):
        longest = len(ids[order[min(start + _BATCH, len(order)) - 1]])
        part = order[start : start + max(1, min(_BATCH, PASS_SIZE // max(longest, 1)))]
        vectors = vectors_of(encoder, [ids[i] for i in part])
        if out is None:
            out = np.zeros((len(ids), vectors.shape[1]), np.float32)
        out[part] = vectors
        start += len(part)
        if len(ids) >= REPORT_FROM and perf_counter() - told > 2:
            told = perf_counter()
            report(f"embedding the examples: {start} of {len(ids)}")
    assert out is not None
    return out


@dataclass(frozen=True, slots=True)
class Material:
    """Examples (and titles) with their vectors; the background likewise."""

    ids: list[list[int]]
    static: NDArray[np.float32]
    transformer: NDArray[np.float32]
    parts: dict[str, int]
    """Stage -> of how many vectors side by side its vectors are made."""


def far_from(
    vectors: NDArray[np.float32], labels: NDArray[np.int64], outside: NDArray[np.float32], given: int
) -> NDArray[np.int64]:
    """Which outside texts to keep: all that the user gave, and of the background those that are not near an example.

    Near: nearer than one in ten examples is to the next one of its own intent.
    """
    sample = np.linspace(0, len(vectors) - 1, min(len(vectors), 1500)).astype(np.int64)
    centre = np.concatenate([vectors, outside]).mean(axis=0)
    x, y = vectors[sample] - centre, outside - centre
    x /= np.linalg.norm(x, axis=1, keepdims=True) + 1e-9
    y /= np.linalg.norm(y, axis=1, keepdims=True) + 1e-9
    among = x @ x.T
    among[labels[sample][:, None] != labels[sample][None, :]] = -1
    np.fill_diagonal(among, -1)
    nearest = among.max(axis=1)
    nearest = nearest[nearest > -1]
    limit = float(np.quantile(nearest, 0.1)) if len(nearest) else 0.6
    near = (y @ x.T).max(axis=1) > max(limit, 0.3)
    near[:given] = False
    kept = np.flatnonzero(~near)
    return kept if len(kept) >= FEWEST_OUTSIDE else np.arange(len(outside))


def known_tokens(table: StaticTable, ids: Sequence[Sequence[int]]) -> NDArray[np.bool_]:
    """Token -> it stands in one of the texts."""
    known = np.zeros(len(table.rows), bool)
    for row in ids:
        known[row] = True
    return known


def coverage(table: StaticTable, known: NDArray[np.bool_], ids: Sequence[int]) -> float:
    """Share of a text, by weight, whose tokens stand in an example."""
    if not ids:
        return 0.0
    index = np.asarray(ids)
    weights = table.weights[index]
    return float(weights @ known[index]) / (float(weights.sum()) + 1e-9)


def static_signals(signals: NDArray[np.float32], covered: float) -> NDArray[np.float32]:
    """The head's signals and the share of the text that the examples have words for."""
    return np.array((*signals.tolist(), covered), np.float32)
