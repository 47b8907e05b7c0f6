"""A changed mesh.yaml is taken into use between two requests, a broken one is not, and nobody notices either."""

import asyncio
import os
import shutil
import signal
import tempfile
from pathlib import Path

import httpx
import pytest
import yaml

from tests.bench.machine import own_bytes
from tests.wire.harness import MESH_YAML, running_gateway, until

GENERAL = {
    "general": {"endpoints": [{"address": "127.0.0.1:8083"}]},
    "telemetry": {"endpoints": [{"address": "127.0.0.1:8081"}]},
}
ASK = "Tell ada@example.org something nice."


def mesh_text(default="general", **sections):
    """A mesh without intents, which is built in no time."""
    return yaml.safe_dump({"version": 1, "models": GENERAL, "default_model": default, **sections})


async def readyz(gateway):
    """What the processor says of itself."""
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{gateway.processor_admin}/readyz")
    return answer.json()


async def generation(gateway, number):
    """Wait for a generation."""

    async def reached():
        return (await readyz(gateway))["generation"] >= number

    await until(reached, process=gateway.processor)


@pytest.fixture
def small():
    """Sections that make the mesh small."""
    return {"models": GENERAL, "intents": {}, "routes": []}


async def test_a_changed_file_is_taken_into_use(small):
    """Rewritten, renamed over, swapped behind a symlink as Kubernetes does, or by SIGHUP."""
    async with running_gateway(mesh=small) as gateway:
        file = gateway.mesh
        await gateway.chat(ASK)
        assert len(gateway.upstreams["general"].requests) == 1

        file.write_text(mesh_text("telemetry"))
        await generation(gateway, 2)
        await gateway.chat(ASK)
        assert len(gateway.upstreams["telemetry"].requests) == 1

        (file.parent / "new.yaml").write_text(mesh_text("general"))
        (file.parent / "new.yaml").rename(file)
        await generation(gateway, 3)
        await gateway.chat(ASK)
        assert len(gateway.upstreams["general"].requests) == 2

        # Kubernetes: mesh.yaml -> ..data/mesh.yaml, and ..data is swapped in one rename
        for name, default in (("one", "telemetry"), ("two", "general")):
            (file.parent / name).mkdir()
            (file.parent / name / "mesh.yaml").write_text(mesh_text(default))
        (file.parent / "..data").symlink_to("one")
        file.unlink()
        file.symlink_to("..data/mesh.yaml")
        await generation(gateway, 4)
        (file.parent / "..data_tmp").symlink_to("two")
        (file.parent / "..data_tmp").rename(file.parent / "..data")
        await generation(gateway, 5)
        await gateway.chat(ASK)
        assert len(gateway.upstreams["general"].requests) == 3

        gateway.processor.child.send_signal(signal.SIGHUP)
        await generation(gateway, 6)


async def test_a_broken_file_is_refused(small):
    """The last good mesh stays; /readyz, the log and a counter say what is wrong."""
    async with running_gateway(mesh=small) as gateway:
        gateway.mesh.write_text(mesh_text("nobody"))

        async def refused():
            return (await readyz(gateway))["refused"]

        assert "there is no model `nobody`" in await until(refused, process=gateway.processor)
        assert (await gateway.chat(ASK)).status_code == 200
        assert (await readyz(gateway))["ready"]
        assert "reload_refused" in gateway.processor.output()
        async with httpx.AsyncClient() as client:
            metrics = (await client.get(f"{gateway.processor_admin}/metrics")).text
        assert "intentmesh_config_rejected_total 1.0" in metrics
        gateway.mesh.write_text(mesh_text("general"))
        await generation(gateway, 2)
        assert (await readyz(gateway))["refused"] is None


RELOADS = int(os.environ.get("INTENTMESH_RELOADS", "12"))
SETTLED = 10
"""Reloads after which the memory has found its level: two pipelines live for a moment, and the heap gets its holes."""


async def test_reloads_under_load_cost_no_request_and_no_memory():
    """Reloads in every way, broken ones in between, while requests go on: each is answered as it should be."""
    async with running_gateway(mesh={}) as gateway:
        over, answered = asyncio.Event(), 0

        async def client():
            nonlocal answered
            while not over.is_set():
                answer = await gateway.chat(ASK)
                assert answer.status_code == 200, answer.text
                assert gateway.text_of(answer) == ASK
                answered += 1

        async def refused():
            return (await readyz(gateway))["refused"]

        clients = [asyncio.create_task(client()) for _ in range(4)]
        text, levels = MESH_YAML.read_text(), []
        for number in range(RELOADS):
            if number % 3 == 2:
                await change(gateway, "version: [", number)
                assert await until(refused, process=gateway.processor)
            await change(gateway, f"{text}\n# {number}\n", number)
            await generation(gateway, number + 2)
            assert not await refused()
            enough = answered + 10
            await until(lambda enough=enough: more_than(lambda: answered, enough))
            levels.append(own_bytes(gateway.processor.pid) / 2**20)
        over.set()
        await asyncio.gather(*clients)
        assert all(b"ada@" not in request.body for request in gateway.received)
        print(f"{RELOADS} reloads, {answered} requests, memory in MB after each: {[round(mb) for mb in levels]}")
        assert levels[-1] < max(levels[:SETTLED]) * 1.05 + 8


async def change(gateway, text, number):
    """Change mesh.yaml: by SIGHUP after a rewrite, a rename over it, or Kubernetes' swap of the symlink to its folder."""
    file = gateway.mesh
    way = number % 3
    if way == 0:
        fresh = file.with_name("mesh.new")
        fresh.write_text(text)
        fresh.rename(file)
        gateway.processor.child.send_signal(signal.SIGHUP)
    elif way == 1:
        fresh = file.with_name("mesh.new")
        fresh.write_text(text)
        fresh.rename(file)
    else:
        folder = Path(tempfile.mkdtemp(prefix="..", dir=file.parent))
        (folder / file.name).write_text(text)
        (file.parent / "..data_tmp").symlink_to(folder.name)
        (file.parent / "..data_tmp").rename(file.parent / "..data")
        if not file.is_symlink():
            (file.parent / "mesh.link").symlink_to("..data/mesh.yaml")
            (file.parent / "mesh.link").rename(file)


async def more_than(count, enough):
    """Whether a count has come so far."""
    return count() >= enough


async def test_workers_share_the_work_and_one_may_die(small):
    """Each worker has its socket; one that is killed is forked again, and the others go on."""
    async with running_gateway(mesh={**small, "processor": {"workers": 3}}) as gateway:
        sockets = sorted(path.name for path in gateway.socket.parent.glob("*.sock"))
        assert sockets == ["extproc-1.sock", "extproc-2.sock", "extproc.sock"]
        for _ in range(12):
            assert (await gateway.chat(ASK)).status_code == 200
        told = await readyz(gateway)
        assert [w["ready"] for w in told["workers"]] == [True] * 3
        victim = children(gateway.processor.pid)[0]
        os.kill(victim, signal.SIGKILL)

        async def replaced():
            now = children(gateway.processor.pid)
            return victim not in now and len(now) == 3

        await until(replaced, process=gateway.processor)
        await gateway.healthy_again()
        for _ in range(12):
            assert (await gateway.chat(ASK)).status_code == 200
        async with httpx.AsyncClient() as client:
            metrics = (await client.get(f"{gateway.processor_admin}/metrics")).text
        assert "intentmesh_requests_total" in metrics
        gateway.mesh.write_text(mesh_text("telemetry"))

        async def all_reloaded():
            return all(
                w.get("generation", 0) >= 2 or w.get("default") == "telemetry"
                for w in (await readyz(gateway))["workers"]
            )

        await until(all_reloaded, process=gateway.processor)
        pids = children(gateway.processor.pid)
        assert await gateway.processor.kill(signal.SIGTERM) == 0
        assert not list(gateway.socket.parent.glob("*.sock"))
        assert not running(pids)


async def test_workers_end_with_their_parent(small):
    """A parent that is killed leaves nobody behind."""
    async with running_gateway(mesh={**small, "processor": {"workers": 2}}) as gateway:
        pids = children(gateway.processor.pid)
        await gateway.processor.kill()

        async def gone():
            return not running(pids)

        await until(gone)


def children(pid):
    """Processes whose parent this is."""
    return sorted(child for child, parent in parents().items() if parent == pid)


def running(pids):
    """Those of these processes that have not ended."""
    return set(pids) & set(parents())


def parents():
    """Every process and its parent."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            found[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    return found


async def test_a_second_processor_is_refused(small):
    """Two processors on one socket would be a mistake, and the message says so."""
    async with running_gateway(mesh=small) as gateway:
        copy = gateway.mesh.with_name("copy.yaml")
        shutil.copy(gateway.mesh, copy)
        command = [*gateway.processor.command[:4], str(copy), "--socket", str(gateway.socket), "--admin", "127.0.0.1:0"]
        child = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE, cwd=MESH_YAML.parent)
        _, told = await child.communicate()
        assert child.returncode == 1
        assert b"another processor serves" in told
        assert (await gateway.chat(ASK)).status_code == 200
