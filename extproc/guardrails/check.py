"""What a guardrail is to the judge: something that looks at passages, and has something to say or has not."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from extproc.config.guardrails import Place
    from extproc.decision import Facts
    from extproc.guardrails.passages import Passage


class Finding(NamedTuple):
    """What one guardrail found. Names and numbers: never text of a request."""

    score: float
    """How sure it is, from 0 to 1; of what is no matter of more or less, 1."""
    fires: bool
    """It has something to say; otherwise it is told the score by, in `monitor`."""
    what: str = ""
    """Which of several things that it looks for: a topic, a tool, a category. A name of the configuration's."""
    bound: str = ""
    """What it did not look at for its cost, in one word for the ledger; empty: it looked at all."""


class Question(NamedTuple):
    """What a guardrail is asked about."""

    passages: Sequence[Passage]
    """Those in the places that it wants to see."""
    facts: Facts
    body: bytes = b""
    """All of the request's body."""


class Check(Protocol):
    """Looks at a request for one guardrail."""

    @property
    def places(self) -> frozenset[Place]:
        """Which passages it wants to see."""

    @property
    def masked(self) -> bool:
        """Whether it sees texts as the upstream gets them: so does all that is asked over a network."""

    def look(self, question: Question, deadline: float) -> Finding | Awaitable[Finding]:
        """The finding at once, where that takes microseconds; else one to come, by `time.monotonic() == deadline`.

        Whatever it raises, TimeoutError too, is a failure of this guardrail.
        """

    def close(self) -> None:
        """It is not asked any more."""
