"""What a rule of `routes` asks of a request beside its intent, made ready to be asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from extproc.config.when import compared

if TYPE_CHECKING:
    from extproc.config.when import Comparison, When
    from extproc.decision import Facts


@dataclass(frozen=True, slots=True)
class Conditions:
    """One `when`."""

    languages: frozenset[str]
    """Empty: any."""
    numbers: tuple[tuple[str, Comparison], ...]
    """Name of a fact, and what it has to be."""
    flags: tuple[tuple[str, bool], ...]

    @classmethod
    def of(cls, when: When) -> Conditions:
        """Read it once."""
        numbers = ((name, getattr(when, name)) for name in ("tokens", "turns", "unsearched", "code", "difficulty"))
        flags = ((name, getattr(when, name)) for name in ("images", "audio", "tools"))
        return cls(
            frozenset(when.language),
            tuple((name, compared(given)) for name, given in numbers if given is not None),
            tuple((name, given) for name, given in flags if given is not None),
        )

    def hold(self, facts: Facts) -> bool:
        """Whether all of it is so."""
        if self.languages and facts.language not in self.languages:
            return False
        if any(bool(getattr(facts, name)) != wanted for name, wanted in self.flags):
            return False
        return all(comparison.of(getattr(facts, name)) for name, comparison in self.numbers)
