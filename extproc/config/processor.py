"""Where the processor listens and how it runs."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Literal

from pydantic import Field

from extproc.config.section import Section


class ProcessorSettings(Section):
    """The `processor` section."""

    socket: str = "/tmp/intentmesh/extproc.sock"  # noqa: S108 - the emptyDir that the container shares with Envoy
    """Unix socket of the gRPC server; each worker after the first has one of its own beside it (see `sockets`)."""
    address: str | None = None
    """`host:port` to listen on over TCP instead of the socket."""
    workers: int = Field(default=1, ge=1, le=64)
    """Processes; one fills one core."""
    admin: str = "127.0.0.1:9464"
    """`host:port` of `/healthz`, `/readyz`, `/metrics` and `/config`."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """From which level on events are logged, one JSON line each on standard error. `debug` tells of every request, in names,
    counts and times; no level tells what somebody wrote."""
    grace_s: float = Field(default=20.0, ge=0)
    """Time that open streams have to finish after SIGTERM."""

    def sockets(self) -> tuple[str, ...]:
        """One socket for each worker: `extproc.sock`, `extproc-1.sock` and on."""
        path = PurePosixPath(self.socket)
        return tuple(str(path.with_stem(f"{path.stem}-{i}") if i else path) for i in range(self.workers))
