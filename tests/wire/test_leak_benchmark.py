"""A neutral judge: the PyPI package `pii-leak-benchmark` drives the gateway, with its own model behind it.

Its first profile asks whether raw values reach the model and come back; the second splits values that the model utters
of its own over the events of an answer, plain and percent-encoded, and looks for them in all that the client got.
"""

from __future__ import annotations

import asyncio
import json
import sys

import pytest
import pytest_asyncio

from tests.wire.harness import free_address, running_gateway

pytestmark = pytest.mark.asyncio(loop_scope="module")

MESH = {"intercept": [{"path_prefix": "/v1/", "redact_output": True}], "pii": {"packs": ["us"]}}


def behind(port):
    """Hand each request on to the benchmark's own model, and its answer back, byte by byte."""

    async def answer(request, writer):
        reader, model = await asyncio.open_connection("127.0.0.1", port)
        headers = "".join(
            f"{k}: {v}\r\n" for k, v in request.headers if k not in ("transfer-encoding", "content-length")
        )
        head = f"{request.method} {request.target} HTTP/1.1\r\n{headers}content-length: {len(request.body)}\r\n\r\n"
        model.write(head.encode("latin-1") + request.body)
        await model.drain()
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        model.close()
        return False

    return answer


async def ran(*command):
    """What a command says, and its exit code."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    out, _ = await process.communicate()
    return out.decode(), process.returncode


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def judged():
    """A gateway in front of the benchmark's model: the gateway's port and the model's."""
    port = free_address().rpartition(":")[2]
    async with running_gateway(mesh=MESH) as gateway:
        for upstream in gateway.upstreams.values():
            upstream.answer = behind(int(port))
        yield gateway.port, port


@pytest.mark.parametrize("profile", ["pii-v1", "pii-secrets-v1"])
async def test_nothing_leaks_on_the_way_to_the_model(judged, profile):
    """The first profile: no raw value upstream, each of them back at the client, events whole."""
    gateway, model = judged
    said, code = await ran(
        *(sys.executable, "-m", "pii_leak_benchmark.cli", "selfcheck", "--profile", profile, "--iterations", "3"),
        *("--target-base-url", f"http://127.0.0.1:{gateway}/v1", "--capture-port", model),
    )
    assert code == 0, said
    assert "CLEAN" in said


@pytest.mark.parametrize(("seed", "oracle"), [("a1b2c3d4e5f60001", "exhaustive-2-part"), ("77", "midpoint")])
async def test_nothing_that_the_model_utters_passes(judged, tmp_path, seed, oracle):
    """The second profile: what the request held comes back, what it did not hold is taken out, however it is cut."""
    gateway, model = judged
    summary = tmp_path / "summary.json"
    said, _ = await ran(
        *(sys.executable, "-m", "pii_leak_benchmark.v2_emitter", "--only", "intentmesh", "--seed", seed),
        *("--gateway-url", f"http://127.0.0.1:{gateway}/v1/chat/completions", "--upstream-port", model),
        *("--oracle", oracle, "--out", str(tmp_path), "--json-out", str(summary)),
    )
    (row,) = json.loads(summary.read_text())["rows"]
    rates = row["fidelity_rate"], row["leak_single_chunk"], row["leak_adversarial"]
    assert (row["outcome"], rates, row["inconclusive"]) == ("pass", (1.0, 0.0, 0.0), 0), said
