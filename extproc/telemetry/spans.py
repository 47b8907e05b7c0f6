"""One span per exchange, made when it has ended and exported in batches from a thread of its own.

The identifiers exist from the start, because the upstream's span has to name ours as its parent. Building the finished
span at once costs a third of a live one, and nothing is held per request but two integers. The queue is bounded and what
it loses is counted, so a receiver that is slow or gone costs no request anything.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from opentelemetry.sdk.trace import Event as SpanEvent
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.trace.propagation import get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from extproc.telemetry.instruments import TELEMETRY_DROPPED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

    from extproc.telemetry.meter import Meter

Attribute = str | int | float | bool | tuple[str, ...]

QUEUE_SPANS = 8192
BATCH_SPANS = 512
WAIT_S = 1.0

_propagator = TraceContextTextMapPropagator()
_random = Random()  # noqa: S311 - trace ids have to be distinct, not secret
os.register_at_fork(after_in_child=_random.seed)  # else all workers would give the same ids


@dataclass(frozen=True, slots=True)
class SpanIdentity:
    """Who a span is and whose child, known before it has anything to tell."""

    context: SpanContext
    parent: SpanContext | None

    @property
    def traceparent(self) -> str:
        """Header for the upstream (W3C Trace Context)."""
        context = self.context
        return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"


class Identifier:
    """Gives each exchange its identity: the caller's trace goes on, and its sampling decision with it."""

    def __init__(self, ratio: float) -> None:
        self._bound = TraceIdRatioBased.get_bound_for_rate(ratio)

    def identify(self, headers: Mapping[str, str]) -> SpanIdentity:
        """`headers`: names in lower case. A `traceparent` that is not well formed begins a new trace."""
        if "traceparent" in headers:
            parent = get_current_span(_propagator.extract(headers)).get_span_context()
            if parent.is_valid:
                context = SpanContext(parent.trace_id, _random.getrandbits(64) or 1, False, parent.trace_flags)
                return SpanIdentity(context, parent)
        trace_id = _random.getrandbits(128) or 1
        sampled = trace_id & 0xFFFFFFFFFFFFFFFF < self._bound
        flags = TraceFlags(TraceFlags.SAMPLED if sampled else TraceFlags.DEFAULT)
        return SpanIdentity(SpanContext(trace_id, _random.getrandbits(64) or 1, False, flags), None)


class SpanQueue:
    """Bounded queue and the thread that empties it into an exporter."""

    def __init__(self, exporters: Sequence[SpanExporter], meter: Meter) -> None:
        self._exporters = exporters
        self._meter = meter
        self._spans: deque[ReadableSpan] = deque()
        self._wake = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="span-export", daemon=True)
        self._thread.start()

    def put(self, span: ReadableSpan) -> None:
        """Queue a span; with a full queue it is lost and counted."""
        if len(self._spans) >= QUEUE_SPANS:
            self._meter.add(TELEMETRY_DROPPED, 1, ("traces",))
            return
        self._spans.append(span)
        if len(self._spans) >= BATCH_SPANS:
            self._wake.set()

    def close(self, timeout_s: float = 5.0) -> None:
        """Export what is queued, for `timeout_s` at most."""
        self._closing = True
        self._wake.set()
        self._thread.join(timeout_s)
        for exporter in self._exporters:
            exporter.shutdown()

    def _run(self) -> None:
        while True:
            closing = self._closing
            while self._spans:
                batch = [self._spans.popleft() for _ in range(min(BATCH_SPANS, len(self._spans)))]
                for exporter in self._exporters:
                    self._export(exporter, batch)
            if closing:
                return
            self._wake.wait(WAIT_S)
            self._wake.clear()

    def _export(self, exporter: SpanExporter, batch: Sequence[ReadableSpan]) -> None:
        try:
            result = exporter.export(batch)
        except Exception:  # noqa: BLE001 - whatever a receiver does, it is counted and requests go on
            result = SpanExportResult.FAILURE
        if result is not SpanExportResult.SUCCESS:
            self._meter.add(TELEMETRY_DROPPED, len(batch), ("traces",))


@dataclass(frozen=True, slots=True)
class SpanMaker:
    """What all spans of a process have in common."""

    resource: Resource
    scope: InstrumentationScope

    def make(
        self,
        identity: SpanIdentity,
        name: str,
        start_ns: int,
        end_ns: int,
        attributes: Mapping[str, Attribute],
        *,
        steps: Mapping[str, float],
        as_spans: bool,
        error: str | None,
    ) -> list[ReadableSpan]:
        """The span of an exchange, and with `as_spans` one for each step. `steps`: step -> seconds, in their order."""
        status = Status(StatusCode.ERROR, error) if error else Status(StatusCode.UNSET)
        children: list[ReadableSpan] = []
        events: list[SpanEvent] = []
        at = start_ns
        for step, seconds in steps.items():
            until = at + int(seconds * 1e9)
            if as_spans:
                children.append(self._step(step, identity.context, at, until))
            else:
                events.append(SpanEvent(step, {"intentmesh.step.seconds": seconds}, until))
            at = until
        span = ReadableSpan(
            name,
            identity.context,
            identity.parent,
            self.resource,
            attributes,
            events,
            (),
            SpanKind.CLIENT,
            instrumentation_scope=self.scope,
            status=status,
            start_time=start_ns,
            end_time=end_ns,
        )
        return [*children, span]

    def _step(self, name: str, parent: SpanContext, start_ns: int, end_ns: int) -> ReadableSpan:
        return ReadableSpan(
            name,
            SpanContext(parent.trace_id, _random.getrandbits(64) or 1, False, parent.trace_flags),
            parent,
            self.resource,
            instrumentation_scope=self.scope,
            start_time=start_ns,
            end_time=end_ns,
        )
