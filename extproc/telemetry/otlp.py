"""Spans and metrics to an OpenTelemetry receiver, off the event loop; a slow or absent one costs no request anything."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpanExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpanExporter
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricExporter,
    MetricExportResult,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource

from extproc.telemetry.conventions import spoken
from extproc.telemetry.instruments import INSTRUMENTS, TELEMETRY_DROPPED

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

    from extproc.config.telemetry import OtlpSettings
    from extproc.telemetry.instruments import Instrument
    from extproc.telemetry.meter import Meter
    from extproc.telemetry.series import Snapshot

CUMULATIVE = AggregationTemporality.CUMULATIVE


def span_exporter(settings: OtlpSettings) -> SpanExporter:
    """The SDK's exporter for the protocol."""
    if settings.protocol == "grpc":
        insecure = settings.endpoint.startswith("http://")
        return GrpcSpanExporter(endpoint=settings.endpoint, insecure=insecure, timeout=settings.timeout_s)
    return HttpSpanExporter(endpoint=f"{settings.endpoint.rstrip('/')}/v1/traces", timeout=settings.timeout_s)


def metric_exporter(settings: OtlpSettings) -> MetricExporter:
    """The SDK's exporter for the protocol."""
    if settings.protocol == "grpc":
        insecure = settings.endpoint.startswith("http://")
        return GrpcMetricExporter(endpoint=settings.endpoint, insecure=insecure, timeout=settings.timeout_s)
    return HttpMetricExporter(endpoint=f"{settings.endpoint.rstrip('/')}/v1/metrics", timeout=settings.timeout_s)


@dataclass(frozen=True, slots=True)
class Parent:
    """The parent of several workers: what it counts itself is told by one of them, since who forks must not touch gRPC."""

    instance: str
    """`service.instance.id`: the same whichever worker tells."""
    snapshot: Callable[[], Snapshot]


class MetricPusher:
    """Sends the meter's snapshot every `interval_s` from a thread of its own, and once more when it is closed."""

    def __init__(
        self,
        meter: Meter,
        exporter: MetricExporter,
        *,
        resource: Resource,
        scope: InstrumentationScope,
        interval_s: float,
        older: bool = False,
        look: Callable[[], None] = lambda: None,
        parent: Parent | None = None,
    ) -> None:
        """`look`: sets what is measured by looking. `parent`: whose counts are told beside these."""
        self._meter = meter
        self._exporter = exporter
        self._resource = resource
        self._scope = scope
        self._interval_s = interval_s
        self._older = older
        self._look = look
        self._parent = parent
        self._started_ns = time.time_ns()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="metric-pusher", daemon=True)
        self._thread.start()

    def close(self, timeout_s: float = 5.0) -> None:
        """Send what is there and end the thread; a receiver that does not answer is left behind after `timeout_s`."""
        self._closing.set()
        self._thread.join(timeout_s)
        self._exporter.shutdown(timeout_millis=timeout_s * 1000)

    def _run(self) -> None:
        last = False
        while not last:
            last = self._closing.wait(self._interval_s)
            try:
                result = self._exporter.export(self._data())
            except Exception:  # noqa: BLE001 - whatever a receiver does, it is counted and requests go on
                result = MetricExportResult.FAILURE
            if result is not MetricExportResult.SUCCESS:
                self._meter.add(TELEMETRY_DROPPED, 1, ("metrics",))

    def _data(self) -> MetricsData:
        self._look()
        sources = [(self._meter.snapshot(), self._resource)]
        if self._parent is not None:
            resource = self._resource.merge(Resource({"service.instance.id": self._parent.instance}))
            sources.append((self._parent.snapshot(), resource))
        metrics = (metrics_data(one, of, self._scope, self._started_ns, older=self._older) for one, of in sources)
        return MetricsData([part for data in metrics for part in data.resource_metrics])


def metrics_data(
    snapshot: Snapshot, resource: Resource, scope: InstrumentationScope, started_ns: int, *, older: bool = False
) -> MetricsData:
    """A snapshot as the SDK's own data model, cumulative since `started_ns`."""
    now = time.time_ns()
    metrics = [
        Metric(described.name, described.description, described.unit, _data(described, series, started_ns, now))
        for instrument in INSTRUMENTS
        if (series := snapshot.get(instrument.name)) and (described := spoken(instrument, older=older))
    ]
    return MetricsData([ResourceMetrics(resource, [ScopeMetrics(scope, metrics, "")], "")])


def _data(
    instrument: Instrument, series: dict[tuple[str, ...], list[float]], start: int, now: int
) -> Sum | Gauge | Histogram:
    if instrument.kind == "histogram":
        return Histogram(
            [
                HistogramDataPoint(
                    attributes=_attributes(instrument, labels),
                    start_time_unix_nano=start,
                    time_unix_nano=now,
                    count=int(sum(buckets)),
                    sum=total,
                    bucket_counts=[int(n) for n in buckets],
                    explicit_bounds=list(instrument.boundaries),
                    min=cast("float", None),  # not kept, and optional in OTLP; the SDK's type does not say so
                    max=cast("float", None),
                )
                for labels, (total, *buckets) in series.items()
            ],
            CUMULATIVE,
        )
    points = [
        NumberDataPoint(_attributes(instrument, labels), start, now, value) for labels, (value,) in series.items()
    ]
    return Gauge(points) if instrument.kind == "gauge" else Sum(points, CUMULATIVE, is_monotonic=True)


def _attributes(instrument: Instrument, labels: tuple[str, ...]) -> dict[str, str]:
    return {name: value for name, value in zip(instrument.attributes, labels, strict=True) if value}
