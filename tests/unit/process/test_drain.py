"""When a processor that is going may refuse new streams: once all who ask for its health must have heard of it."""

from __future__ import annotations

from extproc.process.health import WatchedHealth


def told(times: list[float]) -> WatchedHealth:
    """Health that was asked at these times."""
    health = WatchedHealth()
    for time in times:
        health.asked(time)
    return health


def known_after(health: WatchedHealth, every_s: float, since: float = 100.0) -> float:
    """How long it takes from then, if it is asked on at this pace."""
    step, now, asked = 0.05, since, since
    while not health.is_known(since, now):
        now += step
        if now - asked >= every_s:
            asked = now
            health.asked(now)
    return now - since


def test_nobody_asks():
    """Where nobody asks, or nobody any more, nobody is waited for."""
    assert WatchedHealth().is_known(100.0, 100.0)
    assert told([90.0, 92.0]).is_known(100.0, 100.0)


def test_two_answers_of_the_rendered_pace():
    """Two intervals, and a little for being late."""
    assert 4.2 <= known_after(told([96.0, 98.0, 100.0]), every_s=2.0) <= 4.4


def test_a_second_asker_does_not_hurry_it():
    """Asked ten times a second, it waits as long: the other one may be Envoy."""
    assert 4.2 <= known_after(told([99.8, 99.9, 100.0]), every_s=0.1) <= 4.4


def test_a_slower_pace_is_waited_for():
    """An Envoy that asks every five seconds is told twice; one that asks every hour does not hold anything up."""
    assert 10.5 <= known_after(told([90.0, 95.0, 100.0]), every_s=5.0) <= 10.8
    assert known_after(told([0.0, 3600.0]), every_s=3600.0, since=3601.0) <= 22.1
