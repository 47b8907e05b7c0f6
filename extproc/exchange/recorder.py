"""What telemetry is to know of an exchange, gathered while it runs: names, counts and times, never text."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from extproc.config.api import vendor_of
from extproc.config.wire_names import CALLER_API
from extproc.decision import NOT_INSPECTED, unenforced, verdicts_of
from extproc.errors import ERRORS_FROM
from extproc.exchange.events import request_id_of
from extproc.exchange.record import ExchangeRecord
from extproc.identity import ANONYMOUS
from extproc.tokens import estimated_tokens

if TYPE_CHECKING:
    from collections.abc import Mapping

    from extproc.config.intercept import Intercept
    from extproc.decision import Forward, Inspection
    from extproc.errors import IntentmeshError
    from extproc.exchange.answer import Answer
    from extproc.exchange.events import ResponseHeaders
    from extproc.exchange.observer import Observer
    from extproc.exchange.record import OutcomeLabel, Trace

_GOES_ON = frozenset({"forwarded", "answered", "cancelled"})
"""Outcomes of requests that nothing refused."""
SERVER_ERRORS_FROM = 500
"""HTTP statuses from here on are no fault of the caller's."""


class Recorder:
    """Of one exchange; `stream.py` tells it what happens."""

    def __init__(self, *, shadow: bool) -> None:
        self.request_bytes = 0
        self.first_chunk_at: float | None = None
        """Of the answer; like all times here, of `time.perf_counter`."""
        self.started_at = self.asked_at = time.perf_counter()
        self.caller = ANONYMOUS
        self.trace: Trace | None = None
        self.answer: Answer | None = None
        self._shadow = shadow
        self.observed = False
        """Envoy only lets us watch: whatever is said, the request goes on."""
        self._outcome: OutcomeLabel = "passed"
        self._rule: Intercept | None = None
        self._headers: Mapping[str, str] = {}
        self._inspection = NOT_INSPECTED
        self._forward: Forward | None = None
        self._status: int | None = None
        self._version: str | None = None
        self._error: str | None = None

    def begun(self, rule: Intercept | None, headers: Mapping[str, str]) -> None:
        """The request's headers, and the rule under which it is read; None: it is not."""
        self._rule, self._headers = rule, headers

    def forwarded(self, forward: Forward) -> None:
        """It goes on, as this says."""
        self._outcome, self._forward, self._inspection = "forwarded", forward, forward.inspection

    def responded(self, status: int, outcome: OutcomeLabel, inspection: Inspection) -> None:
        """It was answered without an upstream, or would have been."""
        self._outcome, self._status, self._inspection = outcome, status, inspection

    def refused(
        self, error: IntentmeshError, outcome: OutcomeLabel, inspection: Inspection | None, status: int | None = None
    ) -> None:
        """It was answered with an error, or would have been."""
        self._error, self._outcome, self._status = type(error).__name__, outcome, status
        if inspection is not None:  # else what is known already stands: it may be the answer that is at fault
            self._inspection = inspection

    def answered(self, headers: ResponseHeaders, version: str | None) -> None:
        """The answer begins."""
        status = headers.headers.get(":status", "")
        self._status, self._version = int(status) if status.isdigit() else None, version

    @property
    def has_failed(self) -> bool:
        """Whether the answer is an error of a server: an upstream's, or Envoy's own."""
        return (self._status or 0) >= SERVER_ERRORS_FROM

    def metadata(self, forward: Forward, log_key: str) -> dict[str, str | float]:
        """What Envoy's access log and rate limits may know of the request."""
        values: dict[str, str | float] = {"model": forward.model, "reason": forward.reason}
        inspection = forward.inspection
        if (score := inspection.score) is not None:
            values["stage"] = score.stage
            values["score"] = score.score
            if score.intent is not None:
                values["intent"] = score.intent
        if entities := inspection.facts.entities:
            values["masked"] = sum(entities.values())
            values["entities"] = ",".join(f"{entity_type}={count}" for entity_type, count in entities.items())
        if verdicts := inspection.facts.verdicts:
            values["verdicts"] = ",".join(map(str, verdicts))
        if forward.target is not None and self._rule is not None:
            values[CALLER_API] = vendor_of(self._rule, self._headers.get(":path", "")) or "openai"
        if self.trace is not None:
            values |= self.trace.metadata
        if log_key:
            values["awaited"] = log_key
        values["prompt_tokens"] = max(1, estimated_tokens(self.request_bytes))
        return values

    def bill(self, observer: Observer) -> Mapping[str, float] | None:
        """Tokens and money of the answer, for Envoy's access log and rate limits."""
        usage = self.answer.usage() if self.answer else None
        if usage is None or self._forward is None or (usage.estimated and (self._status or 0) >= ERRORS_FROM):
            return None
        return observer.bill(self._forward.model, usage) or None

    def record(self, outcome: OutcomeLabel | None, error: str | None) -> ExchangeRecord:
        """All of it. `outcome` and `error` are those of the gRPC stream, where it ended otherwise than the exchange."""
        now = time.perf_counter()
        rule, forward, inspection, answer = self._rule, self._forward, self._inspection, self.answer
        score, ending = inspection.score, outcome or self._outcome
        goes_on = ending in _GOES_ON or self.observed
        return ExchangeRecord(
            outcome=ending,
            started_at=time.time() - (now - self.started_at),
            duration_s=now - self.started_at,
            caller=self.caller,
            request_id=request_id_of(self._headers) if rule else "",
            method=self._headers.get(":method", ""),
            rule=(rule.path or rule.path_prefix or "") if rule else "",
            payload=rule.payload if rule else "",
            intent=score.intent if score else None,
            score=score.score if score else None,
            stage=score.stage if score else None,
            model=forward.model if forward else None,
            version=self._version,
            reason=forward.reason if forward else None,
            residency=forward.residency if forward else None,
            entities=inspection.entities,
            unsearched=inspection.unsearched,
            vault_size=inspection.placeholders,
            reservations=inspection.reservations,
            facts=inspection.facts if rule else None,
            verdicts=inspection.facts.verdicts + (verdicts_of(forward.answer) if forward and forward.answer else ()),
            unenforced=unenforced(inspection, shadow=self._shadow or self.observed, error=self._error)
            if goes_on
            else (),
            steps_s=inspection.steps_s,
            request_bytes=self.request_bytes,
            response_bytes=answer.received if answer else 0,
            status=self._status,
            error=error or self._error,
            streamed=inspection.facts.streamed,
            first_chunk_s=self.first_chunk_at - self.asked_at if self.first_chunk_at else None,
            usage=answer.usage() if answer else None,
            shadow=self._shadow,
            trace=self.trace,
        )
