"""One request under inspection: what the steps hand on to one another."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from extproc.decision import Facts, Inspection
from extproc.payload import NOTHING_SAID
from extproc.steps.times import StepTimes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from extproc.decision import AnswerEdit, Inquiry, Outcome, Reservation
    from extproc.intent import Asked, IntentScore
    from extproc.payload import Conversation, Document, Segment
    from extproc.pii import Anonymized
    from extproc.routing import RouteDecision
    from extproc.slices import Lease


@dataclass(slots=True, eq=False)
class Case:
    """Made for one request, by the pipeline alone. A step writes what it has found out, and reads what stands."""

    inquiry: Inquiry
    facts: Facts
    lease: Lease
    """Until when all of it is wanted."""
    size: int
    """Bytes of work that a step may be: those of the body, once it is known what it is without its compression."""
    classify_by: float
    """Of `time.monotonic`, for the classifier: what comes after it takes time too."""
    steps: StepTimes = field(default_factory=StepTimes)
    document: Document | None = None
    """The body, once it is read; None: it could not be, and goes on as it is."""
    conversation: Conversation = NOTHING_SAID
    """What people say in it: for the classifier."""
    query: Document | None = None
    """The query of the URL, where the rule wants it read."""
    asked: Asked | None = None
    """The question to the classifier, until it is answered."""
    score: IntentScore | None = None
    anonymized: Anonymized | None = None
    decision: RouteDecision | None = None
    reason: str | None = None
    """Why the decision is not all that it could have been: `late`, `unreadable`, the classifier's fault."""
    answer: tuple[AnswerEdit, ...] = ()
    """What judges want the answer to pass through."""
    prompted: bool = False
    """A prompt was put into the body, which so is no longer the one that came."""
    reservations: tuple[Reservation, ...] = ()
    """What judges have set aside for it."""
    outcome: Outcome | None = None
    """As soon as there is one, no more steps are taken."""

    @property
    def segments(self) -> Sequence[Segment]:
        """The texts of the body, then those of the query."""
        if self.document is None:
            return ()
        return [*self.document.segments, *self.query.segments] if self.query else self.document.segments

    @property
    def masked(self) -> Sequence[str]:
        """The same as the upstream gets them."""
        changed = self.anonymized.texts if self.anonymized else [None] * len(self.segments)
        return [segment.text if text is None else text for segment, text in zip(self.segments, changed, strict=True)]

    @property
    def body(self) -> bytes:
        """All of the body, decompressed; empty where it could not be read."""
        return self.document.body if self.document is not None else b""

    @property
    def deadline(self) -> float:
        """From when on nobody waits for an answer."""
        return self.lease.deadline

    def inspection(self) -> Inspection:
        """What was found out, as it stands."""
        anonymized = self.anonymized
        return Inspection(
            self.facts,
            self.score,
            anonymized.entities if anonymized else {},
            len(anonymized.vault) if anonymized else 0,
            self.steps.seconds,
            self.document.unsearched if self.document is not None else self._unsearched(),
            self.reason,
            self.reservations,
        )

    def _unsearched(self) -> Mapping[str, int]:
        return {"unreadable": len(self.inquiry.body)} if self.reason == "unreadable" else {}

    def close(self) -> None:
        """Nobody waits for an answer of the classifier any more."""
        if self.asked is not None:
            self.asked.cancel()
            self.asked = None

    def give_up(self) -> None:
        """Nothing becomes of it: what was set aside for it is free again."""
        for reservation in self.reservations:
            reservation.release()


class Step(Protocol):
    """One step: its name, under which its time is told, and what it does."""

    @property
    def name(self) -> str:
        """In metrics and spans. Steps of one name are told as one."""

    async def __call__(self, case: Case) -> None:
        """Take the step. Raises IntentmeshError: the request is refused."""
