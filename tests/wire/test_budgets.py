"""Budgets through a real Envoy: what crosses is refused, also when all come at once; what is cut off costs what it took."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
from pathlib import Path

import anthropic
import httpx
import openai
import pytest
import pytest_asyncio
from click.testing import CliRunner

from extproc.cli import cli
from tests.wire.harness import running_gateway, until
from tests.wire.upstream import echo

BUDGETS = [
    {"name": "tokens", "by": "caller", "unit": "tokens", "limit": 1000, "window": "month", "limits": {"poor": 0}},
    {"name": "gentle", "by": "team", "unit": "requests", "limit": 1, "window": "month", "mode": "soft"}
    | {"reroute": "support", "only": {"team": ["blue"]}},
]
MESH = {
    "budgets": BUDGETS,
    "identity": {"headers": {"id": "x-id", "team": "x-team"}},
    "processor": {"workers": 2},
    "intents": {},
    "routes": [],
}
PLAIN, PERSONAL = "the pump is hot", "write to ada@example.org"
"""Nothing is to be restored in the answer, so that Envoy reads it; or something, so that the processor is shown it."""

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="shared")
async def _shared():
    async with running_gateway(mesh=MESH) as gateway:
        yield gateway


@pytest.fixture
def gateway(shared):
    """One for all; each test is another caller."""
    for upstream in shared.upstreams.values():
        upstream.requests.clear()
        upstream.answer = None
    return shared


async def account(gateway, name, budget="tokens"):
    """An account, as the admin port tells."""
    async with httpx.AsyncClient() as client:
        told = (await client.get(f"{gateway.processor_admin}/budgets")).json()
    return next((line for line in told["accounts"] if (line["budget"], line["account"]) == (budget, name)), None)


async def settled(gateway, name):
    """The account, once nothing is set aside in it."""

    async def ask():
        line = await account(gateway, name)
        return line if line and not line["reserved"] else None

    return await until(ask, timeout_s=15)


@pytest.mark.parametrize("text", [PLAIN, PERSONAL])
async def test_all_at_once(gateway, text):
    """As many go on as fit, at whichever worker they arrive; when they have cost less than was set aside, more do."""
    open_ = asyncio.Event()

    async def wait(request, writer):
        await open_.wait()
        return await echo(request, writer)

    for upstream in gateway.upstreams.values():
        upstream.answer = wait
    who = {"x-id": "crowd" if text == PLAIN else "crowd-too"}
    asking = [asyncio.create_task(gateway.chat(text, headers=who, max_tokens=100)) for _ in range(24)]
    answers = asyncio.as_completed(asking)
    refused = await next(answers)
    assert refused.status_code == 429
    limit, amount = (
        int(each) for each in re.search(r"of ([\d,]+) .* may take (\d+) ", refused.text.replace(",", "")).groups()
    )
    fit = limit // amount

    async def all_told():
        return sum(task.done() for task in asking) == 24 - fit

    await until(all_told)
    open_.set()
    statuses = sorted([(await task).status_code for task in asking])
    assert statuses == [200] * fit + [429] * (24 - fit)
    assert len(gateway.received) == fit
    assert (await settled(gateway, who["x-id"]))["used"] == 12 * fit
    assert (await gateway.chat(text, headers=who, max_tokens=100)).status_code == 200


@pytest.mark.parametrize("text", [PLAIN, PERSONAL])
@pytest.mark.parametrize("api", ["openai", "anthropic"])
async def test_a_stream_that_is_cut_off(gateway, text, api):
    """Costs about the events that it had, and what it read; not what was set aside, nor the one token it began with."""
    event = b'data: {"type":"content_block_delta","choices":[{"delta":{"content":"hot "}}],"delta":{"text":"hot "}}\n\n'
    start = b'event: message_start\ndata: {"type":"message_start","message":{"usage":{"input_tokens":9,"output_tokens":1}}}\n\n'

    async def dawdle(_request, writer):
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 90000\r\n\r\n")
        writer.write(start if api == "anthropic" else b"")
        for _ in range(40):
            writer.write(event)
            await writer.drain()
            await asyncio.sleep(0)
        await asyncio.sleep(30)
        return False

    for upstream in gateway.upstreams.values():
        upstream.answer = dawdle
    who = f"{api}-{len(text)}"
    path = "/v1/chat/completions" if api == "openai" else "/v1/messages"
    body = {"model": "any", "max_tokens": 500, "stream": True, "messages": [{"role": "user", "content": text}]}
    async with gateway.client.stream("POST", path, json=body, headers={"x-id": who}) as answer:
        seen = b""
        async for chunk in answer.aiter_bytes():
            seen += chunk
            if seen.count(b"hot ") >= 70:
                break
    used = (await settled(gateway, who))["used"]
    assert 32 <= used <= 80, used


async def test_official_clients_see_their_own_errors(gateway):
    """429 is a RateLimitError to both, with the words that they have for it."""
    url = f"http://127.0.0.1:{gateway.port}"
    headers = {"x-id": "poor"}
    asked = {"model": "any", "max_tokens": 5, "messages": [{"role": "user", "content": PLAIN}]}
    async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="k", default_headers=headers) as client:
        with pytest.raises(openai.RateLimitError) as caught:
            await client.chat.completions.create(**asked)
    assert caught.value.code == "rate_limit_exceeded"
    assert "budget `tokens`: 0 tokens of 0 tokens a month are left" in caught.value.message
    assert int(caught.value.response.headers["retry-after"]) > 0
    async with anthropic.AsyncAnthropic(base_url=url, api_key="k", default_headers=headers) as client:
        with pytest.raises(anthropic.RateLimitError) as caught:
            await client.messages.create(**asked)
    assert caught.value.body["error"]["type"] == "rate_limit_error"
    assert gateway.received == []


async def test_a_soft_budget_reroutes(gateway):
    """What crosses it goes to the cheaper model."""
    for _ in range(3):
        assert (await gateway.chat(PLAIN, headers={"x-team": "blue", "x-id": "blue"}, max_tokens=5)).status_code == 200
    assert {name: len(upstream.requests) for name, upstream in gateway.upstreams.items() if upstream.requests} == {
        "general": 1,
        "support": 2,
    }


async def test_show_and_reset(gateway):
    """By the command, whichever worker has spent it; and the metrics know it."""
    who = {"x-id": "ann"}
    assert (await gateway.chat(PLAIN, headers=who, max_tokens=950)).status_code == 200
    await settled(gateway, "ann")
    assert (await gateway.chat(PLAIN, headers=who, max_tokens=990)).status_code == 429
    admin = gateway.processor_admin.removeprefix("http://")

    def run(*words):
        result = CliRunner().invoke(cli, ["budget", *words, "--admin", admin])
        assert result.exit_code == 0, result.output
        return result.output

    told = json.loads(await asyncio.to_thread(run, "show", "tokens", "--json"))
    assert {"account": "ann", "used": 12, "limit": 1000}.items() <= next(
        line for line in told["accounts"] if line["account"] == "ann"
    ).items()
    assert "resets at" in await asyncio.to_thread(run, "show")
    async with httpx.AsyncClient() as client:
        metrics = (await client.get(f"{gateway.processor_admin}/metrics")).text
    assert re.search(r'intentmesh_budget_limit\{[^}]*intentmesh_account="other"[^}]*\} 1000\.0', metrics)
    assert re.search(r'intentmesh_budget_used\{[^}]*intentmesh_account="other"[^}]*\} [1-9]', metrics)
    assert await asyncio.to_thread(run, "reset", "tokens", "ann") == "tokens: 1 account begun anew\n"
    assert (await account(gateway, "ann"))["used"] == 0


def kill_workers(parent):
    """All at once, in the midst of whatever they do."""
    for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
        os.kill(int(pid), signal.SIGKILL)


async def test_workers_that_die_take_no_account_with_them(gateway):
    """What they had set aside counts as spent, and the next worker goes by it."""

    async def hang(_request, _writer):
        await asyncio.sleep(30)
        return False

    who = {"x-id": "eve"}
    assert (await gateway.chat(PLAIN, headers=who, max_tokens=100)).status_code == 200
    await settled(gateway, "eve")
    for upstream in gateway.upstreams.values():
        upstream.answer = hang
    asking = asyncio.create_task(gateway.chat(PERSONAL, headers=who, max_tokens=500))

    async def held():
        line = await account(gateway, "eve")
        return line and line["reserved"] > 500

    await until(held)
    kill_workers(gateway.processor.pid)
    await asyncio.gather(asking, return_exceptions=True)
    await gateway.healthy_again()
    for upstream in gateway.upstreams.values():
        upstream.answer = None

    async def answered():
        try:
            return await account(gateway, "eve")
        except (httpx.HTTPError, KeyError):
            return None

    line = await until(answered)
    assert line["used"] > 512
    assert (await gateway.chat(PLAIN, headers=who, max_tokens=500)).status_code == 429


async def test_accounts_outlast_a_reload_and_a_restart(tmp_path):
    """A limit that is changed holds for what is spent already; a processor that is started again goes on where it was."""
    budget = {"name": "tokens", "by": "caller", "unit": "tokens", "limit": 1000, "window": "month"}
    mesh = MESH | {"budgets": [budget], "budget_state": {"path": str(tmp_path / "accounts")}, "processor": {}}
    async with running_gateway(mesh=mesh) as gateway:
        who = {"x-id": "ann"}
        assert (await gateway.chat(PLAIN, headers=who, max_tokens=100)).status_code == 200
        await settled(gateway, "ann")
        text = gateway.mesh.read_text()
        gateway.mesh.write_text(text.replace("limit: 1000", "limit: 50"))

        async def refused():
            return (await gateway.chat(PLAIN, headers=who, max_tokens=10)).status_code == 429

        await until(refused, timeout_s=15)
        gateway.mesh.write_text(text)
        used = (await settled(gateway, "ann"))["used"]
        await gateway.processor.stop()
        await gateway.processor.start()
        await gateway.healthy_again()
        assert (await settled(gateway, "ann"))["used"] == used >= 12
        assert (await gateway.chat(PLAIN, headers=who, max_tokens=10)).status_code == 200
        assert (await gateway.chat(PLAIN, headers=who, max_tokens=980)).status_code == 429
