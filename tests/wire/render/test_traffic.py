"""Splits, overrides, stickiness, copies, retries, ejection, health and limits: on a real Envoy, as rendered."""

import asyncio
import math
import time
from contextlib import AsyncExitStack

import pytest

from tests.wire.harness import until
from tests.wire.render.traffic import FAST, endpoint, running_behind, running_upstream
from tests.wire.upstream import head

REQUESTS = 2000


async def upstreams(stack, *names):
    """Upstreams by these names."""
    return [await stack.enter_async_context(running_upstream(name)) for name in names]


def status(code, *, seconds=0.0):
    """An answer with this status, after so long."""

    async def answer(request, writer):
        await asyncio.sleep(seconds)
        writer.write(head(code, "application/json", {"content-length": "2"}) + b"{}")
        return True

    return answer


def split(one, two, **more):
    """A model with two versions, 90 to 10."""
    versions = {
        "v1": {"weight": 90, "endpoints": [endpoint(one)]},
        "v2": {"weight": 10, "endpoints": [endpoint(two)], "headers": {"x-experiment": "promptv2"}},
    }
    return {"models": {"m": {"versions": versions, "health": FAST, **more}}, "default_model": "m"}


async def in_parallel(count, ask):
    """So many requests, 32 at a time."""
    gate = asyncio.Semaphore(32)

    async def one(i):
        async with gate:
            return await ask(i)

    return await asyncio.gather(*(one(i) for i in range(count)))


async def test_canary_share_and_override():
    """Of 2,000 requests the canary gets a tenth, within five deviations; and all that ask for it by header."""
    async with AsyncExitStack() as stack:
        one, two = await upstreams(stack, "one", "two")
        behind = await stack.enter_async_context(running_behind(split(one, two)))
        answers = await in_parallel(REQUESTS, lambda i: behind.ask("m"))
        assert {a.status_code for a in answers} == {200}
        deviation = math.sqrt(REQUESTS * 0.1 * 0.9)
        assert abs(len(two.requests) - REQUESTS * 0.1) < 5 * deviation
        assert len(one.requests) + len(two.requests) == REQUESTS
        before = len(two.requests)
        await in_parallel(50, lambda i: behind.ask("m", x_experiment="promptv2"))
        assert len(two.requests) == before + 50


async def test_sticky():
    """The same caller always meets the same version; callers together still split as weighted."""
    async with AsyncExitStack() as stack:
        one, two = await upstreams(stack, "one", "two")
        behind = await stack.enter_async_context(running_behind(split(one, two, sticky={"header": "x-user"})))
        await in_parallel(600, lambda i: behind.ask("m", x_user=f"user-{i % 200}"))
        users = [{r.get("x-user") for r in upstream.requests} for upstream in (one, two)]
        assert users[0] & users[1] == set()
        assert len(users[0] | users[1]) == 200
        assert 2 <= len(users[1]) <= 50


async def test_mirror_slows_nobody():
    """The shadow sees a copy of each request, and however slow it is, callers do not wait for it."""
    async with AsyncExitStack() as stack:
        one, two = await upstreams(stack, "one", "two")
        two.answer = status(500, seconds=3)
        mesh = split(one, two, mirror={"version": "v2"})
        mesh["models"]["m"]["versions"]["v1"]["weight"] = 100
        mesh["models"]["m"]["versions"]["v2"]["weight"] = 0
        behind = await stack.enter_async_context(running_behind(mesh))
        begin = time.perf_counter()
        answers = [await behind.ask("m", body=b'{"n": %d}' % i) for i in range(20)]
        took = time.perf_counter() - begin
        assert [a.status_code for a in answers] == [200] * 20
        assert took < 2.0

        async def all_copied():
            return len(two.requests) == 20

        await until(all_copied)
        assert sorted(r.body for r in two.requests) == sorted(r.body for r in one.requests)


async def test_ejection():
    """An endpoint that answers 500 five times in a row is left out; callers see none of it, thanks to retries."""
    async with AsyncExitStack() as stack:
        good, bad = await upstreams(stack, "good", "bad")
        bad.answer = status(500)
        mesh = {"models": {"m": {"endpoints": [endpoint(good), endpoint(bad)], "health": FAST}}, "default_model": "m"}
        behind = await stack.enter_async_context(running_behind(mesh))
        answers = [await behind.ask("m") for _ in range(60)]
        assert {a.status_code for a in answers} == {200}
        assert await behind.stat("cluster.m.outlier_detection.ejections_active") == 1
        assert len(bad.requests) == 5
        assert len(good.requests) == 60


async def test_the_last_one_is_never_ejected():
    """A model with a single endpoint keeps it: half of one is none."""
    async with AsyncExitStack() as stack:
        (bad,) = await upstreams(stack, "bad")
        bad.answer = status(500)
        model = {"endpoints": [endpoint(bad)], "health": FAST, "retries": {"attempts": 0}}
        behind = await stack.enter_async_context(running_behind({"models": {"m": model}, "default_model": "m"}))
        answers = [await behind.ask("m") for _ in range(12)]
        assert [a.status_code for a in answers] == [500] * 12
        assert len(bad.requests) == 12


@pytest.mark.parametrize(
    ("code", "extra", "tries"), [(503, {}, 3), (409, {}, 3), (429, {}, 1), (429, {"statuses": [429]}, 3)]
)
async def test_retries(code, extra, tries):
    """5xx and 409 are tried again, up to two times; other client errors only where they are named."""
    async with AsyncExitStack() as stack:
        (upstream,) = await upstreams(stack, "flaky")
        upstream.answer = status(code)
        model = {"endpoints": [endpoint(upstream)], "health": FAST, "retries": extra, "ejection": {"enabled": False}}
        behind = await stack.enter_async_context(running_behind({"models": {"m": model}, "default_model": "m"}))
        assert (await behind.ask("m", body=b'{"a": 1}')).status_code == code
        assert [r.body for r in upstream.requests] == [b'{"a": 1}'] * tries


async def test_a_dropped_connection_is_tried_again():
    """A model that drops the connection before it answers costs the caller nothing."""
    async with AsyncExitStack() as stack:
        (upstream,) = await upstreams(stack, "dropper")

        async def answer(request, writer):
            if len(upstream.requests) < 3:
                return False
            return await status(200)(request, writer)

        upstream.answer = answer
        model = {"endpoints": [endpoint(upstream)], "health": FAST}
        behind = await stack.enter_async_context(running_behind({"models": {"m": model}, "default_model": "m"}))
        assert (await behind.ask("m")).status_code == 200
        assert len(upstream.requests) == 3


async def test_per_try_timeout():
    """An attempt that takes too long makes way for another."""
    async with AsyncExitStack() as stack:
        slow, quick = await upstreams(stack, "slow", "quick")
        slow.answer = status(200, seconds=5)
        retries = {"per_try_timeout_s": 0.2}
        model = {"endpoints": [endpoint(slow), endpoint(quick)], "health": FAST, "retries": retries}
        behind = await stack.enter_async_context(running_behind({"models": {"m": model}, "default_model": "m"}))
        begin = time.perf_counter()
        answers = [await behind.ask("m") for _ in range(4)]
        assert [a.status_code for a in answers] == [200] * 4
        assert time.perf_counter() - begin < 4
        assert len(quick.requests) == 4


async def test_a_loading_model_gets_nothing():
    """While `/health` answers 503, requests are refused and never sent; once it answers 200 they pass."""
    async with AsyncExitStack() as stack:
        (loading,) = await upstreams(stack, "loading")
        serve, ready = loading.serve, asyncio.Event()

        async def loading_serve(reader, writer):
            if ready.is_set():
                await serve(reader, writer)
                return
            await reader.readuntil(b"\r\n\r\n")
            writer.write(head(503, "application/json", {"content-length": "0", "connection": "close"}))
            writer.close()

        server = await asyncio.start_server(loading_serve, "127.0.0.1", 0)
        stack.callback(server.close)
        loading.port = server.sockets[0].getsockname()[1]
        model = {"endpoints": [endpoint(loading)], "health": FAST}
        behind = await stack.enter_async_context(running_behind({"models": {"m": model}, "default_model": "m"}))
        assert (await behind.ask("m")).status_code == 503
        assert loading.requests == []
        ready.set()
        await behind.healthy("m", 1)
        assert (await behind.ask("m")).status_code == 200


async def test_pool_limit():
    """What is over the pool's limits is refused at once, not queued."""
    async with AsyncExitStack() as stack:
        (slow,) = await upstreams(stack, "slow")
        slow.answer = status(200, seconds=1)
        pool = {"connections": 2, "pending": 2}
        model = {"endpoints": [endpoint(slow)], "health": FAST, "pool": pool, "retries": {"attempts": 0}}
        behind = await stack.enter_async_context(running_behind({"models": {"m": model}, "default_model": "m"}))
        # A request that waits for its connection is pending: both connections are made before it counts.
        assert [a.status_code for a in await in_parallel(2, lambda i: behind.ask("m"))] == [200, 200]
        codes = [a.status_code for a in await in_parallel(12, lambda i: behind.ask("m"))]
        assert codes.count(200) == 4
        assert codes.count(503) == 8


async def test_paths_are_rewritten():
    """A model whose upstream calls a path by another name gets that name; callers keep theirs."""
    async with AsyncExitStack() as stack:
        (upstream,) = await upstreams(stack, "m")
        rewrite = [{"prefix": "/v1/", "to": "/api/openai/v1/"}, {"prefix": "/v1/completions", "to": "/completion"}]
        model = {"endpoints": [endpoint(upstream, host="llm.internal")], "health": FAST, "rewrite": rewrite}
        behind = await stack.enter_async_context(running_behind({"models": {"m": model}, "default_model": "m"}))
        for path in ("/v1/completions?x=1", "/v1/chat/completions", "/other"):
            await behind.ask("m", path=path)
        seen = [(r.target, r.get("host")) for r in upstream.requests]
        assert seen == [
            ("/completion?x=1", "llm.internal"),
            ("/api/openai/v1/chat/completions", "llm.internal"),
            ("/other", "llm.internal"),
        ]
