"""How much the answers of a model use to take: for requests that name no limit of their own."""

from __future__ import annotations

SHARE = 0.05
"""What one more answer counts for: the last forty or so decide."""
DEVIATIONS = 2.0
"""Above the mean, so that what is set aside is seldom too little."""


class Habits:
    """Learned from what answers took, model by model."""

    def __init__(self, unknown: int) -> None:
        """`unknown`: tokens of an answer of which nothing is known yet."""
        self.unknown = unknown
        self._known: dict[str, tuple[float, float]] = {}

    def expect(self, model: str) -> int:
        """Tokens to be set aside for an answer."""
        known = self._known.get(model)
        if known is None:
            return self.unknown
        mean, deviation = known
        return round(mean + DEVIATIONS * deviation)

    def learn(self, model: str, tokens: int) -> None:
        """An answer has taken so many."""
        known = self._known.get(model)
        if known is None:
            self._known[model] = float(tokens), tokens / 2
            return
        mean, deviation = known
        off = tokens - mean
        self._known[model] = mean + SHARE * off, deviation + SHARE * (abs(off) - deviation)
