"""Short passes in the event loop: when it reads what waits, how much of it at once, and what it leaves to the thread."""

import asyncio
import threading

import pytest

from extproc.intent import in_loop
from extproc.intent.batching import Batcher
from extproc.intent.in_loop import ENOUGH, LONGEST_S, LONGEST_WAIT_S, MOST, SAVED_S, SHARE, SHORT_S, SMALL, InLoop


@pytest.fixture
def clock(monkeypatch):
    """Stands still unless a test moves it."""

    class Clock:
        now = 0.0

    monkeypatch.setattr(in_loop, "monotonic", lambda: Clock.now)
    return Clock


@pytest.fixture
def passes():
    """What was read together."""
    return []


@pytest.fixture
def loop_reader(passes, clock):
    """Reads an item in a millisecond."""

    def work(items):
        passes.append(list(items))
        clock.now += 0.001 * len(items)
        return [item * 10 for item in items]

    made = InLoop(work)
    made.took(0.001)
    return made


async def turns(clock, count, seconds):
    """So many turns of the event loop, each with work for so long."""
    for _ in range(count):
        clock.now += seconds
        await asyncio.sleep(0)


async def test_an_idle_loop_reads_at_once(loop_reader, passes):
    """Two turns are enough: one to see that nothing else comes."""
    told = loop_reader.submit(7)
    await asyncio.sleep(0)
    assert passes == []
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert told.result() == 70


async def test_a_busy_loop_lets_them_wait_for_each_other(loop_reader, passes, clock):
    """As soon as there are enough for a pass, they are read."""
    first = loop_reader.submit(1)
    await turns(clock, 4, 0.001)
    assert passes == []
    rest = [loop_reader.submit(n) for n in range(2, ENOUGH + 1)]
    await turns(clock, 2, 0.001)
    assert passes == [list(range(1, ENOUGH + 1))]
    assert [future.result() for future in (first, *rest)] == [10 * n for n in range(1, ENOUGH + 1)]


async def test_nothing_waits_for_long(loop_reader, passes, clock):
    """However busy the loop is."""
    loop_reader.submit(1)
    await turns(clock, int(LONGEST_WAIT_S / 0.002) - 1, 0.002)
    assert passes == []
    await turns(clock, 3, 0.002)
    assert passes == [[1]]


async def test_more_than_a_pass_takes_several(loop_reader, passes, clock):
    """One in each turn, so that others get theirs between them."""
    told = [loop_reader.submit(n) for n in range(2 * MOST + 1)]
    await turns(clock, 1 + 2 * MOST, 0.001)
    assert passes[:2] == [list(range(MOST)), list(range(MOST, 2 * MOST))]
    assert (await asyncio.gather(*told))[-1] == 20 * MOST


async def test_a_pass_is_never_long(clock):
    """Of slow items fewer are read together."""
    passes = []
    reader = InLoop(lambda items: passes.append(items) or items)
    reader.took(0.9 * SHORT_S)
    for n in range(4):
        reader.submit(n)
    await turns(clock, 6, 0.001)
    assert max(map(len, passes)) * 0.9 * SHORT_S <= LONGEST_S


async def test_what_was_cancelled_is_not_read(loop_reader, passes):
    """Nobody wants to know."""
    gone, told = loop_reader.submit(1), loop_reader.submit(2)
    gone.cancel()
    assert await told == 20
    assert passes == [[2]]
    last = loop_reader.submit(3)
    last.cancel()
    await asyncio.sleep(0)
    assert await loop_reader.submit(4) == 40
    assert passes == [[2], [4]]


async def test_what_fails_is_told_to_all_who_wait(clock):
    """And the next ones are read all the same."""
    fails = True

    def work(items):
        if fails:
            raise RuntimeError
        return items

    reader = InLoop(work)
    reader.took(0.001)
    both = reader.submit(1), reader.submit(2)
    for future in both:
        with pytest.raises(RuntimeError):
            await future
    fails = False
    assert await reader.submit(3) == 3


async def test_there_is_room_for_a_share_of_the_time(loop_reader, clock):
    """Then no more, until time has passed; and none for items that take long."""
    read = 0
    while loop_reader.has_room():
        await loop_reader.submit(1)
        read += 1
    assert SAVED_S / 0.001 <= read <= SAVED_S / 0.001 / (1 - SHARE) + 1
    clock.now += 0.01
    assert loop_reader.has_room()
    for _ in range(20):
        loop_reader.took(2 * SHORT_S)
    clock.now += 1
    assert not loop_reader.has_room()


async def test_only_items_that_are_small_and_quick():
    """The first one goes to the thread too: nobody knows yet how long it takes. While that one reads, small ones go on."""
    where = []
    held = threading.Event()

    def work(items):
        where.append((items, threading.current_thread() is threading.main_thread()))
        if 2 in items or SMALL + 2 in items:
            held.wait(5)
        return list(items)

    async def is_idle():
        for _ in range(5000):
            if batcher._begun is None:
                return
            await asyncio.sleep(0.001)

    batcher = Batcher(work, lambda item: item, 4)
    try:
        assert await batcher.submit(1) == 1
        await is_idle()
        assert await batcher.submit(1) == 1
        assert await batcher.submit(SMALL + 1) == SMALL + 1
        await is_idle()
        long = batcher.submit(SMALL + 2)
        assert await batcher.submit(1) == 1
        assert not long.done()
        held.set()
        assert await long == SMALL + 2
        held.clear()
        await is_idle()
        for _ in range(50):
            batcher._in_loop.took(1.0)
        running = batcher.submit(2)
        other = batcher.submit(3)
        held.set()
        assert await asyncio.gather(running, other) == [2, 3]
    finally:
        held.set()
        batcher.close()
    assert where[:3] == [([1], False), ([1], True), ([SMALL + 1], False)]
    assert sorted(where[3:5]) == [([1], True), ([SMALL + 2], False)]
    assert not any(in_the_loop for _, in_the_loop in where[5:])
