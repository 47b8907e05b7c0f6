"""Work: a coroutine goes on where what it waits for arrives, and is cancelled wherever it is."""

import asyncio
import gc
import weakref

import pytest

from extproc.http2.work import Work, pause


def run(test):
    """Run a test's coroutine on an event loop."""
    return asyncio.run(test)


class Told(list):
    """What a coroutine has come to, and whether it has ended."""

    def begin(self, coroutine):
        """Run it as Work."""
        work = Work(coroutine, lambda _: self.append("done"))
        work.begin()
        return work


@pytest.fixture
def told():
    """Nothing yet."""
    return Told()


def test_it_begins_at_once_and_ends_at_once(told):
    """No turn of the loop, no loop even."""

    async def work():
        told.append("begun")

    told.begin(work())
    assert told == ["begun", "done"]


def test_it_goes_on_where_it_is_woken(told):
    """Once for every pause; waking what does not pause does nothing."""

    async def work():
        await pause()
        told.append("woken")
        await pause()

    work = told.begin(work())
    assert told == []
    work.wake()
    assert told == ["woken"]
    work.wake()
    work.wake()
    assert told == ["woken", "done"]


def test_it_waits_for_futures_tasks_and_turns(told):
    """As a task does; what they raise is raised in it."""

    async def late():
        await asyncio.sleep(0)
        raise ValueError

    async def work(future):
        told.append(await future)
        await asyncio.sleep(0)
        with pytest.raises(ValueError):
            await asyncio.create_task(late())
        await asyncio.sleep(0.001)

    async def test():
        future = asyncio.get_running_loop().create_future()
        told.begin(work(future))
        future.set_result("there")
        assert told == []
        await asyncio.sleep(0.1)

    run(test())
    assert told == ["there", "done"]


@pytest.mark.parametrize("where", ["pause", "future", "future that is done", "task", "turn"])
def test_it_is_cancelled_wherever_it_waits(told, where):
    """And may still wait for something while it is."""

    async def work(future):
        try:
            if where == "pause":
                await pause()
            elif where == "task":
                await asyncio.create_task(asyncio.sleep(9))
            elif where == "turn":
                await asyncio.sleep(0)
                await pause()
            else:
                await future
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            told.append("cancelled")
            raise

    async def test():
        future = asyncio.get_running_loop().create_future()
        work_ = told.begin(work(future))
        if where == "future that is done":
            future.set_result(None)
        work_.cancel()
        for _ in range(9):
            await asyncio.sleep(0)

    run(test())
    assert told == ["cancelled", "done"]


@pytest.mark.parametrize("waits_for", [pause, lambda: asyncio.sleep(9)])
def test_it_is_cancelled_by_itself(told, waits_for):
    """Where it is running, as soon as it waits."""
    works = []

    async def work():
        await pause()
        works[0].cancel()
        told.append("running")
        await waits_for()

    async def test():
        works.append(told.begin(work()))
        works[0].wake()
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    run(test())
    assert told == ["running", "done"]


def test_what_it_raises_is_raised_where_it_is_run_from(told):
    """A handler's faults are its server's to catch; what gets here is a fault of ours."""

    async def work():
        await pause()
        raise ValueError

    work = told.begin(work())
    with pytest.raises(ValueError):
        work.wake()


def test_nothing_of_it_is_left_to_the_collector(told):
    """A body that a cancelled coroutine held is let go at once."""

    class Body:
        pass

    async def work(body):
        held = body
        await pause()
        del held

    gc.disable()
    try:
        body = Body()
        seen = weakref.ref(body)
        work = told.begin(work(body))
        del body
        work.cancel()
        assert seen() is None
    finally:
        gc.enable()
