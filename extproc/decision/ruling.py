"""Who may have a say about a request, and how.

A gate is asked when the headers have come: what it denies costs no body. A judge is asked when the body has been searched and
its intent is known. What either raises, where it is not an error of ours, refuses the request: whatever errs denies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from extproc.decision.facts import Facts, Learned
    from extproc.decision.outcome import AnswerEdit, Respond
    from extproc.decision.reservation import Reservation
    from extproc.decision.verdict import Duty, Unenforced, Verdict
    from extproc.errors import IntentmeshError
    from extproc.payload import Segment


class Ruling(NamedTuple):
    """What a gate or a judge says."""

    verdicts: tuple[Verdict, ...] = ()
    """Acted on in the order of the steps: the first block refuses, the last reroute chooses, the nearest zone confines."""
    duties: tuple[Duty, ...] = ()
    answer: tuple[AnswerEdit, ...] = ()
    """What the answer has to pass through, after the editors of earlier steps."""
    response: Respond | None = None
    """An answer instead of the upstream's. It passes through the same editors."""
    unenforced: tuple[Unenforced, ...] = ()
    """What it would have said and could not; verdicts that are not enforced need not be told again."""
    error: IntentmeshError | None = None
    """How a block is told to the client; None: with 403 and the verdict's reason."""
    learned: Learned | None = None
    """Facts that it has found out, for those who are asked later."""
    reservation: Reservation | None = None
    """What it has set aside for the request, to be settled when its end is known."""


NOTHING = Ruling()


class Content(Protocol):
    """The texts of a request, for those whom facts are not enough. Nothing of it may reach a verdict."""

    @property
    def segments(self) -> Sequence[Segment]:
        """As they came; none where the body could not be read."""

    @property
    def masked(self) -> Sequence[str]:
        """As the upstream gets them."""

    @property
    def body(self) -> bytes:
        """All of it, decompressed; empty where it could not be read."""

    @property
    def deadline(self) -> float:
        """Of `time.monotonic`: from then on nobody waits for what is said."""


class Gate(Protocol):
    """Has a say by the headers alone."""

    @property
    def name(self) -> str:
        """Of its step: in times and verdicts."""

    @property
    def edits_answers(self) -> bool:
        """Whether it may want an answer redacted: Envoy has to be told before the body comes."""

    def judge(self, facts: Facts) -> Ruling:
        """What it says; NOTHING where it has nothing to say."""


class Judge(Protocol):
    """Has a say by facts and texts."""

    @property
    def name(self) -> str:
        """Of its step: in times and verdicts."""

    @property
    def edits_answers(self) -> bool:
        """Whether it may want an answer edited or redacted: Envoy has to be told before the body comes."""

    async def judge(self, facts: Facts, content: Content) -> Ruling:
        """What it says; NOTHING where it has nothing to say."""
