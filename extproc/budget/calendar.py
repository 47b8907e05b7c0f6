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
        here = datetime.fromtimestamp(now, self._zone)
        if kind in ("minute", "hour"):
            # these go on through a change of the clocks, with as many seconds as ever
            seconds = 60 if kind == "minute" else 3600
            start = (
                here.replace(second=0, microsecond=0)
                if kind == "minute"
                else here.replace(minute=0, second=0, microsecond=0)
            )
            begun = int(start.timestamp())
            return Window(begun, begun + seconds)
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
        return Window(int(first.timestamp()), int(last.timestamp()))
