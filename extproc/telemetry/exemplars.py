"""An example of each bucket of a histogram: the last exchange in it that was traced, so that a slow one leads to its trace.

Eight numbers each, as they may lie in shared memory among the counts: the trace's id in four and the span's in two parts of 32
bits, the value, and when.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.samples import Exemplar

if TYPE_CHECKING:
    from collections.abc import MutableSequence, Sequence

CELLS = 8
_PART = 0xFFFFFFFF
_WHEN = 7


def put(cells: MutableSequence[float], bucket: int, trace_id: int, span_id: int, value: float, at: float) -> None:
    """Another example of a bucket. `at`: Unix time."""
    parts = (
        trace_id >> 96,
        trace_id >> 64 & _PART,
        trace_id >> 32 & _PART,
        trace_id & _PART,
        span_id >> 32,
        span_id & _PART,
    )
    for place, number in enumerate((*parts, value, at), bucket * CELLS):
        cells[place] = float(number)


def latest(one: Sequence[float], other: Sequence[float]) -> list[float]:
    """Of each bucket the later example of two."""
    cells = list(one)
    for start in range(0, len(cells), CELLS):
        if other[start + _WHEN] > cells[start + _WHEN]:
            cells[start : start + CELLS] = other[start : start + CELLS]
    return cells


def exemplar(cells: Sequence[float], bucket: int) -> Exemplar | None:
    """The example of a bucket; None where there is none yet."""
    *parts, value, at = cells[bucket * CELLS : (bucket + 1) * CELLS]
    if not at:
        return None
    trace_id = "".join(f"{int(part):08x}" for part in parts)
    return Exemplar({"trace_id": trace_id[:32], "span_id": trace_id[32:]}, value, at)
