"""Where the processor listens and how it runs."""

from __future__ import annotations

from pydantic import Field

from extproc.config.section import Section


class ProcessorSettings(Section):
    """The `processor` section."""

    socket: str = "/tmp/intentmesh/extproc.sock"  # noqa: S108 - the emptyDir that the container shares with Envoy
    """Unix socket of the gRPC server; with several workers, `extproc-1.sock` and on beside it."""
    address: str | None = None
    """`host:port` to listen on over TCP instead of the socket."""
    workers: int = Field(default=1, ge=1, le=64)
    """Processes; one fills one core."""
    admin: str = "127.0.0.1:9464"
    """`host:port` of `/healthz`, `/readyz`, `/metrics` and `/config`."""
    grace_s: float = Field(default=20.0, ge=0)
    """Time that open streams have to finish after SIGTERM."""
