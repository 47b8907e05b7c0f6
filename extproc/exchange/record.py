"""The record of one HTTP exchange, as telemetry gets it: names, counts and times, never text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from extproc.identity import ANONYMOUS, Caller

if TYPE_CHECKING:
    from collections.abc import Mapping

    from extproc.decision import Facts, Reservation, Unenforced, Verdict

OutcomeLabel = Literal[
    "passed", "forwarded", "answered", "rejected", "failed", "cancelled", "cut", "unrouted", "unknown"
]
"""passed: none of our business; forwarded: read and sent on; answered: by us, without an upstream; rejected: likewise, with
an error; failed: the stream was aborted;
cancelled: the client or Envoy went away before the exchange was complete; cut: the upstream broke off in its answer;
unrouted: Envoy had no route for the model; unknown: the processor was killed meanwhile."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What an answer says of itself."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    finish_reason: str | None = None
    response_model: str | None = None
    """As the upstream named it: any text, so a label only once it is looked up in the registry."""
    estimated: bool = False
    """The answer reported no usage; the numbers are counted from its size."""
    by: str = ""
    """What an estimate was made from: `events` of a stream, `bytes`."""
    chunks: int = 0
    """Events of a streamed answer."""
    cache_read_tokens: int = 0
    """Of the input: taken from the provider's cache."""
    cache_write_tokens: int = 0
    """Of the input: put into it."""
    reasoning_tokens: int = 0
    """Of the output: thought and not said."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How an exchange ended whose answer we were not shown, as Envoy's access log tells it."""

    key: str
    """What we had Envoy keep for it: `awaited` in the dynamic metadata."""
    cancelled: bool
    """The client went away first."""
    cut: str = field(default="", kw_only=True)
    """Why the upstream's answer ended before its end; empty: it did not."""
    unrouted: bool = field(default=False, kw_only=True)
    """Envoy had no route for what was decided, and answered itself."""
    model: str = field(default="", kw_only=True)
    answered_by: str = field(default="", kw_only=True)
    """The model that the answer says has given it, where others might have stood in."""
    attempts: int = field(default=0, kw_only=True)
    """Upstream requests that were made for it."""
    endpoint: str = field(default="", kw_only=True)
    """`host:port` of the upstream that answered."""
    first_byte_s: float | None = field(default=None, kw_only=True)
    """From the request's arrival to the first byte of the upstream's answer."""
    status: int
    cluster: str
    duration_s: float
    response_bytes: int
    first_chunk_at: float | None
    """Unix time."""
    usage: Usage | None


class Trace(Protocol):
    """What telemetry keeps of an exchange while it runs."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers for the upstream, as `traceparent`."""

    @property
    def ids(self) -> tuple[int, int] | None:
        """The ids of its trace and its span; None where nobody is told of it."""

    @property
    def trace_id(self) -> str:
        """Under which a receiver of traces knows it, in hexadecimal; empty: under none."""

    @property
    def metadata(self) -> Mapping[str, str]:
        """For Envoy's dynamic metadata, as the project that pays."""


@dataclass(slots=True)
class ExchangeRecord:
    """One finished exchange.

    Not frozen: what Envoy's access log tells later is filled in (`telemetry/pending.py`), and freezing this many fields
    would cost 4 us a request.
    """

    outcome: OutcomeLabel
    started_at: float
    """Unix time."""
    duration_s: float
    """From the first message to the last."""
    caller: Caller = ANONYMOUS
    request_id: str = ""
    method: str = ""
    rule: str = ""
    """The path or prefix of the `intercept` rule; empty: not intercepted."""
    payload: str = ""
    intent: str | None = None
    score: float | None = None
    stage: str | None = None
    """Which part of the cascade decided."""
    model: str | None = None
    version: str | None = None
    """Which of the model's versions answered; known where its answer is read."""
    reason: str | None = None
    residency: str | None = None
    entities: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """(entity type, operator) -> how many."""
    unsearched: Mapping[str, int] = field(default_factory=dict)
    """Why parts of the request's body were not searched -> how many bytes."""
    vault_size: int = 0
    """Placeholders that the answer may hold."""
    reservations: tuple[Reservation, ...] = ()
    """What was set aside for it, and is to be settled."""
    facts: Facts | None = None
    """All that was known of it; not for logs as it is."""
    verdicts: tuple[Verdict, ...] = ()
    """What policy, guardrails, budgets said of it."""
    unenforced: tuple[Unenforced, ...] = ()
    """What it should have had, and went on without."""
    steps_s: Mapping[str, float] = field(default_factory=dict)
    """Step of the pipeline -> seconds: payload, pii, intent, routing, rewrite."""
    request_bytes: int = 0
    response_bytes: int = 0
    status: int | None = None
    """HTTP status of the answer, as far as we saw one."""
    error: str | None = None
    """Class of the error that refused or ended it."""
    streamed: bool = False
    first_chunk_s: float | None = None
    """From the request's body to the first chunk of the answer's."""
    usage: Usage | None = None
    shadow: bool = False
    trace: Trace | None = None
