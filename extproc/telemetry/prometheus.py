"""The meter in Prometheus' text format, by prometheus-client."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector, CollectorRegistry

from extproc.telemetry.conventions import spoken
from extproc.telemetry.exemplars import exemplar
from extproc.telemetry.instruments import EXEMPLARS, INSTRUMENTS, OPERATION_DURATION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.metrics_core import Metric

    from extproc.telemetry.series import Snapshot

UNITS = {"s": "seconds", "By": "bytes"}
"""UCUM units that OpenTelemetry's mapping to Prometheus spells out; those in braces are left away."""


def prometheus_name(name: str, unit: str) -> str:
    """The name that OpenTelemetry's mapping gives: dots become underscores, the unit is appended."""
    plain = name.replace(".", "_")
    suffix = UNITS.get(unit)
    return f"{plain}_{suffix}" if suffix else plain


def negotiated(snapshot: Snapshot, accept: str, *, older: bool = False) -> tuple[bytes, str]:
    """The body of `/metrics` and its content type, as a reader wants it: OpenMetrics has exemplars. `older`: names."""
    encode, content_type = choose_encoder(accept)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Families(snapshot, older=older))
    ProcessCollector(registry=registry)  # of the process that answers
    return encode(registry), content_type


class _Families(Collector):
    def __init__(self, snapshot: Snapshot, *, older: bool) -> None:
        self._snapshot = snapshot
        self._older = older

    def collect(self) -> Iterator[Metric]:
        for instrument in INSTRUMENTS:
            told_as = spoken(instrument, older=self._older)
            name = prometheus_name(told_as.name, told_as.unit)
            labels = [attribute.replace(".", "_") for attribute in told_as.attributes]
            series = self._snapshot.get(instrument.name, {})
            if instrument.kind == "histogram":
                histogram = HistogramMetricFamily(name, instrument.description, labels=labels)
                edges = [*(f"{edge:g}" for edge in instrument.boundaries), "+Inf"]
                examples = self._snapshot.get(EXEMPLARS.name, {}) if instrument is OPERATION_DURATION else {}
                for values, (total, *buckets) in series.items():
                    of_series = examples.get(values)
                    cumulative: list[Any] = [
                        (edge, count, exemplar(of_series, bucket) if of_series else None)
                        for bucket, (edge, count) in enumerate(zip(edges, accumulate(buckets), strict=True))
                    ]
                    histogram.add_metric(list(values), cumulative, total)
                yield histogram
            else:
                family = CounterMetricFamily if instrument.kind == "counter" else GaugeMetricFamily
                metric = family(name, instrument.description, labels=labels)
                for values, (value,) in series.items():
                    metric.add_metric(list(values), value)
                yield metric
