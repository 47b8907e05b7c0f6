"""Where measurements add up: plain counts in dicts.

A synchronous OpenTelemetry instrument costs 7 to 8 µs a call, and a request makes about fifteen: more than all of masking.
So values are aggregated here (under a microsecond a call) and handed to OpenTelemetry's exporters and to Prometheus when
they ask: `snapshot` is what both of them, and the parent of several workers, read.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from typing import TYPE_CHECKING

from extproc.telemetry.exemplars import CELLS
from extproc.telemetry.instruments import KEPT

if TYPE_CHECKING:
    from extproc.telemetry.arena import Arena
    from extproc.telemetry.instruments import Instrument
    from extproc.telemetry.series import Cells, Labels, Snapshot


class Meter:
    """All instruments of one process. Not thread-safe by itself: one event loop writes, readers take `snapshot`."""

    def __init__(self, arena: Arena | None = None) -> None:
        """`arena`: where the counts lie, if a parent is to see them."""
        self._series: dict[str, dict[Labels, Cells]] = {instrument.name: {} for instrument in KEPT}
        self._arena = arena
        self._lock = threading.Lock()

    def cells(self, instrument: Instrument, labels: Labels = ()) -> Cells:
        """Where a counter or histogram adds up, for whoever writes to it often. It stays the same."""
        series = self._series[instrument.name]
        cells = series.get(labels)
        return self._new(instrument, labels) if cells is None else cells

    def _new(self, instrument: Instrument, labels: Labels) -> Cells:
        series = self._series[instrument.name]
        buckets = len(instrument.boundaries) + 1
        size = {"histogram": buckets + 1, "exemplars": buckets * CELLS}.get(instrument.kind, 1)
        with self._lock:
            if labels not in series:
                shared = self._arena.allot(instrument.name, labels, size) if self._arena else None
                series[labels] = [0.0] * size if shared is None else shared
            return series[labels]

    def add(self, instrument: Instrument, value: float = 1.0, labels: Labels = ()) -> None:
        """Count."""
        self.cells(instrument, labels)[0] += value

    def set(self, instrument: Instrument, value: float, labels: Labels = ()) -> None:
        """Set a gauge."""
        self.cells(instrument, labels)[0] = value

    def record(self, instrument: Instrument, value: float, labels: Labels = ()) -> None:
        """Put a value into its bucket; a bucket holds what is at most its boundary."""
        cells = self.cells(instrument, labels)
        cells[0] += value
        cells[bisect_left(instrument.boundaries, value) + 1] += 1

    def snapshot(self) -> Snapshot:
        """A copy, consistent within each series."""
        return {
            name: {labels: list(cells) for labels, cells in list(series.items())}
            for name, series in self._series.items()
        }
