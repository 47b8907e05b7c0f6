"""The half of a rendered mesh that lies behind the decision: a real Envoy with its routes and clusters, and upstreams.

The processor and the removal of client-sent headers are left out, so that a test says itself what was decided.
"""

from __future__ import annotations

import asyncio
import ssl
import tempfile
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import trustme

from extproc.config import parse
from extproc.render.document import plain
from extproc.render.envoy import bootstrap
from extproc.render.envoy.processor import FILTER_NAME
from tests.wire.harness import Process, running_envoy, until
from tests.wire.upstream import Upstream, running_upstream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

FAST = {"interval_s": 0.2, "timeout_s": 5, "unhealthy": 1, "healthy": 1}
"""Health checks for tests: five a second; patient, since upstreams may share one busy processor with all else."""


@dataclass
class Behind:
    """A running Envoy, asked as the processor would ask it."""

    client: httpx.AsyncClient
    admin: str
    envoy: Process

    async def ask(
        self, model: str, residency: str | None = None, path: str = "/v1/x", body: bytes = b"{}", **headers: str
    ) -> httpx.Response:
        """Send a request that the processor has decided on."""
        decided = {"x-intentmesh-model": model, **({"x-intentmesh-residency": residency} if residency else {})}
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        return await self.client.post(path, content=body, headers={**decided, **named})

    async def stat(self, name: str) -> int:
        """A counter or gauge of Envoy's, by its whole name."""
        async with httpx.AsyncClient() as admin:
            text = (await admin.get(f"{self.admin}/stats", params={"filter": f"^{name}$"})).text
        return sum(int(line.rpartition(": ")[2]) for line in text.splitlines() if ": " in line)

    async def healthy(self, cluster: str, count: int) -> None:
        """Wait until so many endpoints of a cluster are healthy."""

        async def ask() -> bool:
            return await self.stat(f"cluster.{cluster.replace(':', '_')}.membership_healthy") == count

        await until(ask, process=self.envoy)


@asynccontextmanager
async def running_behind(mesh: dict[str, Any]) -> AsyncIterator[Behind]:
    """Envoy with what is rendered for a mesh, less the filter, on free ports."""
    import yaml

    mesh = {"version": 1, "envoy": {"listen": "127.0.0.1:0", "admin": "127.0.0.1:0"}, **mesh}
    config = plain(bootstrap.bootstrap(parse(yaml.safe_dump(mesh))))
    manager = config["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    del manager["early_header_mutation_extensions"]
    manager["http_filters"] = [f for f in manager["http_filters"] if f["name"] != FILTER_NAME]
    for route in manager["route_config"]["virtual_hosts"][0]["routes"]:
        route.pop("typed_per_filter_config", None)
    clusters = config["static_resources"]["clusters"]
    config["static_resources"]["clusters"] = [c for c in clusters if c["name"] != "intentmesh"]
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="im-")))
        envoy, admin = await stack.enter_async_context(running_envoy(config, folder))
        async with httpx.AsyncClient() as asking:
            listeners = (await asking.get(f"{admin}/listeners", params={"format": "json"})).json()
        port = listeners["listener_statuses"][0]["local_address"]["socket_address"]["port_value"]
        limits = httpx.Limits(max_connections=64)
        client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20, limits=limits)
        yield Behind(await stack.enter_async_context(client), admin, envoy)


def endpoint(upstream: Upstream, zone: str = "pod", **more: Any) -> dict[str, Any]:
    """An upstream as `mesh.yaml` names it."""
    return {"address": f"127.0.0.1:{upstream.port}", "zone": zone, **more}


class Authority:
    """A certificate authority for tests, and a certificate of its own."""

    def __init__(self, folder: Path, name: str) -> None:
        self._ca = trustme.CA()
        self._certificate = self._ca.issue_cert(name)
        self.ca_file = folder / f"{name}-ca.pem"
        self._ca.cert_pem.write_to_path(self.ca_file)

    def server_context(self) -> ssl.SSLContext:
        """TLS for a server of this name."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._certificate.configure_cert(context)
        return context


@asynccontextmanager
async def running_tls_upstream(name: str, authority: Authority) -> AsyncIterator[Upstream]:
    """An upstream that speaks TLS."""
    upstream = Upstream(name)
    server = await asyncio.start_server(upstream.serve, "127.0.0.1", 0, ssl=authority.server_context())
    upstream.port = server.sockets[0].getsockname()[1]
    try:
        yield upstream
    finally:
        server.close()


__all__ = ["FAST", "Authority", "Behind", "endpoint", "running_behind", "running_tls_upstream", "running_upstream"]
