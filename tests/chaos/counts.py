"""What happened in a scenario, and what of it must not have."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

NEVER = ("leaks", "denied", "crossings", "wrong", "hung", "malformed")
"""What must not happen, whatever is broken."""


@dataclass
class Counts:
    """One scenario's, or all of them added up."""

    requests: int = 0
    answered: int = 0
    leaks: int = 0
    """Secrets that reached an upstream, or would have: a reply that lets a body pass unmasked."""
    denied: int = 0
    """Requests that a rule of the policy denies and that reached an upstream all the same."""
    crossings: int = 0
    """Answers with somebody else's secret."""
    wrong: int = 0
    """A 200 that is not what the client would have got unmasked, or that should have been a refusal."""
    hung: int = 0
    """Clients that waited longer than every timeout of the set-up."""
    malformed: int = 0
    """Refusals that are no well-formed errors, or quote the request."""
    refused: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    """What the scenario did beside asking."""

    def wrongs(self) -> list[str]:
        """What must not happen and did."""
        return [f"{getattr(self, name)} {name}" for name in NEVER if getattr(self, name)]

    def summary(self) -> str:
        """For people."""
        never = ", ".join(f"{getattr(self, name)} {name}" for name in NEVER)
        return f"{self.requests:,} requests, {self.answered:,} answered; {never}"

    def add(self, other: Counts) -> None:
        """Add another scenario's."""
        for name, value in vars(other).items():
            if isinstance(value, Counter):
                getattr(self, name).update(value)
            else:
                setattr(self, name, getattr(self, name) + value)

    def told(self) -> dict[str, Any]:
        """For a JSON line."""
        return {name: dict(value) if isinstance(value, Counter) else value for name, value in vars(self).items()}
