"""Both stages of the detector, fitted on the windows of texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from extproc.guardrails.injection.windows import LONGEST, boundaries, scan
from extproc.pii.fold import fold
from guardrails.fit import Hashed, Network

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from guardrails.material import Row
    from guardrails.states import States

FIRST_PENALTY, SEED = 3.0, 0
FIRST_STEPS, AGAIN_STEPS = 30, 15
MOST_PIECES = 12
MINED, MINED_EACH, MOST_MINED = 3, 1500, 14
"""Windows of a harmless text that are learned from beside its pieces, those that the first stage took most for an attack: so
many, one more for each so many bytes, and no more than so many."""
NOT_MINED = -2.0
"""Logit below which the first stage has nothing to learn from a window."""


def data_of(text: str) -> bytes:
    """As the detector reads it."""
    return fold(text).text.encode(errors="replace")


def pieces(data: bytes) -> list[bytes]:
    """A text in pieces of a window's length."""
    if len(data) <= LONGEST:
        return [data]
    at = boundaries(data)
    found, start = [], 0
    for i in range(1, len(at)):
        if i == len(at) - 1 or at[i + 1] - start > LONGEST:
            found.append(data[start : at[i]])
            start = at[i]
    found = [piece for piece in found if len(piece.strip()) > 3]
    if len(found) > MOST_PIECES:
        found = [found[i] for i in np.linspace(0, len(found) - 1, MOST_PIECES).astype(int)]
    return found


def balanced(sources: Sequence[str], y: NDArray[np.float64], shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """How much each row counts: a source by the root of its size, so that none drowns the others; both classes the same."""
    names, which = np.unique(np.array(sources), return_inverse=True)
    mass = shares / np.sqrt(np.bincount(which, shares, len(names)))[which]
    for attack in (0.0, 1.0):
        mass[y == attack] *= len(y) / 2 / mass[y == attack].sum()
    return mass


class Fitted:
    """Both stages of one side."""

    def __init__(self, texts: Sequence[Row], datas: Sequence[bytes], states: States) -> None:
        owner, windows = [], []
        for i, data in enumerate(datas):
            for piece in pieces(data):
                windows.append(piece)
                owner.append(i)
        self._first(windows, owner, texts, None)
        for i, data in enumerate(datas):
            if len(data) > 60:
                mined = self._mined(data, attack=texts[i].attack)
                windows += mined
                owner += [i] * len(mined)
        y, mass = self._first(windows, owner, texts, self._w)
        self.network = Network(states.of(windows), y, mass, SEED)

    def _first(
        self, windows: list[bytes], owner: list[int], texts: Sequence[Row], start: NDArray[np.float64] | None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        y = np.array([float(texts[i].attack) for i in owner])
        mass = balanced([texts[i].source for i in owner], y, 1 / np.sqrt(np.bincount(owner))[owner])
        steps = FIRST_STEPS if start is None else AGAIN_STEPS
        w = self._w = Hashed(windows).fit(y, mass, FIRST_PENALTY, steps, start)
        self.scale = float(np.abs(w[:-1]).max() / 127)
        self.rounded = np.round(w[:-1] / self.scale).astype(np.int8)
        self.weights, self.bias = self.rounded.astype(np.float32) * np.float32(self.scale), float(w[-1])
        return y, mass

    def _mined(self, data: bytes, *, attack: bool) -> list[bytes]:
        found = scan(data, self.weights, self.bias)
        order = np.argsort(-found.scores)
        if attack:
            return [data[found.starts[at] : found.ends[at]] for at in order[:1]]
        most = min(MINED + len(data) // MINED_EACH, MOST_MINED)
        covered, mined = bytearray(len(data)), []
        for at in order[: 16 * most].tolist():
            start, end = int(found.starts[at]), int(found.ends[at])
            if found.scores[at] <= NOT_MINED or len(mined) == most:
                break
            if sum(covered[start:end]) <= (end - start) // 2:
                covered[start:end] = b"\x01" * (end - start)
                mined.append(data[start:end])
        return mined
