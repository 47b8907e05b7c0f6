"""How the versions of a prompt compare, by what callers say of their answers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from extproc.feedback.entries import Entry

Z: Final = 1.96
"""Of an interval at 95 %."""


@dataclass(frozen=True, slots=True)
class Rated:
    """One version."""

    prompt: str
    """`NAME@VERSION`."""
    up: int
    down: int

    @property
    def of(self) -> int:
        """Ratings in all."""
        return self.up + self.down

    @property
    def share(self) -> float:
        """Of them, the good ones; nothing rated is neither."""
        return self.up / self.of if self.of else 0.5

    @property
    def interval(self) -> tuple[float, float]:
        """Where the share lies, at 95 % (Wilson)."""
        if not self.of:
            return 0.0, 1.0
        z = Z * Z / self.of
        middle = (self.share + z / 2) / (1 + z)
        half = Z * sqrt(self.share * (1 - self.share) / self.of + z / (4 * self.of)) / (1 + z)
        return max(middle - half, 0.0), min(middle + half, 1.0)


def rated(entries: Iterable[Entry], prompts: Iterable[str]) -> list[Rated]:
    """Every version that there is, and every other one that was rated, in the order of `prompts`."""
    counted: Mapping[tuple[str, str], int] = Counter(
        (entry.prompt, entry.rating) for entry in entries if entry.prompt is not None and entry.rating is not None
    )
    names = dict.fromkeys([*prompts, *sorted({name for name, _ in counted})])
    return [Rated(name, counted.get((name, "up"), 0), counted.get((name, "down"), 0)) for name in names]


def differ(one: Rated, other: Rated) -> bool:
    """Whether two versions are rated differently by more than chance (two proportions, at 95 %)."""
    if not one.of or not other.of:
        return False
    both = (one.up + other.up) / (one.of + other.of)
    spread = sqrt(both * (1 - both) * (1 / one.of + 1 / other.of))
    return spread > 0 and abs(one.share - other.share) / spread > Z
