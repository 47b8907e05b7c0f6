"""What the encoder says of windows, kept between runs."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from extproc.embedding.encoder import Encoder
from extproc.guardrails.injection.detector import WINDOW_TOKENS
from extproc.guardrails.injection.model import LAYERS, features

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

BATCH = 8


class States:
    """Rows of features, by window; in a file, where one is given."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._encoder = Encoder.load()
        self._known: dict[bytes, NDArray[np.float16]] = {}
        if path is not None and path.exists():
            with np.load(path) as arrays:
                self._known = dict(zip((bytes(key) for key in arrays["keys"]), arrays["states"], strict=True))

    def of(self, texts: Sequence[bytes]) -> NDArray[np.float32]:
        """One row a text."""
        self.know(texts)
        return np.stack([self._known[key_of(text)] for text in texts]).astype(np.float32)

    def know(self, texts: Sequence[bytes]) -> None:
        """Ask the encoder about those that are new, texts of like lengths together."""
        keys = [key_of(text) for text in texts]
        todo = sorted(
            {key: text for key, text in zip(keys, texts, strict=True) if key not in self._known}.items(),
            key=lambda one: len(one[1]),
        )
        for at in range(0, len(todo), BATCH):
            batch = todo[at : at + BATCH]
            ids = [self._encoder.tokenize(text.decode(errors="replace"), WINDOW_TOKENS) or [0] for _, text in batch]
            halfway = self._encoder.start(ids, LAYERS)
            sizes = (
                halfway.feed["attention_mask"].sum(axis=1).tolist()
                if "attention_mask" in halfway.feed
                else [len(one) + 2 for one in ids]
            )
            made = features(halfway.outputs, halfway.states, sizes)
            self._known |= {key: row.astype(np.float16) for (key, _), row in zip(batch, made, strict=True)}

    def save(self) -> None:
        """Keep them."""
        if self._path is not None:
            keys = np.array([list(key) for key in self._known], np.uint8)
            np.savez(self._path, keys=keys, states=np.stack(list(self._known.values())))


def key_of(text: bytes) -> bytes:
    """Under which a window's states are kept."""
    return hashlib.blake2b(text, digest_size=16).digest()
