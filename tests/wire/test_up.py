"""`intentmesh up` as its user: what it prints reaches three models, comes back fitting and restored, and ^C ends all."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from contextlib import asynccontextmanager

import httpx
import pytest

from extproc.cli.up import EXAMPLES
from tests.wire.harness import MESH_YAML, ROOT

pytest.importorskip("llama_cpp", reason="the inference extra is not installed")

EXPECTED = dict(zip(EXAMPLES, ("telemetry", "support", "general"), strict=True))
ORIGINALS = ("ada.lovelace@example.org", "4111 1111 1111 1111", "Aisha Okafor")


@asynccontextmanager
async def running_up():
    """The process and what it said first."""
    command = [sys.executable, "-m", "extproc", "up", str(MESH_YAML), "--free-ports", "--json"]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, cwd=ROOT)
    try:
        line = await asyncio.wait_for(process.stdout.readline(), 120)
        yield process, json.loads(line)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_the_printed_requests_work_and_ctrl_c_ends_everything():
    """Whoever tries what is printed sees what the product does, not a model's excuse."""
    async with running_up() as (process, said), httpx.AsyncClient(base_url=said["url"], timeout=30) as client:
        for text, original in zip(EXAMPLES, ORIGINALS, strict=True):
            body = {"messages": [{"role": "user", "content": text}], "temperature": 0}
            answer = (await client.post("/v1/chat/completions", json=body)).json()
            content = answer["choices"][0]["message"]["content"]
            assert (answer["model"], original in content) == (EXPECTED[text], True), content
            assert "demo model" not in content
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), 30) == 0
    for pid in said["pids"].values():
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
