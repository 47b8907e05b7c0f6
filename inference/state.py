"""Where the server stands: loading, ready, going down. What /health says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from inference.errors import UnavailableError

Phase = Literal["loading", "ready", "draining"]


@dataclass(slots=True)
class State:
    """Written by the loading thread (progress) and by the event loop (phase), read by every request."""

    phase: Phase = "loading"
    progress: float = 0.0
    """Share of the model that is loaded."""

    def check_ready(self) -> None:
        """Raise UnavailableError unless requests can be taken."""
        if self.phase == "loading":
            raise UnavailableError(f"the model is loading, {self.progress:.0%} done", code="loading", retry_after_s=2)
        if self.phase == "draining":
            raise UnavailableError("the server is going down", code="shutting_down", retry_after_s=1)

    def health(self) -> tuple[int, dict[str, Any]]:
        """Status and body of /health."""
        if self.phase == "ready":
            return 200, {"status": "ok"}
        body: dict[str, Any] = {"status": self.phase}
        if self.phase == "loading":
            body["progress"] = round(self.progress, 3)
        return 503, body
