"""Rules through a real Envoy: what is denied reaches no upstream, whoever asks and whatever goes wrong."""

import json

import httpx
import pytest
import pytest_asyncio
import yaml

from tests.wire.harness import running_gateway, until

pytestmark = pytest.mark.asyncio(loop_scope="module")
CARD = "4111 1111 1111 1111"
RULES = [
    {
        "name": "contractors",
        "when": 'caller.team == "contractors" && request.model.startsWith("code")',
        "then": {"deny": "coding models are for staff"},
    },
    {
        "name": "banned",
        "when": 'caller.id == "mallory"',
        "then": {"deny": {"reason": "you have been asked to leave", "status": 451}},
    },
    {
        "name": "cards-never-abroad",
        "when": 'entities.CREDIT_CARD > 0 && destination.model != "support"',
        "then": {"deny": "cards go to support only"},
    },
    {"name": "errs", "when": 'request.headers["x-err"] != "" && caller.claims.x == 1', "then": {"flag": True}},
    {
        "name": "trial",
        "when": 'request.headers["x-trial"] == "yes"',
        "then": {"deny": "not yet"},
        "mode": "dry_run",
    },
]
IDENTITY = {"headers": {"id": "x-user", "team": "x-team"}}


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="gateway")
async def _gateway(tmp_path_factory):
    audit = tmp_path_factory.mktemp("audit") / "audit.jsonl"
    telemetry = {"audit": {"path": str(audit)}}
    async with running_gateway(mesh={"policy": RULES, "identity": IDENTITY, "telemetry": telemetry}) as gateway:
        gateway.audit = audit
        yield gateway


async def seen(gateway, *texts, **more):
    """Status of a chat, and how many requests upstreams saw of it."""
    before = len(gateway.received)
    answer = await gateway.chat(*texts, **more)
    return answer, len(gateway.received) - before


async def test_what_is_denied_reaches_no_upstream(gateway):
    """At the headers, by the body, by the destination; streamed requests and unknown paths of the rule's prefix too."""
    contractor = {"x-team": "contractors", "x-user": "bob"}
    answer, reached = await seen(gateway, "hello", headers=contractor, model="code-1")
    assert (answer.status_code, reached) == (403, 0)
    assert answer.json()["error"]["message"] == "refused by policy: coding models are for staff"
    answer, reached = await seen(gateway, "hello", headers=contractor, model="code-1", stream=True)
    assert (answer.status_code, reached) == (403, 0)
    answer, reached = await seen(gateway, "hello", headers={"x-user": "mallory"})
    assert (answer.status_code, reached) == (451, 0)
    answer, reached = await seen(gateway, "hello", headers=contractor)
    assert (answer.status_code, reached) == (200, 1)


async def test_a_rule_that_errs_denies(gateway):
    """With 503, and no upstream sees the request."""
    answer, reached = await seen(gateway, "hello", headers={"x-err": "1"})
    assert (answer.status_code, reached) == (503, 0)
    assert answer.json()["error"]["message"] == "refused by policy: the rule errs could not be decided"


async def test_a_destination_is_taken_out(gateway):
    """The request goes where the rules let it; where they let it nowhere, it is refused."""
    before = len(gateway.upstreams["support"].requests)
    answer, _ = await seen(gateway, f"I want a refund for my order, card {CARD}")
    assert answer.status_code == 200
    assert len(gateway.upstreams["support"].requests) == before + 1
    answer, reached = await seen(gateway, f"The bearing alarm is critical, card {CARD}")
    assert (answer.status_code, reached) == (403, 0)


async def test_dry_run_counts(gateway):
    """The request goes on; metric and audit line say without which rule."""
    answer, reached = await seen(gateway, "hello", headers={"x-trial": "yes"})
    assert (answer.status_code, reached) == (200, 1)

    async def counted():
        async with httpx.AsyncClient() as client:
            metrics = (await client.get(f"{gateway.processor_admin}/metrics")).text
        lines = [line for line in metrics.splitlines() if line.startswith("intentmesh_unenforced_total{")]
        return any('rule="trial"' in line and 'cause="dry_run"' in line and line.endswith(" 1.0") for line in lines)

    await until(counted, process=gateway.processor)

    async def written():
        lines = [json.loads(line) for line in gateway.audit.read_text().splitlines()]
        return [line for line in lines if line["unenforced"]]

    (line,) = await until(written)
    assert line["unenforced"] == [{"step": "policy", "rule": "trial", "cause": "dry_run"}]
    assert (line["outcome"], line["status"]) == ("forwarded", 200)


async def test_rules_are_reloaded(gateway):
    """From dry run to on, between two requests; a rule with a mistake leaves the last good ones in use."""
    settings = yaml.safe_load(gateway.mesh.read_text())

    async def answers(status):
        async def ask():
            return (await gateway.chat("hello", headers={"x-trial": "yes"})).status_code == status

        await until(ask, process=gateway.processor)

    settings["policy"][-1]["mode"] = "enforce"
    gateway.mesh.write_text(yaml.safe_dump(settings))
    await answers(403)
    settings["policy"][-1]["when"] = "request.haeders['x'] == ''"
    gateway.mesh.write_text(yaml.safe_dump(settings))

    async def refused():
        async with httpx.AsyncClient() as client:
            told = (await client.get(f"{gateway.processor_admin}/readyz")).text
        return "there is no fact `request.haeders`; did you mean `request.headers`?" in told

    await until(refused, process=gateway.processor)
    await answers(403)
