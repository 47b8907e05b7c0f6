"""What is billed is what the model's server counted itself, however the answer comes."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.wire.harness import ROOT, running_gateway, until

DEMO = ROOT / "inference" / "demo" / "telemetry.gguf"
SHAPES = {
    "json": {},
    "stream": {"stream": True},
    "stream-with-usage": {"stream": True, "stream_options": {"include_usage": True}},
    "stream-without-usage": {"stream": True, "stream_options": {"include_usage": False}},
    "several-choices": {"stream": True, "n": 2},
}
QUESTIONS = ("why is the bearing on pump 4 hot", "the bearing on pump 4 of ada@example.org is hot, what now")
"""The second is masked, so that its answer is edited too."""


def relay(port):
    """An upstream that hands requests on to a server, byte by byte."""

    async def forward(request, writer):
        reader, onward = await asyncio.open_connection("127.0.0.1", port)
        headers = [(name, value) for name, value in request.headers if name != "connection"]
        lines = [f"{request.method} {request.target} HTTP/1.1", *(f"{n}: {v}" for n, v in headers), "connection: close"]
        onward.write("\r\n".join([*lines, "", ""]).encode("latin-1") + request.body)
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        onward.close()
        return False

    return forward


@pytest.mark.skipif(not DEMO.exists(), reason="the demo models are not there (make them with scripts/demo_models)")
async def test_totals_are_the_servers_own(start, tmp_path):
    """JSON and streams, with and without `include_usage`: the sums of the audit trail are the server's own counters."""
    audit = tmp_path / "audit.jsonl"
    with start(model=DEMO) as server:
        telemetry = {"audit": {"path": str(audit)}, "projects": list(SHAPES)}
        identity = {"headers": {"project": "x-team"}}
        async with running_gateway(mesh={"telemetry": telemetry, "identity": identity}) as gateway:
            for upstream in gateway.upstreams.values():
                upstream.answer = relay(int(server.url.rpartition(":")[2]))
            for shape, options in SHAPES.items():
                for question in QUESTIONS:
                    answer = await gateway.chat(question, headers={"x-team": shape}, max_tokens=12, **options)
                    assert answer.status_code == 200, answer.text

            async def written():
                lines = [json.loads(line) for line in audit.read_text().splitlines()]
                return lines if len(lines) == len(SHAPES) * len(QUESTIONS) else None

            lines = sorted(await until(written), key=lambda line: line["time"])  # they are written as answers end
        assert [line["project"] for line in lines if line["estimated"]] == []
        assert sum(line["output_tokens"] for line in lines) == server.metric("completion_tokens_total")
        # OpenAI's usage has a prompt once, the server's counter once for each choice
        prompts = sum(line["input_tokens"] * SHAPES[line["project"]].get("n", 1) for line in lines)
        assert prompts == server.metric("prompt_tokens_total")
        by_question = [{line["input_tokens"] for line in lines[i::2]} for i in range(2)]
        assert [len(each) for each in by_question] == [1, 1]
