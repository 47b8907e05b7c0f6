"""SIGTERM while streams are open: INTENTMESH_DRAIN_STREAMS=500 for as many as that."""

import asyncio
import json
import os
import signal
import time

import httpx
import pytest

from tests.chaos.asking import Asker, Question
from tests.wire.harness import healthy, running_gateway, until

STREAMS = int(os.environ.get("INTENTMESH_DRAIN_STREAMS", "60"))
SECRET = "ada@example.org"
BODY = json.dumps({"messages": [{"role": "user", "content": f"I am {SECRET}."}], "stream": True}).encode()
MESH = {"intents": {}, "routes": [], "processor": {"grace_s": 6}}


def roomy(config):
    """As many connections to an upstream as there are streams."""
    for cluster in config["static_resources"]["clusters"]:
        if cluster["name"] != "intentmesh":
            limits = {"max_connections": 2000, "max_pending_requests": 2000, "max_requests": 2000}
            cluster["circuit_breakers"] = {"thresholds": [limits]}


async def ask(port):
    """One streamed answer, whole; None when it was cut or refused."""
    asker = Asker(port)
    try:
        answer = await asker.ask(Question(BODY, ""))
    except (OSError, EOFError):
        return None
    finally:
        asker.close()
    return answer


def event(text):
    """A chunk with one server-sent event."""
    data = b"data: " + json.dumps({"choices": [{"index": 0, "delta": {"content": text}}]}).encode() + b"\n\n"
    return b"%x\r\n%s\r\n" % (len(data), data)


async def open_streams(gateway, release):
    """So many answers that have begun and stop in the middle of a placeholder until they are released."""
    begun = 0

    async def slow(_, writer):
        nonlocal begun
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
            + event("I am [EMAIL_")
        )
        await writer.drain()
        begun += 1
        await release.wait()
        writer.write(event("ADDRESS_1].") + b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")
        await writer.drain()
        return True

    for upstream in gateway.upstreams.values():
        upstream.answer = slow
    asking = [asyncio.create_task(ask(gateway.port)) for _ in range(STREAMS)]

    async def all_begun():
        return begun == STREAMS

    await until(all_begun, process=gateway.envoy)
    for upstream in gateway.upstreams.values():
        upstream.answer = None
    return asking


async def is_marked(gateway, client):
    """Whether Envoy knows that the processor is going."""
    text = (await client.get(f"{gateway.admin}/clusters")).text
    return any("failed_active_hc" in line for line in text.splitlines() if line.startswith("intentmesh::"))


async def keep_asking(gateway):
    """Ask the processor for its health as somebody else would who is not Envoy: often, and on connections of its own."""
    while True:
        await healthy(f"unix:{gateway.socket}")
        await asyncio.sleep(0.1)


async def test_open_streams_finish():
    """Health goes first, requests are answered until Envoy stops sending (whoever else asks), and every answer is whole."""
    async with running_gateway(mesh=MESH, change=roomy) as gateway, httpx.AsyncClient() as client:
        release = asyncio.Event()
        other = asyncio.create_task(keep_asking(gateway))
        asking = await open_streams(gateway, release)
        ending = asyncio.create_task(gateway.processor.kill(signal.SIGTERM))
        answered = 0
        while True:
            status = (await gateway.chat("Hello.")).status_code
            marked = await is_marked(gateway, client)
            if status != 200:
                break
            answered += 1
            ready = (await client.get(f"{gateway.processor_admin}/readyz")).status_code
            assert ready == 503, "who is going says so first"
            await asyncio.sleep(0.05)
        assert marked, f"refused with {status} while Envoy still sent"
        assert answered
        other.cancel()
        release.set()
        answers = await asyncio.gather(*asking)
        assert [f"I am {SECRET}."] * STREAMS == [answer and answer.said for answer in answers]
        assert await ending == 0


async def test_what_does_not_finish_is_cut():
    """At the end of the grace time what is open is cut with an error: no answer ends cleanly, none with a placeholder."""
    async with running_gateway(mesh={**MESH, "processor": {"grace_s": 2}}, change=roomy) as gateway:
        release = asyncio.Event()
        asking = await open_streams(gateway, release)
        start = time.monotonic()
        assert await gateway.processor.kill(signal.SIGTERM) == 0
        assert time.monotonic() - start < 5
        release.set()
        assert await asyncio.gather(*asking) == [None] * STREAMS


@pytest.fixture(autouse=True)
def _enough_files():
    """Two sockets a stream here, as many in Envoy."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
