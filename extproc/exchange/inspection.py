"""What is asked about a request's body, and what is answered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from extproc.config.intercept import Intercept
    from extproc.intent import IntentScore
    from extproc.pii import Vault
    from extproc.routing import RouteDecision


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A whole request body, to be inspected."""

    rule: Intercept
    target: str
    """Path and query."""
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        """Without the query."""
        return self.target.partition("?")[0]


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was found out about a request, and what it becomes."""

    decision: RouteDecision
    body: bytes | None = None
    """The new body; None: it stays as it came."""
    target: str | None = None
    """The new path and query; None: they stay as they came."""
    vault: Vault | None = None
    """Placeholder -> original; None or empty: nothing to restore."""
    score: IntentScore | None = None
    reason: str = ""
    """The decision's own, or why it had to be the default model."""
    entities: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """(entity type, operator) -> how many."""
    streamed: bool = False
    """The caller asked for a streamed answer."""
    steps_s: Mapping[str, float] = field(default_factory=dict)
    """Step -> seconds."""
