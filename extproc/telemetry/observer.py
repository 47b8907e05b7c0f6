"""`Telemetry`: the observer that the wire calls when an exchange begins and when it has ended."""

from __future__ import annotations

import hashlib
import sys
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.export import ConsoleSpanExporter
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from extproc import __version__
from extproc.config.api import OTHER_OPERATION, api_at
from extproc.exchange.events import request_id_of
from extproc.identity import ANONYMOUS, UNKNOWN
from extproc.telemetry import instruments as names
from extproc.telemetry.audit import AuditTrail
from extproc.telemetry.audit_facts import AuditFacts
from extproc.telemetry.audit_line import audit_line, under_way
from extproc.telemetry.audit_ship import OtlpLogs, Shipping, Syslog
from extproc.telemetry.bill import Prices
from extproc.telemetry.conventions import OLDER
from extproc.telemetry.meter import Meter
from extproc.telemetry.otlp import MetricPusher, metric_exporter, span_exporter
from extproc.telemetry.providers import Providers
from extproc.telemetry.spans import Identifier, SpanIdentity, SpanMaker, SpanQueue
from extproc.telemetry.tally import Tally, error_type
from extproc.telemetry.usage import UsageReader

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from opentelemetry.sdk.trace.export import SpanExporter

    from extproc.config import Mesh
    from extproc.config.telemetry import TelemetrySettings
    from extproc.exchange.record import ExchangeRecord, Usage
    from extproc.identity import Caller
    from extproc.telemetry.audit_ship import Sink
    from extproc.telemetry.bill import Bill
    from extproc.telemetry.otlp import Parent
    from extproc.telemetry.spans import Attribute

OTHER = "other"
FINISH_REASONS = frozenset(
    {"stop", "length", "content_filter", "tool_calls", "function_call"}
    | {"end_turn", "max_tokens", "stop_sequence", "tool_use", "pause_turn", "refusal"}
)
"""What may be told of why an answer ended; a word of the upstream's own is `other`."""


@dataclass(slots=True)
class RequestTrace:
    """What is kept of an exchange while it runs: no text, only who and where."""

    operation: str
    project: str
    identity: SpanIdentity | None
    slot: int | None = None
    """In the journal of what is under way."""
    caller: Caller = ANONYMOUS

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers for the upstream."""
        return {"traceparent": self.identity.traceparent} if self.identity else {}

    @property
    def ids(self) -> tuple[int, int] | None:
        """See Trace."""
        context = self.identity.context if self.identity else None
        return (context.trace_id, context.span_id) if context is not None and context.trace_flags.sampled else None

    @property
    def trace_id(self) -> str:
        """See Trace."""
        return f"{ids[0]:032x}" if (ids := self.ids) else ""

    @property
    def metadata(self) -> Mapping[str, str]:
        """For Envoy's dynamic metadata."""
        values = {"project": self.project, "caller": self.caller.id, "team": self.caller.team}
        return {name: value for name, value in values.items() if value}


class Telemetry:
    """Everything that is reported, for one process. Implements `exchange.Observer`."""

    def __init__(
        self,
        mesh: Mesh,
        *,
        meter: Meter | None = None,
        look: Callable[[], None] = lambda: None,
        parent: Parent | None = None,
    ) -> None:
        """`look` and `parent`: see MetricPusher."""
        settings = mesh.telemetry
        self.meter = meter or Meter()
        self._tally = Tally(self.meter)
        self._resource = Resource.create(
            # a worker's counts are its own: without an instance a receiver takes them for another's that fell
            {"service.name": "intentmesh", "service.version": __version__, "service.instance.id": str(uuid.uuid4())}
        )
        self._scope = InstrumentationScope("intentmesh", __version__)
        self._maker = SpanMaker(self._resource, self._scope)
        sinks = self._sinks(settings)
        self._shipping = Shipping(sinks, self.meter) if sinks else None
        written = self._shipping.ship if self._shipping else lambda _: None
        self.audit = AuditTrail(settings.audit, self.meter, written=written) if settings.audit else None
        exporters: list[SpanExporter] = [span_exporter(settings.otlp)] if settings.otlp else []
        if settings.traces.console:
            exporters.append(ConsoleSpanExporter(out=sys.stderr))
        self._spans = SpanQueue(exporters, self.meter) if exporters else None
        self._pusher = (
            MetricPusher(
                self.meter,
                metric_exporter(settings.otlp),
                resource=self._resource,
                scope=self._scope,
                interval_s=settings.metrics_interval_s,
                older=settings.conventions == "older",
                look=look,
                parent=parent,
            )
            if settings.otlp
            else None
        )
        self.use(mesh)

    def _sinks(self, settings: TelemetrySettings) -> list[Sink]:
        """Where audit lines are sent on to."""
        ship = settings.audit.ship if settings.audit else None
        sinks: list[Sink] = []
        if ship and ship.otlp and settings.otlp:
            sinks.append(OtlpLogs(settings.otlp, self._resource, self._scope))
        if ship and ship.syslog:
            sinks.append(Syslog(ship.syslog))
        return sinks

    def use(self, mesh: Mesh) -> None:
        """Take a reloaded configuration into use. Exporters and the audit file stay as they were at the start."""
        self._settings = mesh.telemetry
        self._identifier = Identifier(mesh.telemetry.traces.ratio)
        older = mesh.telemetry.conventions == "older"
        self._provider_name = OLDER[names.PROVIDER] if older else names.PROVIDER
        self._prices = Prices(mesh)
        self._providers = self._tally.providers = Providers(mesh)
        self._facts = AuditFacts(mesh)
        self._known_models = {name: name for name in mesh.models} | {
            m.upstream_name: m.upstream_name for m in mesh.models.values() if m.upstream_name
        }
        self._reads_answers = mesh.reads_usage
        self._digest = hashlib.sha256(mesh.model_dump_json().encode()).hexdigest()[:16]

    @property
    def reads_answers(self) -> bool:
        """Whether token usage is read."""
        return self._reads_answers

    @property
    def refuses(self) -> bool:
        """The audit trail cannot be written, and requests are to be refused for it."""
        return self.audit is not None and self.audit.blocked

    def begin(self, headers: Mapping[str, str], caller: Caller = ANONYMOUS) -> RequestTrace:
        """An intercepted request begins."""
        api = api_at(headers.get(":path", ""))
        operation = api.operation if api is not None else OTHER_OPERATION
        identity = self._identifier.identify(headers) if self._spans else None
        trace = RequestTrace(operation, caller.project, identity, caller=caller)
        if self.audit:
            trace.slot = self.audit.begin(under_way(time.time(), request_id_of(headers), caller.project))
        return trace

    def waits(self, exchange: ExchangeRecord) -> None:
        """It has gone on, and of its end Envoy's access log is to tell: what is known by now outlives us."""
        trace = exchange.trace
        if self.audit and isinstance(trace, RequestTrace):
            entry = under_way(exchange.started_at, exchange.request_id, trace.project, exchange)
            self.audit.tell(trace.slot, entry)

    def reader(self, content_type: str, content_encoding: str) -> UsageReader | None:
        """A reader for JSON and event streams that are not compressed."""
        if content_encoding not in {"", "identity"}:
            return None
        if content_type.startswith("text/event-stream"):
            return UsageReader(streamed=True)
        return UsageReader(streamed=False) if "json" in content_type else None

    def finish(self, exchange: ExchangeRecord) -> None:
        """An exchange has ended: put it on record, count it, and tell it on."""
        if exchange.rule:
            trace = exchange.trace if isinstance(exchange.trace, RequestTrace) else None
            bill = self._prices.bill(exchange)
            try:
                if self.audit:
                    self._record(self.audit, exchange, trace, bill)
            finally:
                self._tally.count(
                    exchange,
                    trace.operation if trace else "chat",
                    self._known(exchange.usage.response_model) if exchange.usage else "",
                    label_of(self._settings.projects, trace.project if trace else "") if bill else "",
                    bill,
                )
                if trace and trace.identity and self._spans and trace.identity.context.trace_flags.sampled:
                    self._trace(exchange, trace, bill)

    def bill(self, model: str, usage: Usage) -> Mapping[str, float]:
        """Tokens and money for Envoy's dynamic metadata."""
        given, made = usage.input_tokens or 0, usage.output_tokens or 0
        return {
            "input_tokens": given,
            "output_tokens": made,
            "total_tokens": given + made,
            "cost": self._prices.cost(model, usage, given),
        }

    def close(self) -> None:
        """Flush everything; each exporter has a few seconds."""
        for part in (self._spans, self._pusher, self.audit, self._shipping):
            if part is not None:
                part.close()

    def _trace(self, exchange: ExchangeRecord, trace: RequestTrace, bill: Bill | None) -> None:
        assert trace.identity is not None
        assert self._spans is not None
        values: dict[str, Attribute | None] = {
            names.OPERATION: trace.operation,
            self._provider_name: self._providers.of(exchange.model),
            names.REQUEST_STREAM: True if exchange.streamed else None,
            names.SERVER_ADDRESS: self._providers.address(exchange.model),
            names.OUTCOME: exchange.outcome,
            names.PROJECT: trace.project,
            names.CALLER: exchange.caller.id or None,
            names.TEAM: exchange.caller.team or None,
            names.REQUEST_MODEL: exchange.model,
            names.INTENT: exchange.intent,
            names.SCORE: exchange.score,
            names.STAGE: exchange.stage,
            names.MODEL: exchange.model,
            names.VERSION: exchange.version,
            names.REASON: exchange.reason,
            names.ERROR_TYPE: error_type(exchange),
            "http.response.status_code": exchange.status,
            "intentmesh.request_id": exchange.request_id or None,
        }
        attributes = {name: value for name, value in values.items() if value is not None}
        counts: dict[str, int] = {}
        for (entity_type, _), count in exchange.entities.items():
            key = f"{names.ENTITY}.{entity_type}"
            counts[key] = counts.get(key, 0) + count
        attributes |= counts
        if exchange.verdicts:
            attributes[names.VERDICT] = tuple(map(str, exchange.verdicts))
        if bill:
            attributes[names.INPUT_TOKENS] = bill.input_tokens
            attributes[names.OUTPUT_TOKENS] = bill.output_tokens
            attributes[names.ESTIMATED] = bill.estimated
        if usage := exchange.usage:
            if usage.response_model:
                attributes[names.RESPONSE_MODEL] = self._known(usage.response_model)
            if usage.finish_reason:
                known = usage.finish_reason in FINISH_REASONS
                attributes[names.FINISH_REASONS] = (usage.finish_reason if known else OTHER,)
        start = int(exchange.started_at * 1e9)
        how = self._settings.traces.steps
        spans = self._maker.make(
            trace.identity,
            f"{trace.operation} {exchange.model or ''}".rstrip(),
            start,
            start + int(exchange.duration_s * 1e9),
            attributes,
            steps=exchange.steps_s if how != "none" else {},
            as_spans=how == "spans",
            error=error_type(exchange),
        )
        for span in spans:
            self._spans.put(span)

    def _record(
        self, audit: AuditTrail, exchange: ExchangeRecord, trace: RequestTrace | None, bill: Bill | None
    ) -> None:
        try:
            audit.write(self._audit_record(exchange, trace, bill), trace.slot if trace else None)
        except Exception:
            audit.lose(1)
            raise

    def _audit_record(self, exchange: ExchangeRecord, trace: RequestTrace | None, bill: Bill | None) -> str:
        kept = self._facts.told(exchange.facts) if exchange.facts is not None else "{}"
        return audit_line(exchange, trace.project if trace else "", bill, self._digest, kept)

    def _known(self, model: str | None) -> str:
        """A model's name as a label: only those of the registry, so that labels stay few."""
        return self._known_models.get(model or "", OTHER if model else "")


def label_of(known: Sequence[str], project: str) -> str:
    """The project as a metric's label: only names that the configuration knows, so that labels stay few."""
    return project if project == UNKNOWN or project in known else OTHER
