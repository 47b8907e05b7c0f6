"""Counts that outlive who counted: the same numbers as in a process alone, read by another, whatever comes in between."""

import os
import random

from extproc.telemetry import instruments as names
from extproc.telemetry.arena import Arena
from extproc.telemetry.exemplars import put
from extproc.telemetry.meter import Meter
from extproc.telemetry.prometheus import negotiated
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


def test_an_example_of_each_bucket():
    """The last one that was traced, whichever worker had it; in OpenMetrics alone."""
    arenas = [Arena(), Arena()]
    labels = ("chat", "llama.cpp", "phi", "phi", "")
    ids = (0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331)
    for number, arena in enumerate(arenas):
        meter = Meter(arena)
        meter.record(names.OPERATION_DURATION, 0.03 + number / 1000, labels)
        put(meter.cells(names.EXEMPLARS, labels), 2, ids[0] + number, ids[1], 0.03 + number / 1000, 1.7e9 + number)
    merged = merge(arena.snapshot() for arena in arenas)
    text, kind = negotiated(merged, "application/openmetrics-text; version=1.0.0")
    assert kind.startswith("application/openmetrics-text")
    (line,) = (line for line in text.decode().splitlines() if " # {" in line)
    assert 'le="0.04"' in line
    assert 'trace_id="0af7651916cd43dd8448eb211c80319d"' in line
    assert 'span_id="b7ad6b7169203331"' in line
    assert line.endswith("} 0.031 1700000001.0")
    assert " # {" not in negotiated(merged, "")[0].decode()
    assert names.EXEMPLARS.name not in counted(merged)


def test_older_names():
    """One switch for metrics and attributes that the conventions have renamed; all others stay."""
    meter = Meter()
    meter.record(names.TIME_TO_FIRST_TOKEN, 0.5, ("chat", "openai", "phi"))
    meter.add(names.ABSTAINED)
    text = negotiated(meter.snapshot(), "", older=True)[0].decode()
    labels = 'gen_ai_operation_name="chat",gen_ai_request_model="phi",gen_ai_system="openai"'
    assert f"gen_ai_server_time_to_first_token_seconds_count{{{labels}}} 1.0" in text
    assert "time_to_first_chunk" not in text
    assert "intentmesh_abstained_total 1.0" in text
    assert "time_to_first_chunk" in negotiated(meter.snapshot(), "")[0].decode()
