"""Windows of time."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extproc.budget.calendar import Calendar

KINDS = ("minute", "hour", "day", "week", "month")
ZONES = ("UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia")


@given(st.integers(0, 2**32), st.sampled_from(KINDS), st.sampled_from(ZONES))
def test_windows_leave_no_gap(now, kind, zone):
    """A moment lies in its window, and where it ends the next begins."""
    window = Calendar(zone).window(kind, now)
    assert window.start <= now < window.end
    assert Calendar(zone).window(kind, window.end).start == window.end
    assert Calendar(zone).window(kind, window.start) == window
    begun = datetime.fromtimestamp(window.start, ZoneInfo(zone))
    assert begun.second == 0
    if kind == "week":
        assert (begun - timedelta(hours=3)).weekday() in (6, 0)
    if kind == "month":
        assert begun.day == 1


@pytest.mark.parametrize(
    ("kind", "zone", "now", "start", "end"),
    [
        ("day", "Europe/Berlin", "2026-03-29T12:00", "2026-03-28T23:00", "2026-03-29T22:00"),  # 23 hours long
        ("day", "Europe/Berlin", "2026-10-25T12:00", "2026-10-24T22:00", "2026-10-25T23:00"),  # 25
        ("month", "UTC", "2024-02-29T12:00", "2024-02-01T00:00", "2024-03-01T00:00"),
        ("month", "UTC", "2026-12-31T23:59", "2026-12-01T00:00", "2027-01-01T00:00"),
        ("week", "UTC", "2026-12-02T00:00", "2026-11-30T00:00", "2026-12-07T00:00"),
        (
            "hour",
            "Australia/Lord_Howe",
            "2026-04-04T15:10",
            "2026-04-04T15:00",
            "2026-04-04T15:30",
        ),  # back by half an hour
        (
            "hour",
            "Pacific/Chatham",
            "2026-09-26T14:10",
            "2026-09-26T14:00",
            "2026-09-26T14:15",
        ),  # forward at a quarter to
        ("hour", "Europe/Berlin", "2026-10-25T01:30", "2026-10-25T01:00", "2026-10-25T02:00"),
        ("day", "America/St_Johns", "2010-11-07T03:00", "2010-11-06T02:30", "2010-11-07T03:30"),  # midnight twice
        ("hour", "Asia/Kathmandu", "2026-12-02T00:20", "2026-12-02T00:15", "2026-12-02T01:15"),
    ],
)
def test_by_the_calendar(kind, zone, now, start, end):
    """Days are as long as they are there."""
    at, first, last = (
        datetime.fromisoformat(f"{each}+00:00").astimezone(UTC).timestamp() for each in (now, start, end)
    )
    assert Calendar(zone).window(kind, at) == (first, last)
