"""What recognition finds: a span, its type, and why."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RecognizerResult:
    """One finding in one text."""

    entity_type: str
    """Presidio's name where it has one, in capitals: EMAIL_ADDRESS."""
    start: int
    """First character in the text as it was given."""
    end: int
    """One past the last character."""
    score: float
    """0 to 1: how much speaks for it."""
    evidence: tuple[str, ...] = ()
    """Why, in words of ours and never the user's: `shape`, `checksum luhn`, `label before`."""
