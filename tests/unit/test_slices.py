"""Work that nobody waits for any more ends by itself, and its thread takes the next piece."""

import asyncio
import re
import threading
import time
from operator import itemgetter

import pytest

from extproc.errors import LateError
from extproc.slices import WINDOW, Lease, checkpoint, in_order, in_slices, matches
from extproc.threads import LARGE_BYTES, LARGE_THREADS, SHORT_BYTES, Threads


def endless():
    """Work that ends only where it is asked whether anybody waits."""
    while True:
        checkpoint()
        time.sleep(0.001)


def test_no_lease_no_end():
    """Outside of a lease nothing is given up."""
    checkpoint()
    assert list(in_slices(range(10), 2)) == [*range(10)]


def test_a_deadline_ends_the_work_itself():
    """And not only the waiting for it."""
    with pytest.raises(LateError):
        Lease(time.monotonic() + 0.02).run(endless)
    with pytest.raises(LateError):
        Lease(time.monotonic() - 1).run(list)
    checkpoint()


def test_a_lease_within_another():
    """The inner one ends its work, and then the outer one holds again."""

    def outer():
        with pytest.raises(LateError):
            Lease(0.0).run(list)
        checkpoint()
        return "done"

    assert Lease().run(outer) == "done"


def test_loops_are_asked():
    """Within a long loop, not only before it."""
    lease, seen = Lease(), []

    def work():
        for n in in_slices(range(1000), 10):
            seen.append(n)
            if n == 14:
                lease.end()

    with pytest.raises(LateError):
        lease.run(work)
    assert seen == [*range(20)]


def test_windows_find_what_one_search_finds():
    """Wherever the windows end."""
    pattern = re.compile(r"[0-9]+-[0-9]+")
    text = "".join(f"{n}-{n} " if n % 3 else "." * (n % 400) for n in range(4000))
    assert len(text) > 3 * WINDOW
    assert [m.span() for m in pattern.finditer(text)] == [m.span() for m in matches(pattern, text, 0, len(text))]
    start, end = 1000, len(text) - 1000
    assert [m.span() for m in pattern.finditer(text, start, end)] == [
        m.span() for m in matches(pattern, text, start, end)
    ]


async def test_short_work_is_done_at_once():
    """No thread, and no turn of the loop."""
    here = await Threads().run(Lease(), SHORT_BYTES, threading.get_ident)
    assert here == threading.get_ident()
    assert here != await Threads().run(Lease(), SHORT_BYTES + 1, threading.get_ident)


async def test_threads_are_free_again_after_the_deadline():
    """As many pieces without end as there are threads, and the next one is done."""
    threads = Threads()
    stuck = [threads.run(Lease(time.monotonic() + 0.05), LARGE_BYTES, endless) for _ in range(LARGE_THREADS)]
    assert all(isinstance(e, LateError) for e in await asyncio.gather(*stuck, return_exceptions=True))
    assert await threads.run(Lease(time.monotonic() + 5), LARGE_BYTES, sum, [1, 2]) == 3
    assert not threads.busy


async def test_what_waits_for_a_thread_is_late_too():
    """A piece that no thread has begun by its deadline is never begun."""
    threads, lease, begun = Threads(), Lease(), []
    stuck = [asyncio.create_task(threads.run(lease, LARGE_BYTES, endless)) for _ in range(LARGE_THREADS)]
    await asyncio.sleep(0.01)
    with pytest.raises(LateError):
        await threads.run(Lease(time.monotonic() + 0.02), LARGE_BYTES, begun.append, 1)
    lease.end()
    await asyncio.gather(*stuck, return_exceptions=True)
    assert await threads.run(Lease(), LARGE_BYTES, list) == []
    assert begun == []


async def test_work_ends_with_the_request():
    """Envoy has gone: what was done for it stops."""
    threads, lease = Threads(), Lease()
    task = asyncio.create_task(threads.run(lease, LARGE_BYTES, endless))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(LateError):
        lease.check()


@pytest.mark.parametrize("count", [0, 1, 100, 20_000])
def test_in_order(count):
    """However many: sorted, and stable."""
    items = [(n * 7919 % 1009, n) for n in range(count)]
    assert list(in_order(items, key=itemgetter(0))) == sorted(items, key=itemgetter(0))
