"""Windows of time, by the calendar of one time zone."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from extproc.config.budgets import Window as Kind

DECEMBER = 12


class Window(NamedTuple):
    """From one second, on which it begins, to another, on which the next does. Unix time."""

    start: int
    end: int


class Calendar:
    """The windows that a moment lies in. The last of each kind is kept: requests come one after the other."""

    def __init__(self, timezone: str) -> None:
        self._zone = ZoneInfo(timezone)
        self._last: dict[Kind, Window] = {}

    def window(self, kind: Kind, now: float) -> Window:
        """The window of this kind."""
        last = self._last.get(kind)
        if last is not None and last.start <= now < last.end:
            return last
        window = self._last[kind] = self._made(kind, now)
        return window

    def _made(self, kind: Kind, now: float) -> Window:
        if kind in ("minute", "hour"):
            return self._by_the_clock(int(now), 60 if kind == "minute" else 3600)
        here = datetime.fromtimestamp(now, self._zone)
        day = here.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
        if kind == "day":
            first, last = day, day + timedelta(days=1)
        elif kind == "week":
            first = day - timedelta(days=day.weekday())
            last = first + timedelta(days=7)
        else:
            first = day.replace(day=1)
            year, month = (first.year + 1, 1) if first.month == DECEMBER else (first.year, first.month + 1)
            last = first.replace(year=year, month=month)
        if last.timestamp() <= now:  # the clocks were put back behind midnight, which comes again
            last = last.replace(fold=1)
        return Window(int(first.timestamp()), int(last.timestamp()))

    def _by_the_clock(self, now: int, seconds: int) -> Window:
        """From a full minute or hour to the next; where the clocks are put by less than an hour, a window ends then too."""
        offset = self._offset(now)
        start = now - (now + offset) % seconds
        end = start + seconds
        if self._offset(start) != offset:
            start = self._change(start, now)
        if self._offset(end) != offset:
            end = self._change(now, end)
        return Window(start, end)

    def _offset(self, moment: int) -> int:
        """Seconds by which the clocks are ahead of UTC."""
        offset = datetime.fromtimestamp(moment, self._zone).utcoffset()
        return 0 if offset is None else int(offset.total_seconds())

    def _change(self, before: int, after: int) -> int:
        """The first second on which the clocks are not what they were."""
        while after - before > 1:
            middle = (before + after) // 2
            if self._offset(middle) == self._offset(after):
                after = middle
            else:
                before = middle
        return after
