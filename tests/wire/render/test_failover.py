"""Warm standby: local first, then the standby, then the encrypted endpoint abroad; and never farther than allowed."""

import asyncio
import json
import sys
import time
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
import pytest

from scripts.make_gguf import PRESETS, make_gguf
from tests.wire.harness import Process, free_port, until
from tests.wire.render.traffic import (
    FAST,
    Authority,
    endpoint,
    running_behind,
    running_tls_upstream,
    running_upstream,
)

NAME = "llm.example.eu"


@pytest.fixture(scope="module", name="gguf")
def _gguf(tmp_path_factory):
    """A model that loads in milliseconds."""
    path = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    make_gguf(path, PRESETS["tiny"])
    return path


@pytest.fixture(scope="module", name="authority")
def _authority(tmp_path_factory):
    """Whose certificates are believed."""
    return Authority(tmp_path_factory.mktemp("ca"), NAME)


class Llama:
    """A real llama.cpp server that can be killed and started again at the same port."""

    def __init__(self, gguf, alias, folder):
        self.port = free_port()
        command = [sys.executable, "-m", "inference", "--model", str(gguf), "--alias", alias, "--port", str(self.port)]
        command += ["--threads", "1", "--context-tokens", "256"]
        self.process = Process(alias, command, folder / f"{alias}.log")

    async def start(self):
        """Start it and wait until it answers."""
        await self.process.start()

        async def ready():
            async with httpx.AsyncClient() as client:
                try:
                    return (await client.get(f"http://127.0.0.1:{self.port}/health")).status_code == 200
                except httpx.TransportError:
                    return False

        await until(ready, process=self.process, timeout_s=60)


@asynccontextmanager
async def running_llama(gguf, alias, folder):
    """One of them, running."""
    llama = Llama(gguf, alias, folder)
    await llama.start()
    try:
        yield llama
    finally:
        await llama.process.stop()


def mesh(local, standby, far, authority, **more):
    """A model in three zones."""
    away = endpoint(far, "external", tls=True, host=NAME, ca_file=str(authority.ca_file), **more)
    ends = [endpoint(local), endpoint(standby, "cluster"), away]
    return {"models": {"m": {"endpoints": ends, "health": FAST}}, "default_model": "m"}


QUESTION = json.dumps({"prompt": "hello", "max_tokens": 2}).encode()


async def test_failover_under_load_on_real_llama_servers(gguf, authority, tmp_path):
    """Local killed under load: no request fails; local back: home again; both gone: abroad; bound: refused."""
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        local = await enter(running_llama(gguf, "local", tmp_path))
        standby = await enter(running_llama(gguf, "standby", tmp_path))
        far = await enter(running_tls_upstream("far", authority))
        behind = await enter(running_behind(mesh(local, standby, far, authority)))
        await behind.healthy("m@pod", 1)
        await behind.healthy("m@cluster", 1)

        async def who(residency=None):
            answer = await behind.ask("m", residency, path="/v1/completions", body=QUESTION)
            return answer.status_code, answer.json().get("model") if answer.status_code == 200 else None

        assert await who() == (200, "local")
        assert await who("pod") == (200, "local")

        outcomes, stop = [], asyncio.Event()

        async def load():
            while not stop.is_set():
                try:
                    outcome = await who()
                except httpx.TransportError:  # the answer had begun when its server was killed
                    outcome = None, None
                outcomes.append((*outcome, time.monotonic()))

        callers = [asyncio.create_task(load()) for _ in range(3)]
        await asyncio.sleep(0.5)
        killed_at = time.monotonic()
        await local.process.kill()
        await asyncio.sleep(1.5)
        stop.set()
        await asyncio.gather(*callers)
        failed = [o for o in outcomes if o[0] != 200]
        assert len(failed) <= len(callers), failed  # those in flight, at the most
        later = [o for o in outcomes if o[2] > killed_at + 2 * FAST["interval_s"]]
        assert later
        assert {o[1] for o in later} == {"standby"}
        assert far.requests == []

        # Bound to the pod, with nothing left there: refused.
        assert (await who("pod"))[0] == 503

        await local.start()

        async def home():
            return await who() == (200, "local")

        await until(home, process=behind.envoy, timeout_s=10 * FAST["interval_s"])

        await local.process.kill()
        await standby.process.kill()
        await behind.healthy("m@pod", 0)
        await behind.healthy("m@cluster", 0)
        assert (await who("cluster"))[0] == 503
        assert (await who("region"))[0] == 503
        assert far.requests == []
        answer = await behind.ask("m", path="/x", body=b"abroad")
        assert (answer.status_code, answer.content) == (200, b"abroad")
        assert far.last.get("host") == NAME


async def test_a_failing_standby_chain_without_health_checks(authority):
    """A local endpoint that answers 500 is passed over at once by the retry, and ejected after five."""
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        local, standby = await enter(running_upstream("local")), await enter(running_upstream("standby"))
        far = await enter(running_tls_upstream("far", authority))

        async def broken(request, writer):
            writer.write(b"HTTP/1.1 500 no\r\ncontent-length: 0\r\n\r\n")
            return True

        local.answer = broken
        behind = await enter(running_behind(mesh(local, standby, far, authority)))
        answers = [await behind.ask("m") for _ in range(20)]
        assert {a.status_code for a in answers} == {200}
        assert len(local.requests) == 5
        assert len(standby.requests) == 20
        assert far.requests == []


async def test_credentials_and_names(authority, tmp_path):
    """Abroad, the caller's credential is replaced by the endpoint's own, from its file; at home it is left alone."""
    token = tmp_path / "token"
    token.write_text("Bearer of-the-endpoint")
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        local, standby = await enter(running_upstream("local")), await enter(running_upstream("standby"))
        far = await enter(running_tls_upstream("far", authority))
        wanted = mesh(local, standby, far, authority, credentials_file=str(token))
        behind = await enter(running_behind(wanted))
        await behind.ask("m", authorization="Bearer of-the-caller")
        assert local.last.all("authorization") == ["Bearer of-the-caller"]
        wanted["models"]["m"]["endpoints"] = wanted["models"]["m"]["endpoints"][2:]
        behind = await enter(running_behind(wanted))
        await behind.ask("m", authorization="Bearer of-the-caller")
        assert far.last.all("authorization") == ["Bearer of-the-endpoint"]
        assert far.last.get("host") == NAME


@pytest.mark.parametrize("wrong", ["authority", "name"])
async def test_a_wrong_certificate_gets_nothing(authority, tmp_path, wrong):
    """A server whose certificate is another authority's, or another name's, sees no request."""
    liar = Authority(tmp_path, "other.example" if wrong == "name" else NAME)
    async with AsyncExitStack() as stack:
        far = await stack.enter_async_context(running_tls_upstream("far", liar))
        believed = liar if wrong == "name" else authority
        away = endpoint(far, "external", tls=True, host=NAME, ca_file=str(believed.ca_file))
        behind = await stack.enter_async_context(
            running_behind({"models": {"m": {"endpoints": [away]}}, "default_model": "m"})
        )
        assert (await behind.ask("m")).status_code == 503
        assert far.requests == []


async def test_no_endpoint_within_the_bound(authority):
    """A model that is only abroad refuses what must stay, with an answer that says so."""
    async with AsyncExitStack() as stack:
        far = await stack.enter_async_context(running_tls_upstream("far", authority))
        away = endpoint(far, "external", tls=True, host=NAME, ca_file=str(authority.ca_file))
        behind = await stack.enter_async_context(
            running_behind({"models": {"m": {"endpoints": [away]}}, "default_model": "m"})
        )
        for residency in ("pod", "cluster", "region", "unheard-of"):
            answer = await behind.ask("m", residency)
            assert (answer.status_code, answer.json()["error"]["code"]) == (503, "no_model")
        assert far.requests == []
        assert (await behind.ask("m")).status_code == 200
