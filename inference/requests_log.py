"""What is kept of one exchange: counts and times, for the metrics and, if asked for, a line of the log."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING

from inference.generation import Usage

if TYPE_CHECKING:
    from inference.generation import Piece
    from inference.metrics import Metrics


class Exchange:
    """One request from its first byte to its last."""

    def __init__(self, path: str, metrics: Metrics, *, log: bool) -> None:
        self.usages: list[Usage] = []
        self._path = path
        self._metrics = metrics
        self._log = log
        self._started = time.perf_counter()
        self._first: float | None = None

    def note(self, piece: Piece) -> None:
        """A piece goes to the client."""
        if self._first is None:
            self._first = time.perf_counter()
        if piece.usage is not None:
            self.usages.append(piece.usage)

    def note_embedding(self, tokens: int) -> None:
        """Texts of so many tokens were embedded."""
        self.usages.append(Usage(tokens, 0, 0))

    def end(self, status: int) -> None:
        """The answer is complete, or the client gone (499)."""
        path = "/v1/models/{model}" if self._path.startswith("/v1/models/") else self._path
        self._metrics.requests.labels(path, str(status)).inc()
        if not self._log:
            return
        line = {
            "path": path,
            "status": status,
            "prompt_tokens": sum(usage.prompt_tokens for usage in self.usages),
            "cached_tokens": sum(usage.cached_tokens for usage in self.usages),
            "completion_tokens": sum(usage.completion_tokens for usage in self.usages),
            "first_ms": None if self._first is None else round((self._first - self._started) * 1e3, 1),
            "total_ms": round((time.perf_counter() - self._started) * 1e3, 1),
        }
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()
