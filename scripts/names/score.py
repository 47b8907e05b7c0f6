"""Precision, recall and F1 of spans, exact and by overlap."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Span = tuple[int, int, str]


class Tally:
    """Counts over many texts. A gold span and a found span are each used once."""

    def __init__(self) -> None:
        self.gold: Counter[str] = Counter()
        self.found: Counter[str] = Counter()
        self.exact: Counter[str] = Counter()
        self.overlap: Counter[str] = Counter()

    def add(self, gold: Sequence[Span], found: Sequence[Span], ignored: Sequence[Span] = ()) -> None:
        """One text. What touches an ignored span is not counted."""
        found = [f for f in found if not any(f[0] < e and s < f[1] for s, e, _ in ignored)]
        self.gold.update(label for *_, label in gold)
        self.found.update(label for *_, label in found)
        self.exact.update(label for s, e, label in set(gold) & set(found))
        for label in {g[2] for g in gold}:
            free = [f for f in found if f[2] == label]
            for start, end, _ in sorted(g for g in gold if g[2] == label):
                hit = next((f for f in free if f[0] < end and start < f[1]), None)
                if hit:
                    free.remove(hit)
                    self.overlap[label] += 1

    def figures(self, label: str) -> dict[str, float]:
        """Precision, recall, F1 of one type."""
        out: dict[str, float] = {"gold": self.gold[label], "found": self.found[label]}
        for name, hits in (("overlap", self.overlap[label]), ("exact", self.exact[label])):
            p, r = hits / max(1, self.found[label]), hits / max(1, self.gold[label])
            out |= {
                f"{name}_p": round(p, 4),
                f"{name}_r": round(r, 4),
                f"{name}_f1": round(2 * p * r / max(1e-9, p + r), 4),
            }
        return out

    def lines(self, labels: Iterable[str]) -> list[str]:
        """A line per type that occurs."""
        return [f"{label:13}{self.figures(label)}" for label in labels if self.gold[label] or self.found[label]]
