"""Two workers, and what a bad day brings: files that hold anything, workers that die or stand still, another processor in the
place of this one. Requests go on, and no count falls.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys

import httpx
import pytest
import pytest_asyncio
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.wire.envoys import VERSIONS, envoy_binary
from tests.wire.harness import ROOT, Process, another_envoy, healthy, running_gateway, until
from tests.wire.test_reload import ASK, GENERAL, children, readyz
from tests.wire.upstream import echo

WORKERS = {"models": GENERAL, "intents": {}, "routes": [], "processor": {"workers": 2}}
MASKED = "I am ada@example.org."
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="two")
async def _two(tmp_path_factory):
    audit = {"audit": {"path": str(tmp_path_factory.mktemp("audit") / "audit.jsonl")}}
    patience = {"margin_ms": 8000}  # these tests wait for workers to come back, on machines that do much else
    async with running_gateway(mesh={**WORKERS, "telemetry": audit, "envoy": patience}) as gateway:
        yield gateway


async def both_up(gateway):
    """Wait until both workers serve, and Envoy knows."""

    async def serve():
        return [worker["ready"] for worker in (await readyz(gateway))["workers"]] == [True, True]

    await until(serve, process=gateway.processor)
    await gateway.healthy_again()


async def metrics(gateway):
    """Sample -> labels' values -> value."""
    async with httpx.AsyncClient() as client:
        text = (await client.get(f"{gateway.processor_admin}/metrics")).text
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def total(gateway, name):
    """The sum over all labels."""
    return sum(value for (found, *_), value in (await metrics(gateway)).items() if found == name)


@pytest.mark.parametrize(
    ("text", "key"),
    [("description: 2026-02-30", "description"), ("shadow: " + "[" * 3000, "shadow"), ("x: !!int no", "x")],
    ids=["date", "brackets", "number"],
)
async def test_whatever_a_file_holds(two, text, key):
    """Refused with line and key by the reload, once for all workers; `check` says the same, and all go on."""
    before = await total(two, "intentmesh_config_rejected_total")
    pids = children(two.processor.pid)
    good = two.mesh.read_text()
    line = good.count("\n") + 1
    two.mesh.write_text(f"{good}{text}\n")

    async def refused():
        return (await readyz(two))["refused"]

    assert f"line {line}: {key}: " in await until(refused, process=two.processor)
    assert (await two.chat(ASK)).status_code == 200
    assert children(two.processor.pid) == pids
    assert await total(two, "intentmesh_config_rejected_total") == before + 1
    checked = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "extproc", "check", str(two.mesh)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    )
    told, trouble = await checked.communicate()
    assert (checked.returncode, trouble) == (1, b"")
    assert f"line {line}: {key}: " in told.decode()
    two.mesh.write_text(good + "\n")

    async def healed():
        return not await refused()

    await until(healed, process=two.processor)


async def test_a_worker_that_is_killed_keeps_what_it_counted(two):
    """Counts, processor time and restarts; the next worker begins where all are, and the generation is that of the file."""
    before = await total(two, "intentmesh_requests_total")
    for _ in range(30):
        await two.chat(ASK)

    async def every_one():
        return await total(two, "intentmesh_requests_total") == before + 30

    await until(every_one, process=two.processor)  # some are counted when Envoy's log has come
    counted = await metrics(two)
    requests = before + 30
    restarts = await total(two, "intentmesh_worker_restarts_total")
    for victim in children(two.processor.pid):
        os.kill(victim, signal.SIGKILL)

    async def replaced():
        now = await metrics(two)
        assert all(
            now.get(sample, 0) >= value
            for sample, value in counted.items()
            if sample[0].endswith(("_total", "_count", "_bucket"))
        ), "no count falls"
        return now[("intentmesh_worker_up", "0")] == now[("intentmesh_worker_up", "1")] == 1

    async def noticed():
        await replaced()
        return await total(two, "intentmesh_worker_restarts_total") == restarts + 2

    await until(noticed, process=two.processor)
    await until(replaced, process=two.processor)
    await two.healthy_again()
    for _ in range(6):
        assert (await two.chat(ASK)).status_code == 200

    async def all_counted():
        # of a log that broke with its worker Envoy loses entries: theirs are still waited for, and counted as under way
        waited = await total(two, "intentmesh_streams_open")
        return await total(two, "intentmesh_requests_total") + waited == requests + 6

    await until(all_counted, process=two.processor)
    told = await readyz(two)
    assert {worker["generation"] for worker in told["workers"]} == {told["generation"]}
    found = await metrics(two)
    assert found[("intentmesh_config_generation",)] == told["generation"]
    assert {"process_resident_memory_bytes", "process_start_time_seconds"} <= {name for name, *_ in found}
    assert any(name == "intentmesh_build_info" for name, *_ in found)


async def test_a_death_refuses_nobody(two):
    """Killed under load: only what a worker had begun to answer fails, and what comes meanwhile waits for the next worker."""
    clients, over, answers = 6, asyncio.Event(), []

    async def client(number):
        while not over.is_set():
            answers.append((await two.chat(MASKED, stream=number % 2 == 0)).status_code)

    async def more(enough):
        return len(answers) > enough

    refused, kills = await two.stat("cluster.intentmesh.upstream_cx_connect_fail"), 4
    tasks = [asyncio.create_task(client(number)) for number in range(clients)]
    for _ in range(kills):
        enough = len(answers) + 60
        await until(lambda enough=enough: more(enough), process=two.processor)
        os.kill(children(two.processor.pid)[0], signal.SIGKILL)
    enough = len(answers) + 60
    await until(lambda: more(enough), process=two.processor)
    over.set()
    await asyncio.gather(*tasks)
    assert set(answers) <= {200, 500}
    assert answers.count(500) <= kills * clients  # what one worker can hold of them
    assert await two.stat("cluster.intentmesh.upstream_cx_connect_fail") == refused
    await both_up(two)


@pytest.mark.parametrize("version", VERSIONS)
async def test_what_nobody_has_begun_to_answer_is_asked_again(two, version):
    """Requests that reach a worker which stands still, and then dies: they are answered all the same."""
    async with another_envoy(two, envoy_path=envoy_binary(version)) as gateway:
        await asyncio.gather(
            *(gateway.chat(ASK) for _ in range(20))
        )  # connections to both: what waits in a queue is not reset
        victim = children(two.processor.pid)[0]
        os.kill(victim, signal.SIGSTOP)
        asked = []
        while (
            len(asked) < 40 and sum(not one.done() for one in asked) < 3
        ):  # the other worker answers those that it gets
            asked.append(asyncio.create_task(gateway.chat(MASKED + " and" * (1, 5000)[len(asked) % 2])))
            await asyncio.wait(asked[-1:], timeout=0.5)
        retried = await gateway.stat("cluster.intentmesh.upstream_rq_retry")
        os.kill(victim, signal.SIGKILL)
        assert {answer.status_code for answer in await asyncio.gather(*asked)} == {200}
        assert await gateway.stat("cluster.intentmesh.upstream_rq_retry") > retried
        assert not any(b"ada@" in request.body for request in two.received)
        await both_up(two)


async def test_a_worker_that_stands_still_is_asked_nothing(two):
    """What it counted is told all the same, it is not ready meanwhile, and afterwards it is again."""
    (first, _) = children(two.processor.pid)
    before = await total(two, "intentmesh_requests_total")
    os.kill(first, signal.SIGSTOP)
    try:

        async def silent():
            return [worker["ready"] for worker in (await readyz(two))["workers"]].count(False) == 1

        await until(silent, process=two.processor)
        assert await total(two, "intentmesh_requests_total") == before
        assert (await readyz(two))["ready"]
    finally:
        os.kill(first, signal.SIGCONT)

    async def both():
        return all(worker["ready"] for worker in (await readyz(two))["workers"])

    await until(both, process=two.processor)
    await two.healthy_again()


async def test_what_waits_for_a_restart(two):
    """A reload that a restart is needed for in part: the rest is taken, what waits is named, what is in use is shown."""
    good = two.mesh.read_text()
    mesh = yaml.safe_load(good)
    in_use = mesh["telemetry"]["audit"]["path"]
    mesh["telemetry"]["audit"]["path"] = "elsewhere.jsonl"
    mesh["processor"]["admin"] = "127.0.0.1:1"
    mesh["default_model"] = "telemetry"
    two.mesh.write_text(yaml.safe_dump(mesh))

    async def waits():
        return (await readyz(two))["needs_restart"]

    # the command line's own --admin stands above the file's
    assert await until(waits, process=two.processor) == ["telemetry.audit"]
    async with httpx.AsyncClient() as client:
        shown = (await client.get(f"{two.processor_admin}/config")).json()
    assert shown["telemetry"]["audit"]["path"] == in_use
    assert shown["default_model"] == "telemetry"
    assert (await metrics(two))[("intentmesh_config_waiting",)] == 1
    assert '"needs_restart": ["telemetry.audit"]' in two.processor.output()
    two.mesh.write_text(good)

    async def nothing_waits():
        return not await waits()

    await until(nothing_waits, process=two.processor)


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_processor_takes_the_place_of_another(workers):
    """Started with --replace under load: no request fails, the old one ends by itself, the new one has socket and admin port.

    And the books go on: each request is counted once, with what its answer took, also where it ended after the old one was left.
    """
    telemetry = {"usage": True}
    async with running_gateway(mesh={**WORKERS, "processor": {"workers": workers}, "telemetry": telemetry}) as gateway:
        over, answered = asyncio.Event(), []

        async def slowly(request, writer):
            await asyncio.sleep(3 if request.get("x-test-slow") else 0)
            return await echo(request, writer)

        for upstream in gateway.upstreams.values():
            upstream.answer = slowly

        async def client():
            while not over.is_set():
                answered.append((await gateway.chat(ASK)).status_code)

        async def slow_client():
            while not over.is_set():
                answered.append((await gateway.chat(ASK, headers={"x-test-slow": "1"})).status_code)

        clients = [asyncio.create_task(ask()) for ask in (client, client, slow_client, slow_client)]
        command = [*gateway.processor.command, "--replace"]
        for number in range(workers):
            old, before = gateway.processor, len(answered)
            new = Process(f"processor-{number}", command, gateway.socket.with_name(f"new-{number}.log"))
            await new.start()
            assert await asyncio.wait_for(old.child.wait(), 30) == 0, old.output()
            gateway.processor = new
            assert await healthy(f"unix:{gateway.socket}")

            async def admin_is_ours():
                with contextlib.suppress(httpx.TransportError):
                    return (await readyz(gateway))["ready"]

            await until(admin_is_ours, process=new)
            await until(lambda enough=before + 50: _more(answered, enough), process=new)
        over.set()
        await asyncio.gather(*clients)
        assert set(answered) == {200}
        tokens = "intentmesh_project_tokens_total"

        async def all_counted():
            return await total(gateway, "intentmesh_requests_total") >= len(answered)

        await until(all_counted, process=gateway.processor)
        assert await total(gateway, "intentmesh_requests_total") == len(answered)
        assert await total(gateway, tokens) == len(answered) * (7 + 5)
        assert not await total(gateway, "intentmesh_telemetry_dropped_total")
        assert await gateway.processor.kill(signal.SIGTERM) == 0
        assert not [path.name for path in gateway.socket.parent.iterdir() if path.name.endswith((".sock", ".lock"))]


async def _more(answered, enough):
    return len(answered) > enough
