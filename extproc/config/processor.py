"""Where the processor listens and how it runs."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from extproc.config.addresses import split_address
from extproc.config.section import Section


class EnvoySide(Section):
    """How the Envoys that call the processor over TLS know it, and prove who they are. Paths are those in Envoy's container."""

    ca_file: Path
    """CA bundle that signs the processor's certificate."""
    server_name: str | None = None
    """Name in that certificate. Default: the host of `processor.address`."""
    certificate_file: Path | None = None
    """Envoy's own certificate, where the processor asks for one."""
    key_file: Path | None = None

    @model_validator(mode="after")
    def _both(self) -> Self:
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("`certificate_file` and `key_file` belong together")
        return self


class TlsSettings(Section):
    """TLS on the processor's TCP address."""

    certificate_file: Path
    key_file: Path
    client_ca_file: Path | None = None
    """Only clients with a certificate that this CA has signed may call (mTLS). Default: whoever reaches the port may."""
    envoy: EnvoySide | None = None
    """For the rendered configuration."""


class ProcessorSettings(Section):
    """The `processor` section."""

    socket: str = "/tmp/intentmesh/extproc.sock"  # noqa: S108 - the emptyDir that the container shares with Envoy
    """Unix socket of the gRPC server; each worker after the first has one of its own beside it (see `sockets`)."""
    address: str | None = None
    """`host:port` to listen on over TCP instead of the socket."""
    tls: TlsSettings | None = None
    """TLS on `address`. Its files are read again when they change."""
    server: Literal["intentmesh", "grpcio"] = "intentmesh"
    """Who serves gRPC: our own server, or gRPC's Python server, at about twice the processor time a request. That one cannot
    take over a socket that its parent holds: when one of its workers dies, connections to it are refused until the next one
    listens."""
    workers: int = Field(default=1, ge=1, le=64)
    """Processes; one fills one core."""
    admin: str = "127.0.0.1:9464"
    """`host:port` of `/healthz`, `/readyz`, `/metrics` and `/config`."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """From which level on events are logged, one JSON line each on standard error. `debug` tells of every request, in names,
    counts and times; no level tells what somebody wrote."""
    grace_s: float = Field(default=20.0, ge=0)
    """Time that open streams have to finish after SIGTERM."""

    @field_validator("address", "admin")
    @classmethod
    def _addresses(cls, address: str | None) -> str | None:
        if address is not None:
            split_address(address)
        return address

    @field_validator("socket")
    @classmethod
    def _path(cls, socket: str) -> str:
        if not socket or "\0" in socket:
            raise ValueError("a socket needs a path")
        return socket

    @model_validator(mode="after")
    def _tls_over_tcp(self) -> Self:
        if self.tls is not None and self.address is None:
            raise ValueError("`tls` needs `address`: a Unix socket is guarded by its folder")
        if self.tls is not None and self.tls.client_ca_file is not None:
            envoy = self.tls.envoy
            if envoy is not None and envoy.certificate_file is None:
                raise ValueError("`tls.envoy.certificate_file` is missing: with `client_ca_file`, Envoy needs one")
        return self

    def sockets(self) -> tuple[str, ...]:
        """One socket for each worker: `extproc.sock`, `extproc-1.sock` and on."""
        path = PurePosixPath(self.socket)
        return tuple(str(path.with_stem(f"{path.stem}-{i}") if i else path) for i in range(self.workers))
