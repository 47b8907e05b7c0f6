"""What becomes of a request that was inspected."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from extproc.decision.facts import Facts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from extproc.config.models import Zone
    from extproc.decision.reservation import Reservation
    from extproc.decision.verdict import Verdict
    from extproc.errors import IntentmeshError
    from extproc.intent import IntentScore
    from extproc.payload import ResponseEditor


class AnswerEdit(Protocol):
    """One link of the chain that an answer passes through on its way to the client."""

    @property
    def name(self) -> str:
        """What it does."""

    @property
    def masked(self) -> bool:
        """Whether it sees the answer as the model wrote it, before anything is restored in it."""

    def editor(self, content_type: str, content_encoding: str) -> ResponseEditor:
        """Its editor, for an answer of this type."""


@runtime_checkable
class HeadersEdit(Protocol):
    """A link that also changes what the answer says of itself."""

    def headers(self, headers: Mapping[str, str]) -> Mapping[str, str]:
        """The headers that take the place of the answer's. Asked before `editor`."""


@runtime_checkable
class NeedsBody(Protocol):
    """A link that makes something of an answer's body: a success without one is none."""

    @property
    def needs_body(self) -> bool:
        """It does."""


@runtime_checkable
class Unframes(Protocol):
    """A link that takes an answer out of the frames in which it travels: nobody reads it before."""

    @property
    def unframes(self) -> bool:
        """It does."""


@runtime_checkable
class SaysVerdicts(Protocol):
    """A link that has something to say of the answer that passes through it."""

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """So far."""


def verdicts_of(links: Iterable[AnswerEdit]) -> tuple[Verdict, ...]:
    """What the links of an answer's chain say of it."""
    return tuple(verdict for link in links if isinstance(link, SaysVerdicts) for verdict in link.verdicts)


@dataclass(slots=True, eq=False)
class Inspection:
    """What was found out about a request, whatever becomes of it: for telemetry and for `explain`.

    Nobody changes it, nor the outcomes below; freezing them would cost each request some microseconds.
    """

    facts: Facts = field(default_factory=Facts)
    score: IntentScore | None = None
    """The classifier's own account of the intent."""
    entities: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """(entity type, operator) -> how many."""
    placeholders: int = 0
    """That the answer may hold."""
    steps_s: Mapping[str, float] = field(default_factory=dict)
    """Step -> seconds."""
    unsearched: Mapping[str, int] = field(default_factory=dict)
    """Why parts of the body were not searched -> how many bytes."""
    reason: str | None = None
    """Why the decision is not all that it could have been."""
    reservations: tuple[Reservation, ...] = ()
    """To be settled when the request has ended."""


NOT_INSPECTED = Inspection()


@dataclass(slots=True)
class Forward:
    """It goes to a model."""

    model: str
    """Name in the registry."""
    residency: Zone
    """The farthest zone that it may reach."""
    reason: str
    """Why this model."""
    body: bytes | None = None
    """The new body; None: it stays as it came."""
    target: str | None = None
    """The new path and query; None: they stay as they came."""
    set_headers: Mapping[str, str] = field(default_factory=dict)
    remove_headers: tuple[str, ...] = ()
    tells: Mapping[str, str] = field(default_factory=dict)
    """Headers in which the answer says how the request was decided."""
    answer: tuple[AnswerEdit, ...] = ()
    """What the answer passes through, from the upstream to the client; empty: nothing is to change in it."""
    inspection: Inspection = NOT_INSPECTED


@dataclass(slots=True)
class Respond:
    """It is answered without an upstream: by a cache, a catalogue, or with an error."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    details: str = ""
    """One word for Envoy's access log."""
    inspection: Inspection = NOT_INSPECTED


@dataclass(slots=True)
class Refuse:
    """It goes nowhere. What the client is told of it is the error, in the shape of the API that it speaks."""

    error: IntentmeshError
    inspection: Inspection = NOT_INSPECTED


Outcome = Forward | Respond | Refuse
