"""`intentmesh up` as its user: what it prints reaches three models, comes back fitting and restored, and ^C ends all.

It says that it listens when each model has answered, and of what cannot answer it says what, why and what to do.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import textwrap
from contextlib import asynccontextmanager, suppress

import httpx
import pytest
import yaml

from extproc.cli.up import EXAMPLES
from tests.wire.harness import MESH_YAML, ROOT, free_address
from tests.wire.upstream import running_upstream

pytest.importorskip("llama_cpp", reason="the inference extra is not installed")

EXPECTED = dict(zip(EXAMPLES, ("telemetry", "support", "general"), strict=True))
ORIGINALS = ("ada.lovelace@example.org", "4111 1111 1111 1111", "Aisha Okafor")


@asynccontextmanager
async def running_up(mesh=MESH_YAML, *options, env=None):
    """The process and what it said first: None, where it ended instead."""
    command = [sys.executable, "-m", "extproc", "up", str(mesh), "--json", *(options or ["--free-ports"])]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *command, stdout=pipe, stderr=pipe, cwd=ROOT, env={**os.environ, **(env or {})}
    )
    try:
        line = await asyncio.wait_for(process.stdout.readline(), 120)
        yield process, json.loads(line) if line else None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def ended(process):
    """Exit code, and what stands on standard error."""
    _, said = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, said.decode()


def written(folder, model, **sections):
    """A mesh.yaml of one model."""
    path = folder / "mesh.yaml"
    path.write_text(
        yaml.safe_dump({"version": 1, "models": {"general": model}, "default_model": "general", **sections})
    )
    return path


async def ask(url, text="hello"):
    """A chat through the mesh."""
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:
        body = {"messages": [{"role": "user", "content": text}], "max_tokens": 4}
        return await client.post("/v1/chat/completions", json=body)


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


@pytest.mark.parametrize(
    "processor",
    [
        {"socket": "/run/intentmesh/mesh.sock"},
        {"socket": "/nowhere/" + "a name without a suffix " * 6, "workers": 2},
        {"address": "127.0.0.1:9"},
    ],
    ids=["another name", "long, and two workers", "TCP"],
)
async def test_wherever_the_processor_listens(tmp_path, processor):
    """A socket of any name in any folder, or none: on this machine it is one of ours, and Envoy knows it."""
    async with running_upstream("general") as upstream:
        model = {"endpoints": [{"address": f"127.0.0.1:{upstream.port}"}]}
        async with running_up(written(tmp_path, model, processor=processor)) as (_, said):
            assert (await ask(said["url"])).status_code == 200


async def test_every_endpoint_on_loopback_is_served(tmp_path):
    """`localhost` and the endpoints of versions are loopback, too; each server has spoken before `up` says so."""
    endpoints = [free_address() for _ in range(2)]
    versions = {
        "a": {"weight": 50, "endpoints": [{"address": endpoints[0].replace("127.0.0.1", "localhost")}]},
        "b": {"weight": 50, "endpoints": [{"address": endpoints[1]}]},
    }
    mesh = written(
        tmp_path,
        {"gguf": {"demo": "general"}, "versions": versions},
        envoy={"listen": free_address(), "admin": free_address()},
        processor={"admin": free_address()},
    )
    async with (
        running_up(mesh, "--port", free_address().rpartition(":")[2]) as (_, said),
        httpx.AsyncClient() as client,
    ):
        for endpoint in endpoints:
            metrics = (await client.get(f"http://{endpoint}/metrics")).text
            assert "intentmesh_inference_completion_tokens_total 1.0" in metrics
        assert [(await ask(said["url"])).status_code for _ in range(6)] == [200] * 6


@pytest.mark.parametrize("cure", [{"enabled": False}, {"path": "/v1/models"}])
async def test_an_upstream_without_health_is_named(tmp_path, cure):
    """Its address, what it answered, the line of mesh.yaml, and what to write there, which is right."""
    async with running_upstream("general") as upstream:
        upstream.health_status = 404
        model = {"endpoints": [{"address": f"127.0.0.1:{upstream.port}"}]}
        mesh = written(tmp_path, model)
        line = mesh.read_text().splitlines().index("  general:") + 1
        async with running_up(mesh) as (process, said):
            assert said is None
            code, error = await ended(process)
        assert code == 1
        assert f"{mesh}:{line}: models.general: the upstream 127.0.0.1:{upstream.port} fails its health check" in error
        assert "GET /health is answered by 404" in error
        assert "`health: {enabled: false}`" in error
        async with running_up(written(tmp_path, {**model, "health": cure})) as (_, said):
            assert (await ask(said["url"])).status_code == 200


DIES = """
    import os, signal, sys
    if sys.orig_argv[1:3] == ["-m", "inference"]:
        from inference.engine import Engine
        decode = Engine.decode
        def dies(engine, batch):
            if batch.size >= {size}:
                print("ggml: about to die", flush=True)
                os.kill(os.getpid(), signal.{signal})
            decode(engine, batch)
        Engine.decode = dies
"""


def dying(folder, size, number):
    """The environment of an `up` whose model servers die when they decode so many tokens at once."""
    (folder / "sitecustomize.py").write_text(textwrap.dedent(DIES.format(size=size, signal=number)))
    return {"PYTHONPATH": str(folder)}


async def test_a_server_that_dies_at_its_first_token_ends_it(tmp_path):
    """Never `listening`, and no restart for ever: the name, the signal in words, the last lines and what to do."""
    mesh = written(tmp_path, {"gguf": {"demo": "general"}, "endpoints": [{"address": "127.0.0.1:8083"}]})
    async with running_up(mesh, env=dying(tmp_path, 1, "SIGILL")) as (process, said):
        assert said is None
        code, error = await ended(process)
    assert code == 1
    assert "inference general (127.0.0.1:" in error
    assert "died of SIGILL (illegal instruction), for the second time" in error
    assert "  | ggml: about to die" in error
    assert "INTENTMESH_LLAMA=avx2 make setup" in error


async def test_a_server_that_dies_again_ends_it(tmp_path):
    """Once it is started again, and answers; the second time `up` ends with it, and leaves no process."""
    mesh = written(tmp_path, {"gguf": {"demo": "general"}, "endpoints": [{"address": "127.0.0.1:8083"}]})
    async with running_up(mesh, env=dying(tmp_path, 60, "SIGSEGV")) as (process, said):
        assert (await ask(said["url"])).status_code == 200
        for _ in range(40):  # the retries of one may be what kills it twice
            if process.returncode is not None:
                break
            with suppress(httpx.TransportError):
                await ask(said["url"], "all is well " * 60)
            await asyncio.sleep(0.25)
        code, error = await ended(process)
    assert code == 1
    assert "died of SIGSEGV (segmentation fault), for the second time" in error
    for pid in said["pids"].values():
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
