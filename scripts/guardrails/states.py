"""What the encoder says of windows, kept between runs."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from extproc.embedding.encoder import Encoder
from extproc.guardrails.injection.detector import WINDOW_TOKENS, encoded

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray


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
        """Ask the encoder about those that are new, one by one as requests do: beside others it says a little else of a text."""
        for text in texts:
            key = key_of(text)
            if key not in self._known:
                ids = self._encoder.tokenize(text.decode(errors="replace"), WINDOW_TOKENS)
                self._known[key] = encoded(self._encoder, ids).astype(np.float16)

    def save(self) -> None:
        """Keep them."""
        if self._path is not None:
            keys = np.array([list(key) for key in self._known], np.uint8)
            np.savez(self._path, keys=keys, states=np.stack(list(self._known.values())))


def key_of(text: bytes) -> bytes:
    """Under which a window's states are kept."""
    return hashlib.blake2b(text, digest_size=16).digest()
