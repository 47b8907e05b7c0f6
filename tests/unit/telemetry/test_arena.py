"""Counts that outlive who counted: the same numbers as in a process alone, read by another, whatever comes in between."""

import os
import random

from extproc.telemetry import instruments as names
from extproc.telemetry.arena import Arena
from extproc.telemetry.meter import Meter
from extproc.telemetry.series import counted, merge


def count(meter, dice):
    """Some hundred measurements."""
    for _ in range(300):
        meter.add(names.ENTITIES, dice.randrange(5), (dice.choice(("PERSON", "Ümläut", "")), dice.choice("ab")))
        meter.record(names.STEP_DURATION, dice.random(), (dice.choice(("pii", "intent")),))
        meter.set(names.QUEUE_SIZE, dice.randrange(9))


def test_the_same_as_without():
    """Shared or not, a meter counts alike."""
    arena, alone = Arena(), Meter()
    shared = Meter(arena)
    count(alone, random.Random(3))
    count(shared, random.Random(3))
    assert shared.snapshot() == alone.snapshot()
    assert arena.snapshot() == {name: series for name, series in alone.snapshot().items() if series}


def test_what_a_dead_worker_counted():
    """A child that ends without a word; gauges go with it, counts stay."""
    arena = Arena()
    pid = os.fork()
    if not pid:
        count(Meter(arena), random.Random(4))
        os._exit(9)
    os.waitpid(pid, 0)
    alone = Meter()
    count(alone, random.Random(4))
    past = counted(arena.snapshot())
    assert names.QUEUE_SIZE.name not in past
    assert past[names.ENTITIES.name] == alone.snapshot()[names.ENTITIES.name]
    assert merge([past, {}])[names.STEP_DURATION.name] == alone.snapshot()[names.STEP_DURATION.name]


def test_a_full_arena(monkeypatch):
    """What has no room is counted where it is, and told by that process alone."""
    monkeypatch.setattr("extproc.telemetry.arena.SIZE_BYTES", 1024)
    arena = Arena()
    meter = Meter(arena)
    for number in range(100):
        meter.add(names.FAIL_OPEN, 1, (f"reason-{number}",))
    assert len(meter.snapshot()[names.FAIL_OPEN.name]) == 100
    assert 10 < len(arena.snapshot()[names.FAIL_OPEN.name]) < 100
