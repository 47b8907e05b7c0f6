"""Where measurements add up: plain counts in dicts.

A synchronous OpenTelemetry instrument costs 7 to 8 µs a call, and a request makes about fifteen: more than all of masking.
So values are aggregated here (under a microsecond a call) and handed to OpenTelemetry's exporters and to Prometheus when
they ask: `snapshot` is what both of them, and the parent of several workers, read.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from extproc.telemetry.instruments import INSTRUMENTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from extproc.telemetry.instruments import Instrument

Labels = tuple[str, ...]
Cells = list[float]
"""[value], or for a histogram [sum, count of each bucket ..., count above the last]."""
Snapshot = dict[str, dict[Labels, Cells]]
"""Instrument -> attribute values -> what adds up there."""


class Meter:
    """All instruments of one process. Not thread-safe by itself: one event loop writes, readers take `snapshot`."""

    def __init__(self) -> None:
        self._series: Snapshot = {instrument.name: {} for instrument in INSTRUMENTS}

    def cells(self, instrument: Instrument, labels: Labels = ()) -> Cells:
        """Where a counter or histogram adds up, for whoever writes to it often. It stays the same list."""
        series = self._series[instrument.name]
        cells = series.get(labels)
        if cells is None:
            size = len(instrument.boundaries) + 2 if instrument.kind == "histogram" else 1
            cells = series[labels] = [0.0] * size
        return cells

    def add(self, instrument: Instrument, value: float = 1.0, labels: Labels = ()) -> None:
        """Count."""
        self.cells(instrument, labels)[0] += value

    def set(self, instrument: Instrument, value: float, labels: Labels = ()) -> None:
        """Set a gauge."""
        self._series[instrument.name][labels] = [value]

    def record(self, instrument: Instrument, value: float, labels: Labels = ()) -> None:
        """Put a value into its bucket; a bucket holds what is at most its boundary."""
        cells = self.cells(instrument, labels)
        cells[0] += value
        cells[bisect_left(instrument.boundaries, value) + 1] += 1

    def snapshot(self) -> Snapshot:
        """A copy, consistent within each series."""
        return {
            name: {labels: cells[:] for labels, cells in list(series.items())} for name, series in self._series.items()
        }


def merge(snapshots: Iterable[Snapshot]) -> Snapshot:
    """Sum over processes, gauges included."""
    total: Snapshot = {}
    for snapshot in snapshots:
        for name, series in snapshot.items():
            into = total.setdefault(name, {})
            for labels, cells in series.items():
                known = into.get(labels)
                into[labels] = cells[:] if known is None else _sum(known, cells)
    return total


def _sum(one: Cells, other: Cells) -> Cells:
    return [a + b for a, b in zip(one, other, strict=True)]
