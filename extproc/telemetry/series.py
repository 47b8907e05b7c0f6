"""What measurements add up to: plain numbers under the values of their attributes, of one process or of several."""

from __future__ import annotations

from collections.abc import MutableSequence
from typing import TYPE_CHECKING

from extproc.telemetry.exemplars import latest
from extproc.telemetry.instruments import EXEMPLARS, INSTRUMENTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Labels = tuple[str, ...]
Cells = MutableSequence[float]
"""[value], or for a histogram [sum, count of each bucket ..., count above the last]."""
Snapshot = dict[str, dict[Labels, list[float]]]
"""Instrument -> attribute values -> what adds up there."""


def merge(snapshots: Iterable[Snapshot]) -> Snapshot:
    """Sum over processes, gauges included: those that cannot be summed are told by one process alone."""
    total: Snapshot = {}
    added = {EXEMPLARS.name: latest}
    for snapshot in snapshots:
        for name, series in snapshot.items():
            into = total.setdefault(name, {})
            for labels, cells in series.items():
                known = into.get(labels)
                into[labels] = list(cells) if known is None else added.get(name, _sum)(known, cells)
    return total


def counted(snapshot: Snapshot) -> Snapshot:
    """What stays of a process that has ended: all but its gauges, and exemplars."""
    gauges = {EXEMPLARS.name, *(instrument.name for instrument in INSTRUMENTS if instrument.kind == "gauge")}
    return {name: series for name, series in snapshot.items() if name not in gauges}


def _sum(one: Sequence[float], other: Sequence[float]) -> list[float]:
    return [a + b for a, b in zip(one, other, strict=True)]
