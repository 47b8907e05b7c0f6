"""Usage that Envoy reads itself: the same counts as the processor's own reader, without an answer being shown to it."""

from __future__ import annotations

import asyncio
import gzip
import json
from typing import TYPE_CHECKING

import httpx
import pytest
import pytest_asyncio

from extproc.telemetry.usage import UsageReader
from tests.wire.envoys import VERSIONS, envoy_binary
from tests.wire.harness import ext_proc, running_gateway, until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

SSE, JSON = "text/event-stream; charset=utf-8", "application/json; charset=utf-8"


def told(**members: object) -> bytes:
    """A JSON answer."""
    choices = [{"message": {"content": 'say "usage": {"prompt_tokens": 99} \\ "x'}, "finish_reason": "length"}]
    return json.dumps({"model": "telemetry", "choices": choices, **members}).encode()


USAGE = {"prompt_tokens": 5, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 3}, "total_tokens": 12}
DELTA = b'data: {"choices":[{"delta":{"content":"\\"usage\\": {\\"completion_tokens\\": 3}"}}]}\n\n'
DONE = b"data: [DONE]\n\n"
TIMINGS = b'data: {"choices":[{"finish_reason":"stop"}],"timings":{"cache_n":12,"prompt_n":1,"predicted_n":4}}\n\n'
START = b'event: message_start\ndata: {"message":{"model":"m","usage":{"input_tokens":25,"output_tokens":1}}}\n\n'
END = b'data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":15}}\n\n'
ANSWERS = {
    "json": (JSON, told(usage=USAGE)),
    "json with spaces": (JSON, json.dumps({"usage": USAGE, "model": "x y"}, indent=2).encode()),
    "json, usage first, then 3 MB": (JSON, told(usage=USAGE, data=[0.123456789] * 250_000)),
    "json, 3 MB, usage last": (JSON, told(data=[0.123456789] * 250_000, usage=USAGE)),
    "json that says nothing": (JSON, told()),
    "stream": (SSE, DELTA * 20 + b"data: " + told(usage=USAGE) + b"\n\n" + DONE),
    "stream of llama.cpp": (SSE, DELTA * 3 + TIMINGS + DONE),
    "stream that says nothing": (SSE, DELTA * 9 + DONE),
    "stream of another kind": (SSE, START + DELTA * 400 + END),
    "not json": (JSON, b'\x00\xff"usage": {{{'),
}


def answering(
    kind: str, body: bytes, status: int = 200, *, whole: bool = True, **headers: str
) -> Callable[..., Awaitable[bool]]:
    """An upstream that gives this answer, in a few pieces. `whole`: it says beforehand how long it is."""
    size = 60_000 if len(body) > 100_000 else 701
    length = {"content-length": str(len(body))} if whole else {"transfer-encoding": "chunked"}

    async def answer(_request: object, writer: asyncio.StreamWriter) -> bool:
        head = {"content-type": kind, **length, **headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        writer.write(f"HTTP/1.1 {status} OK\r\n{lines}\r\n".encode())
        for start in range(0, len(body), size):
            piece = body[start : start + size]
            writer.write(piece if whole else b"%x\r\n%s\r\n" % (len(piece), piece))
            await writer.drain()
        if not whole:
            writer.write(b"0\r\n\r\n")
        return True

    return answer


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="told_of", params=VERSIONS)
async def _told_of(request, tmp_path_factory):
    """Asks for an answer; what the client got of it, and the audit line."""
    audit = tmp_path_factory.mktemp("usage") / "audit.jsonl"
    models = {
        "telemetry": {
            "endpoints": [{"address": "127.0.0.1:8081"}],
            "price_per_million": {"input": 2, "output": 10},
        }
    }
    mesh = {"models": models, "default_model": "telemetry", "routes": [], "telemetry": {"audit": {"path": str(audit)}}}
    async with running_gateway(mesh=mesh, envoy_path=envoy_binary(request.param)) as gateway:

        async def ask(answer, **options):
            gateway.upstreams["telemetry"].answer = answer
            before = len(audit.read_bytes().splitlines())
            response = await gateway.chat("the pump is hot", **options)

            async def line():
                lines = audit.read_bytes().splitlines()
                return json.loads(lines[-1]) if len(lines) > before else None

            return response, await until(line)

        yield ask, gateway


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("whole", [True, False], ids=["length", "chunked"])
@pytest.mark.parametrize("name", list(ANSWERS))
async def test_envoy_reads_what_the_processor_would(told_of, name, whole):
    """Tokens, and whether they are estimated; and the client gets every byte."""
    ask, _ = told_of
    kind, body = ANSWERS[name]
    reader = UsageReader(streamed=kind == SSE)
    reader.feed(body)
    usage = reader.close()
    response, line = await ask(answering(kind, body, whole=whole))
    assert response.content == body
    assert (line["output_tokens"], line["status"], line["outcome"]) == (usage.output_tokens, 200, "forwarded")
    assert line["estimated"] is (usage.estimated or usage.input_tokens is None)
    if usage.input_tokens is not None:
        assert line["input_tokens"] == usage.input_tokens
        assert line["cost"] == pytest.approx((usage.input_tokens * 2 + usage.output_tokens * 10) / 1e6)


async def test_answers_that_tell_nothing(told_of):
    """Compressed, of another type, empty, an error: the line is there, and nobody pays."""
    ask, _ = told_of
    for answer, status in (
        (answering(JSON, gzip.compress(told(usage=USAGE)), **{"content-encoding": "gzip"}), 200),
        (answering("text/plain", b"usage"), 200),
        (answering(JSON, b""), 200),
        (answering(JSON, b'{"error":{}}', 500), 500),
    ):
        response, line = await ask(answer)
        assert response.status_code == status
        assert (line["status"], line["output_tokens"], line["cost"]) == (status, None, None)


async def test_an_upstream_that_breaks_off(told_of):
    """No answer at all: the audit line has Envoy's own status."""
    ask, _ = told_of

    async def break_off(_request, _writer):
        return False

    response, line = await ask(break_off)
    assert response.status_code == line["status"] == 503


async def test_the_access_log_and_the_metrics_know_it(told_of):
    """Dynamic metadata has tokens and money, as if the processor had read the answer; and no answer was shown to it."""
    ask, gateway = told_of
    kind, body = ANSWERS["stream of llama.cpp"]
    _, line = await ask(answering(kind, body), stream=True)

    async def logged():
        return next((s for s in gateway.envoy.output().splitlines() if line["request_id"] in s), None)

    entry = json.loads(await until(logged))["intentmesh"]
    assert (entry["input_tokens"], entry["output_tokens"], entry["total_tokens"]) == (13, 4, 17)
    assert entry["cost"] == pytest.approx(66e-6)
    async with httpx.AsyncClient() as client:
        metrics = (await client.get(f"{gateway.processor_admin}/metrics")).text
        stats = (await client.get(f"{gateway.admin}/stats", params={"filter": "lua"})).text
    assert "gen_ai_client_operation_time_to_first_chunk_seconds_count" in metrics
    assert 'signal="usage"' not in metrics
    assert "errors: 0" in stats


async def test_a_client_that_goes_away(tmp_path):
    """Its audit line says so."""
    audit = tmp_path / "audit.jsonl"
    async with running_gateway(mesh={"telemetry": {"audit": {"path": str(audit)}}}) as gateway:
        dawdle(gateway)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(gateway.chat("the pump is hot", stream=True), 0.5)

        async def line():
            return json.loads(audit.read_bytes()) if audit.stat().st_size else None

        assert (await until(line))["outcome"] == "cancelled"


def dawdle(gateway):
    """Let the upstreams begin an answer and not go on."""

    async def answer(_request, writer):
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 9000\r\n\r\n" + DELTA)
        await writer.drain()
        await asyncio.sleep(5)
        return False

    for upstream in gateway.upstreams.values():
        upstream.answer = answer


async def test_an_envoy_without_the_log_shows_its_answers(tmp_path):
    """What an Envoy is configured for, it tells: an older configuration goes on as before."""
    audit = tmp_path / "audit.jsonl"

    def strip(config):
        service = ext_proc(config)["grpc_service"]
        assert [each["key"] for each in service.pop("initial_metadata")] == ["x-intentmesh-logs-usage"]

    async with running_gateway(mesh={"telemetry": {"audit": {"path": str(audit)}}}, change=strip) as gateway:
        await gateway.chat("the pump is hot")

        async def line():
            return json.loads(audit.read_bytes()) if audit.stat().st_size else None

        assert (await until(line))["output_tokens"] == 5


async def test_lines_are_not_lost_with_the_log(tmp_path):
    """Envoy is killed while the processor waits: the line is written all the same, at the latest when it ends."""
    audit = tmp_path / "audit.jsonl"

    async with running_gateway(mesh={"telemetry": {"audit": {"path": str(audit)}}}) as gateway:
        dawdle(gateway)
        asking = asyncio.create_task(gateway.chat("the pump is hot", stream=True))

        async def arrived():
            return bool(gateway.received)

        await until(arrived)
        await gateway.envoy.kill()
        with pytest.raises(httpx.TransportError):
            await asking
        await gateway.processor.stop()
    assert json.loads(audit.read_bytes())["model"] == "telemetry"


def stream_and_then(end):
    """An upstream that sends some events and breaks off, or goes on for ever."""

    async def answer(_request, writer):
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 900000\r\n\r\n")
        for _ in range(40):
            writer.write(DELTA)
            await writer.drain()
        if end == "left":
            await asyncio.sleep(5)
        else:
            await asyncio.sleep(0.2)
            writer.transport.abort()
        return False

    return answer


@pytest.mark.parametrize(
    "text", ["the pump is hot", "mail ada@example.org: the pump is hot"], ids=["seen by Envoy", "masked"]
)
@pytest.mark.parametrize("end", ["cut", "left"])
async def test_an_answer_that_is_not_whole(tmp_path, text, end):
    """Whose fault it was is told apart, masked or not, and what had been made by then is paid, by an estimate that says so."""
    audit = tmp_path / "audit.jsonl"
    price = {"price_per_million": {"input": 2, "output": 10}}
    mesh = {
        "models": {"telemetry": {"endpoints": [{"address": "127.0.0.1:8081"}], **price}},
        "default_model": "telemetry",
        "routes": [],
        "intents": {},
        "telemetry": {"audit": {"path": str(audit)}},
    }
    async with running_gateway(mesh=mesh) as gateway:
        gateway.upstreams["telemetry"].answer = stream_and_then(end)
        with pytest.raises((TimeoutError, httpx.TransportError)):
            await asyncio.wait_for(gateway.chat(text, stream=True), 1.5)

        async def line():
            return json.loads(audit.read_bytes()) if audit.stat().st_size else None

        told = await until(line)
        async with httpx.AsyncClient() as client:
            metrics = (await client.get(f"{gateway.processor_admin}/metrics")).text
    assert told["outcome"] == ("cut" if end == "cut" else "cancelled")
    assert told["error"] == ("upstream_reset" if end == "cut" else None)
    assert (told["estimated"], told["estimate"]) == (True, "events")
    assert 40 - 16 < told["output_tokens"] <= 40  # told every 16 events
    assert told["cost"] > 30 * 10 / 1e6
    how = "upstream_reset" if end == "cut" else "left"
    assert f'intentmesh_end="{how}"' in metrics
    assert 'intentmesh_upstream_first_byte_seconds_count{intentmesh_model="telemetry"} 1.0' in metrics


@pytest.mark.parametrize(
    "text", ["the pump is hot", "mail ada@example.org: the pump is hot"], ids=["seen by Envoy", "masked"]
)
async def test_a_model_that_envoy_has_no_route_for(tmp_path, text):
    """Counted as what it is, and not as forwarded."""
    audit = tmp_path / "audit.jsonl"
    mesh = {
        "models": {"telemetry": {"endpoints": [{"address": "127.0.0.1:8081"}]}},
        "default_model": "telemetry",
        "routes": [],
        "intents": {},
        "telemetry": {"audit": {"path": str(audit)}},
    }

    def forget(config):
        manager = config["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
        routes = manager["route_config"]["virtual_hosts"][0]["routes"]
        routes[:] = [route for route in routes if route["name"] != "telemetry"]

    async with running_gateway(mesh=mesh, change=forget) as gateway:
        assert (await gateway.chat(text)).status_code == 503

        async def line():
            return json.loads(audit.read_bytes()) if audit.stat().st_size else None

        told = await until(line)
    assert (told["outcome"], told["status"], told["error"]) == ("unrouted", 503, "no_route")
