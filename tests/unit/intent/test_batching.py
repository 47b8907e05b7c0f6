"""What a caller of the transformer is told to expect, and how late the loop that asks is."""

import asyncio
import threading
import time

import pytest

from extproc.intent.batching import PASS_SIZE, Batcher
from extproc.wire.loop_lag import LoopLag


@pytest.fixture
def door():
    """Opens for the work that waits behind it."""
    return threading.Event()


@pytest.fixture
def batcher(door):
    """Two items a batch; items of unlike size are passes of their own."""

    def work(items):
        door.wait(5)
        time.sleep(0.02)
        return list(items)

    made = Batcher(work, lambda item: item, 2)
    yield made
    door.set()
    made.close()


async def test_an_idle_transformer_is_always_tried(batcher, door):
    """One slow batch, as a first one is, must not keep everybody from finding out that the next is quick."""
    running = batcher.submit(1)
    await asyncio.sleep(0.2)
    door.set()
    assert await running == 1
    await asyncio.sleep(0.05)
    assert batcher.expected_s() == 0.0


async def test_the_expectation_counts_the_whole_batch(batcher, door):
    """A batch of two unlike items takes two passes, and who comes later waits for what is left of it and for his own."""
    door.set()
    await asyncio.gather(batcher.submit(1), batcher.submit(100))
    await asyncio.gather(batcher.submit(1), batcher.submit(100))
    await asyncio.sleep(0.05)
    door.clear()
    tasks = [batcher.submit(1) for _ in range(4)]
    await asyncio.sleep(0.01)
    assert batcher.expected_s() > 0.04
    door.set()
    assert await asyncio.gather(*tasks) == [1] * 4


async def test_a_pass_stays_small(door):
    """What waits together is run together, but only as much as a pass does quicker than one by one."""
    passes = []
    busy = Batcher(lambda items: [passes.append(list(items)), door.wait(5), list(items)][-1], lambda item: item, 16)
    tasks = [busy.submit(12) for _ in range(9)]
    await asyncio.sleep(0.05)
    door.set()
    assert await asyncio.gather(*tasks) == [12] * 9
    busy.close()
    assert max(map(len, passes)) == PASS_SIZE // 12


async def test_a_loop_that_stood_still_is_late():
    """What a message may have waited is told by a beat that is overdue, and by the last one that came late."""
    lag = LoopLag()
    assert lag.seconds() == 0.0
    lag.listen(asyncio.get_running_loop())
    assert lag.seconds() < 0.05
    time.sleep(0.3)  # noqa: ASYNC251 - a recognizer that takes long is what it stands for
    assert 0.15 < lag.seconds() < 2
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert 0.15 < lag.seconds() < 2
    await asyncio.sleep(0.35)
    assert lag.seconds() < 0.15
    lag.close()
    assert lag.seconds() == 0.0
