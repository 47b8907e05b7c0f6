"""The audit trail of a processor that is killed, and of one that sends its lines on."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest
from click.testing import CliRunner

from extproc.cli import cli
from tests.wire.harness import healthy, running_gateway, until
from tests.wire.receiver import running_http_receiver, running_receiver
from tests.wire.test_reload import ASK, GENERAL
from tests.wire.test_usage_log import dawdle

MESH = {"models": GENERAL, "intents": {}, "routes": [], "default_model": "general", "processor": {"grace_s": 1}}


def verified(audit, *options):
    """What `intentmesh audit verify` says, and its exit status."""
    result = CliRunner().invoke(cli, ["audit", "verify", "--whole", "--json", *map(str, options), str(audit)])
    return json.loads(result.stdout), result.exit_code


async def test_exchanges_survive_a_kill_as_lines_that_say_so(tmp_path):
    """Masked or not, in the middle of a stream: each is on record with its id; the trail is whole, and says who was killed."""
    audit, key, anchors = tmp_path / "audit.jsonl", tmp_path / "key", tmp_path / "anchors"
    key.write_text("k" * 32)
    settings = {"path": str(audit), "key_file": str(key), "anchors": str(anchors)}
    async with running_gateway(mesh={**MESH, "telemetry": {"audit": settings}}) as gateway:
        await gateway.chat("the pump is hot")

        async def one():
            return audit.read_bytes().count(b"\n") == 1

        await until(one)
        dawdle(gateway)
        asking = [asyncio.create_task(gateway.chat(text, stream=True)) for text in ("the pump is hot", ASK)]
        await until(lambda: _received(gateway, 3))
        await asyncio.sleep(0.3)
        await gateway.processor.kill()
        for task in asking:
            task.cancel()
        await gateway.processor.start()
        await until(lambda: healthy(f"unix:{gateway.socket}"), process=gateway.processor)

        async def told():
            lines = [json.loads(line) for line in audit.read_bytes().splitlines()]
            unknown = [line for line in lines if line.get("outcome") == "unknown"]
            return unknown if len(unknown) == 2 else None

        lines = await until(told, process=gateway.processor)
        assert all(line["request_id"] and line["error"] == "killed" for line in lines)
        assert "general" in [line["model"] for line in lines]
        async with httpx.AsyncClient() as client:
            metrics = (await client.get(f"{gateway.processor_admin}/metrics")).text
        assert 'intentmesh_outcome="unknown"' in metrics
        await gateway.processor.stop()
        found, code = verified(audit, "--key-file", key, "--anchors", anchors)
        assert (code, found["breaks"], found["whole"]) == (0, [], True)
        assert [gap["kind"] for gap in found["gaps"]] == ["killed", "unfinished", "unfinished"]
        assert "audit_anchor" in gateway.processor.output()

        last = audit.read_bytes().splitlines(keepends=True)
        audit.write_bytes(b"".join(last[:-1]))
        found, code = verified(audit, "--key-file", key, "--anchors", anchors)
        assert code == 1
        assert "an anchor names" in found["breaks"][0]["message"]


async def _received(gateway, number):
    return len(gateway.received) >= number


@pytest.mark.parametrize("protocol", ["grpc", "http"])
async def test_lines_are_sent_on_as_log_records(tmp_path, protocol):
    """Byte for byte as they stand in the file."""
    audit = tmp_path / "audit.jsonl"
    running = running_receiver() if protocol == "grpc" else running_http_receiver()
    async with running as receiver:
        otlp = {"endpoint": f"http://127.0.0.1:{receiver.port}", "protocol": protocol}
        telemetry = {"otlp": otlp, "audit": {"path": str(audit), "ship": {"otlp": True}}}
        async with running_gateway(mesh={**MESH, "telemetry": telemetry}) as gateway:
            for _ in range(3):
                await gateway.chat("the pump is hot")

            async def came():
                return len(receiver.logs) == 3

            await until(came, process=gateway.processor)
    assert receiver.logs == audit.read_text().splitlines()
