"""What telemetry sees of a real exchange: the convention's names, the caller's trace, token counts, and never a word."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal

import httpx
import pytest
import pytest_asyncio
from click.testing import CliRunner

from extproc.cli import cli
from extproc.process.routed import asked
from extproc.telemetry.instruments import INSTRUMENTS
from tests.wire.harness import running_gateway, until
from tests.wire.receiver import running_http_receiver, running_receiver
from tests.wire.test_reload import children

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
CANARY = "canary-7f3a"
HOT = "the bearing on pump 4 is running hot"


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="observed")
async def _observed(tmp_path_factory):
    """A gateway whose telemetry goes to a receiver, and its audit trail to a file."""
    audit = tmp_path_factory.mktemp("audit") / "audit.jsonl"
    async with running_receiver() as receiver:
        telemetry = {
            "otlp": {"endpoint": f"http://127.0.0.1:{receiver.port}"},
            "traces": {"ratio": 1.0},
            "metrics_interval_s": 0.2,
            "projects": ["red"],
            "audit": {"path": str(audit)},
        }
        async with running_gateway(
            mesh={"telemetry": telemetry, "identity": {"headers": {"project": "x-team"}}}
        ) as gateway:
            yield gateway, receiver, audit


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("stream", [False, True])
async def test_span_is_a_child_of_the_callers(observed, stream):
    """The caller's trace goes through us to the upstream, whose parent is our span."""
    gateway, receiver, _ = observed
    receiver.spans.clear()
    for upstream in gateway.upstreams.values():
        upstream.requests.clear()
    answer = await gateway.chat(
        "the bearing on pump 4 is running hot, mail ada@example.org", headers={"traceparent": PARENT}, stream=stream
    )
    assert answer.status_code == 200
    await until(lambda: _true(receiver.spans))
    span, attributes = receiver.spans[-1], receiver.attributes[-1]
    assert span.trace_id.hex() == PARENT.split("-")[1]
    assert span.parent_span_id.hex() == PARENT.split("-")[2]
    assert gateway.received[-1].get("traceparent") == f"00-{span.trace_id.hex()}-{span.span_id.hex()}-01"
    assert span.name == "chat telemetry"
    assert attributes["gen_ai.operation.name"] == "chat"
    assert attributes["gen_ai.usage.input_tokens"] == 7
    assert attributes["gen_ai.usage.output_tokens"] == 5
    assert attributes["gen_ai.provider.name"] == "llama.cpp"
    assert attributes["gen_ai.request.model"] == "telemetry"
    assert [reason.string_value for reason in attributes["gen_ai.response.finish_reasons"].values] == ["stop"]
    assert attributes["intentmesh.intent"] == "hardware_telemetry"
    assert attributes["intentmesh.entity.EMAIL_ADDRESS"] == 1
    assert {"payload", "pii", "intent"} <= {event.name for event in span.events}


@pytest.mark.asyncio(loop_scope="module")
async def test_an_upstreams_error_is_the_spans(observed):
    """A status that is an error is the span's `error.type`, and the metric's."""
    gateway, receiver, _ = observed

    async def fail(request, writer):
        writer.write(b"HTTP/1.1 500 Oh\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}")
        await writer.drain()
        return True

    receiver.spans.clear()
    for upstream in gateway.upstreams.values():
        upstream.answer = fail
    assert (await gateway.chat("I want a refund for my order", headers={"traceparent": PARENT})).status_code == 500
    for upstream in gateway.upstreams.values():
        upstream.answer = None
    await until(lambda: _true(receiver.spans))
    assert receiver.attributes[-1]["error.type"] == "500"
    assert receiver.attributes[-1]["http.response.status_code"] == 500


@pytest.mark.asyncio(loop_scope="module")
async def test_metrics_arrive_and_add_up(observed):
    """Tokens of the upstream's own count reach the convention's metric."""
    gateway, receiver, _ = observed
    await gateway.chat("I want a refund for my order", headers={"x-team": "red"})

    async def counted():
        usage = receiver.metrics.get("gen_ai.client.token.usage")
        if usage is None:
            return False
        return any(
            ("gen_ai.request.model", "support") in {(a.key, a.value.string_value) for a in point.attributes}
            for point in usage.histogram.data_points
        )

    await until(counted)
    projects = receiver.metrics["intentmesh.project.tokens"].sum.data_points
    labels = [{a.key: a.value.string_value for a in point.attributes} for point in projects]
    assert {"red"} <= {label.get("intentmesh.project") for label in labels}


@pytest.mark.asyncio(loop_scope="module")
async def test_audit_line_per_decision(observed):
    """Types, counts and operators; no value."""
    gateway, _, audit = observed
    await gateway.chat(f"my mail is {CANARY}@example.org", headers={"x-request-id": "abc-1", "x-team": "blue"})

    async def written():
        lines = [json.loads(line) for line in audit.read_text().splitlines()]
        return [line for line in lines if line["project"] == "blue"]

    (line,) = await until(written)
    assert line["entities"] == {"EMAIL_ADDRESS:replace": 1}
    assert line["input_tokens"] == 7


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("protocol", ["grpc", "http"])
async def test_a_receiver_that_is_gone_costs_nothing(protocol):
    """Requests go on while nothing listens; what is lost is counted, and the log says nothing of what was in it."""
    otlp = {"endpoint": "http://127.0.0.1:9", "protocol": protocol, "timeout_s": 0.2}
    telemetry = {"otlp": otlp, "traces": {"ratio": 1.0}, "metrics_interval_s": 0.1}
    async with running_gateway(
        mesh={"telemetry": telemetry, "identity": {"headers": {"project": "x-team"}}}
    ) as gateway:
        for _ in range(5):
            assert (await gateway.chat(f"the pump is hot, tell {CANARY}@example.org")).status_code == 200

        async def counted():
            metrics = await page(gateway, "metrics")
            return all(f'telemetry_dropped_total{{signal="{s}"}}' in metrics for s in ("traces", "metrics"))

        await until(counted)
        assert CANARY not in gateway.processor.output()


async def page(gateway, name):
    """A page of the processor's admin port."""
    async with httpx.AsyncClient() as client:
        return (await client.get(f"{gateway.processor_admin}/{name}")).text


@pytest.mark.asyncio(loop_scope="module")
async def test_otlp_over_http():
    """Spans and metrics reach a receiver that speaks HTTP, each at its own path."""
    async with running_http_receiver() as receiver:
        otlp = {"endpoint": f"http://127.0.0.1:{receiver.port}/", "protocol": "http"}
        telemetry = {"otlp": otlp, "traces": {"ratio": 1.0}, "metrics_interval_s": 0.2}
        async with running_gateway(
            mesh={"telemetry": telemetry, "identity": {"headers": {"project": "x-team"}}}
        ) as gateway:
            await gateway.chat("the bearing on pump 4 is running hot", headers={"traceparent": PARENT})
            await until(lambda: _true(receiver.spans and "gen_ai.client.token.usage" in receiver.metrics))
        assert receiver.paths == {"/v1/traces", "/v1/metrics"}
        assert receiver.spans[0].trace_id.hex() == PARENT.split("-")[1]
        assert receiver.attributes[0]["gen_ai.request.model"] == "telemetry"
        (requests,) = receiver.metrics["intentmesh.requests"].sum.data_points
        assert getattr(requests, requests.WhichOneof("value")) == 1


@pytest.mark.asyncio(loop_scope="module")
async def test_one_id_through_all_parts(observed):
    """Envoy's request id stands in the span, the audit line, the refusal and the log, and goes on upstream."""
    gateway, receiver, audit = observed
    for upstream in gateway.upstreams.values():
        upstream.requests.clear()
    await gateway.chat("the pump is hot", headers={"traceparent": PARENT})
    request_id = gateway.received[-1].get("x-request-id")
    assert request_id
    refused = await gateway.client.post("/v1/chat/completions", content=b"{", headers={"content-type": "text/json"})
    refused_id = refused.json()["request_id"]

    async def told():
        lines = [json.loads(line) for line in audit.read_text().splitlines()]
        ids = {attributes.get("intentmesh.request_id") for attributes in receiver.attributes}
        recorded = {request_id, refused_id} <= {line["request_id"] for line in lines} and request_id in ids
        return recorded and all(gateway.envoy.output().count(each) == 1 for each in (request_id, refused_id))

    await until(told)


@pytest.mark.asyncio(loop_scope="module")
async def test_version_that_answered(tmp_path):
    """Envoy chooses among a model's versions, and tells which it was."""
    versions = {
        "v1": {
            "weight": 100,
            "endpoints": [{"address": "127.0.0.1:8081"}, {"address": "127.0.0.1:9", "zone": "cluster"}],
        },
        "v10": {"weight": 0, "endpoints": [{"address": "127.0.0.1:8082"}], "headers": {"x-experiment": "promptv2"}},
    }
    audit = tmp_path / "audit.jsonl"
    mesh = {"models": {"m": {"versions": versions}}, "default_model": "m", "routes": []}
    async with running_gateway(mesh={**mesh, "telemetry": {"audit": {"path": str(audit)}}}) as gateway:
        await gateway.chat("the pump is hot", headers={"x-experiment": "promptv2"})
        await gateway.chat("the pump is hot, tell ada@example.org", stream=True)

        async def written():
            lines = [json.loads(line) for line in audit.read_text().splitlines()]
            return lines if len(lines) == 2 else None

        assert {line["version"] for line in await until(written)} == {"v10", "v1"}
        assert 'intentmesh_version="v10"' in await page(gateway, "metrics")


@pytest.mark.asyncio(loop_scope="module")
async def test_audit_of_two_workers_verifies(tmp_path):
    """Two processes, one trail: every decision once, and `intentmesh audit verify` finds it whole."""
    audit = tmp_path / "audit.jsonl"
    mesh = {"processor": {"workers": 2}, "telemetry": {"audit": {"path": str(audit), "max_bytes": 4096, "keep": 100}}}
    async with running_gateway(mesh=mesh) as gateway:
        for _ in range(4):
            answers = await asyncio.gather(*(gateway.chat(f"the pump {i} is hot") for i in range(25)))
            assert {answer.status_code for answer in answers} == {200}
        await gateway.processor.stop()
    result = CliRunner().invoke(cli, ["audit", "verify", "--whole", "--json", str(audit)])
    assert json.loads(result.stdout)["breaks"] == []
    assert json.loads(result.stdout)["good"] == 100


async def _true(value):
    return value


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("on_error", "status"), [("block", 503), ("count", 200)])
async def test_a_full_disk_is_a_choice(on_error, status):
    """When audit lines cannot be written, further requests are refused, or the lost lines are counted."""
    telemetry = {"audit": {"path": "/dev/full", "on_error": on_error}}
    async with running_gateway(
        mesh={"telemetry": telemetry, "identity": {"headers": {"project": "x-team"}}}
    ) as gateway:
        assert (await gateway.chat("the pump is hot")).status_code == 200

        async def lost():
            metrics = await page(gateway, "metrics")
            return 'intentmesh_audit_lines_total{intentmesh_outcome="lost"}' in metrics

        await until(lost)
        answer = await gateway.chat("the pump is hot")
        assert answer.status_code == status
        if status == 503:
            assert answer.json()["error"]["type"] == "service_unavailable"


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("text", [HOT, f"{HOT}, mail ada@example.org"], ids=["plain", "masked"])
async def test_envoy_traces_too(text):
    """Caller, Envoy, its call of the processor, the processor, the model: one trace, each the child of one of the others."""
    async with running_receiver() as receiver:
        otlp = {"endpoint": f"http://127.0.0.1:{receiver.port}"}
        mesh = {"telemetry": {"otlp": otlp, "metrics_interval_s": 0.5}, "envoy": {"tracing": True}}
        async with running_gateway(mesh=mesh) as gateway:
            receiver.spans.clear()
            assert (await gateway.chat(text, headers={"traceparent": PARENT})).status_code == 200

            async def ours():
                return next((span for span in receiver.spans if span.name == "chat telemetry"), None)

            span = await until(ours)

            async def parent():
                return next((each for each in receiver.spans if each.span_id == span.parent_span_id), None)

            call = await until(parent, timeout_s=15)
            upstream = gateway.received[-1].get("traceparent").split("-")
            assert asked(gateway.admin.removeprefix("http://")) == {"telemetry", "support", "general"}
        caller, by_id = PARENT.split("-"), {each.span_id.hex(): each for each in receiver.spans}
    assert {span.trace_id.hex(), call.trace_id.hex(), upstream[1]} == {caller[1]}
    above = call
    while above.parent_span_id.hex() != caller[2]:
        above = by_id[above.parent_span_id.hex()]
    root, above = above, by_id[upstream[2]]
    while above.span_id != root.span_id:
        above = by_id[above.parent_span_id.hex()]


@pytest.mark.asyncio(loop_scope="module")
async def test_log_lines_carry_the_trace(tmp_path):
    """Of a request that is traced: `--log-requests`, and what goes wrong."""
    async with running_receiver() as receiver:
        telemetry = {"otlp": {"endpoint": f"http://127.0.0.1:{receiver.port}"}}
        async with running_gateway(mesh={"telemetry": telemetry, "processor": {"log_level": "debug"}}) as gateway:
            await gateway.chat("the pump is hot", headers={"traceparent": PARENT})

            async def logged():
                return next(
                    (line for line in gateway.processor.output().splitlines() if '"event": "request"' in line), None
                )

            assert json.loads(await until(logged))["trace_id"] == PARENT.split("-")[1]


@pytest.mark.asyncio
@pytest.mark.parametrize("workers", [1, 2])
async def test_both_exporters_tell_the_same(workers):
    """Whatever `/metrics` has a receiver of OTLP is sent, what only the parent of several workers knows by one of them alone."""
    async with running_receiver() as receiver:
        telemetry = {"otlp": {"endpoint": f"http://127.0.0.1:{receiver.port}"}, "metrics_interval_s": 0.3}
        async with running_gateway(mesh={"telemetry": telemetry, "processor": {"workers": workers}}) as gateway:
            assert (await gateway.chat(HOT)).status_code == 200
            async with httpx.AsyncClient() as client:
                scraped = (await client.get(f"{gateway.processor_admin}/metrics")).text
            names = {
                instrument.name
                for instrument in INSTRUMENTS
                if re.search(rf"^{instrument.name.replace('.', '_')}(_[a-z_]+)?{{?", scraped, re.MULTILINE)
            }
            assert {"intentmesh.worker.up", "intentmesh.worker.restarts", "intentmesh.build.info"} <= names

            async def told():
                return names <= receiver.metrics.keys()

            await until(told, process=gateway.processor)
            up = receiver.metrics["intentmesh.worker.up"].gauge.data_points
            assert len(up) == workers
            victims = children(gateway.processor.pid)
            before = {name: set(receiver.instances[name]) for name in names}
            for victim in victims:
                os.kill(victim, signal.SIGKILL)

            async def restarts():
                points = receiver.metrics["intentmesh.worker.restarts"].sum.data_points
                return [point.as_double for point in points] == [1.0] * len(victims)

            if victims:
                await until(restarts, process=gateway.processor)
                for name in ("intentmesh.worker.up", "intentmesh.config.generation", "intentmesh.worker.memory"):
                    assert receiver.instances[name] == before[name], "the parent is the same, whoever tells of it"
                    assert len(before[name]) == 1
