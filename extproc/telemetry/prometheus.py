"""The meter in Prometheus' text format, by prometheus-client."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector, CollectorRegistry

from extproc.telemetry.instruments import INSTRUMENTS

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


def exposition(snapshot: Snapshot) -> bytes:
    """The body of `/metrics`."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Families(snapshot))
    ProcessCollector(registry=registry)  # of the process that answers
    return generate_latest(registry)


class _Families(Collector):
    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Metric]:
        for instrument in INSTRUMENTS:
            name = prometheus_name(instrument.name, instrument.unit)
            labels = [attribute.replace(".", "_") for attribute in instrument.attributes]
            series = self._snapshot.get(instrument.name, {})
            if instrument.kind == "histogram":
                histogram = HistogramMetricFamily(name, instrument.description, labels=labels)
                edges = [*(f"{edge:g}" for edge in instrument.boundaries), "+Inf"]
                for values, (total, *buckets) in series.items():
                    cumulative = list(zip(edges, accumulate(buckets), strict=True))
                    histogram.add_metric(list(values), cumulative, total)
                yield histogram
            else:
                family = CounterMetricFamily if instrument.kind == "counter" else GaugeMetricFamily
                metric = family(name, instrument.description, labels=labels)
                for values, (value,) in series.items():
                    metric.add_metric(list(values), value)
                yield metric
