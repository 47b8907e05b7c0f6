"""Both stages of the detector, fitted on the windows of texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from extproc.guardrails.injection.windows import LONGEST, boundaries, scan
from extproc.pii.fold import fold
from guardrails.fit import Hashed, Network
from guardrails.states import key_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from guardrails.material import Row
    from guardrails.states import States

PASSES, MINING_PASSES = 5, 2
FIRST_PENALTY, SEED = 3.0, 0
MOST_PIECES = 12
MINED, MINED_EACH, MOST_MINED = 4, 1000, 20
"""Windows of a harmless text that are learned from beside its pieces, those that the first stage took most for an attack: so
many, one more for each so many bytes, and no more than so many."""
MOST_ASKED = 24_000
"""Windows that the second stage learns from, of each side."""
NOT_ASKED = -3.0
"""Logit below which the second stage has nothing to learn from a harmless window: it is not asked about such."""
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


def sampled(windows: Sequence[bytes], mass: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Some MOST_ASKED of them, those that count for much all, and what each counts then: the same ones in every fit."""
    chance = np.array([int.from_bytes(key_of(window)[:4], "little") / 2**32 for window in windows])
    low, high = 0.0, float(mass.max()) + 1e-9
    for _ in range(40):
        least = (low + high) / 2
        low, high = (least, high) if np.minimum(mass / least, 1.0).sum() > MOST_ASKED else (low, least)
    some = np.flatnonzero(chance * high < mass)
    return some, np.maximum(mass[some], high)


class Fitted:
    """Both stages of one side."""

    def __init__(self, texts: Sequence[Row], datas: Sequence[bytes], states: States) -> None:
        owner, windows = [], []
        for i, data in enumerate(datas):
            for piece in pieces(data):
                windows.append(piece)
                owner.append(i)
        self._first(windows, owner, texts, MINING_PASSES)
        for i, data in enumerate(datas):
            if len(data) > 60:
                mined = self._mined(data, attack=texts[i].attack)
                windows += mined
                owner += [i] * len(mined)
        y, mass = self._first(windows, owner, texts, PASSES)
        asked = np.flatnonzero((y > 0) | (self._logits >= NOT_ASKED))
        some, mass = sampled([windows[i] for i in asked], mass[asked])
        asked = asked[some]
        self.network = Network(states.of([windows[i] for i in asked]), y[asked], mass, SEED)

    def _first(
        self, windows: list[bytes], owner: list[int], texts: Sequence[Row], passes: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        y = np.array([float(texts[i].attack) for i in owner])
        mass = balanced([texts[i].source for i in owner], y, 1 / np.sqrt(np.bincount(owner))[owner])
        hashed = Hashed(windows)
        w = hashed.fit(y, mass, FIRST_PENALTY, SEED, passes)
        self._logits = hashed.logits(w)
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
