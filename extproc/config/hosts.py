"""Hosts that applications call already, and whose traffic is to be read on the way."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from extproc.config.addresses import split_address
from extproc.config.section import Section

HTTP_PORT = 80
TLS_PORT = 443


class Upstream(Section):
    """How the proxy goes on to a host that applications call in the clear."""

    port: int = Field(gt=0, lt=65536)
    tls: bool = False
    """TLS begins at the proxy: the certificate is verified for the host's name."""


class InterceptedHost(Section):
    """A host that applications call already, as `{host: vllm.models.svc.cluster.local, port: 8000}`."""

    host: str
    """As applications call it. `*.example.com` where the mesh takes wildcards."""
    port: int = Field(default=80, gt=0, lt=65536)
    """Port that applications call, in the clear: nobody can read what an application encrypts itself."""
    upstream: Upstream | None = None
    """Where the host really is, if not there: `{port: 443, tls: true}`."""

    @model_validator(mode="after")
    def _readable(self) -> Self:
        if self.port == TLS_PORT:
            raise ValueError(
                f"applications that call {self.host} on port {TLS_PORT} encrypt what they send, and a proxy cannot read it: "
                f"have them call http://{self.host} and write `port: 80, upstream: {{port: 443, tls: true}}`"
            )
        return self


class Transparent(Section):
    """Connections of this machine's own applications that the kernel hands over."""

    port: int = Field(default=15001, gt=0, lt=65536)
    """Where Envoy takes them, on loopback."""
    user: str = Field(default="envoy", pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$")
    """The user that Envoy runs as: its own connections are let through."""
    ipv6: bool = True
    """Whether this machine has IPv6. False: what applications call over IPv6 is refused, so that they use IPv4."""


class Outbound(Section):
    """Calls that applications of this machine make to hosts of their own choice: without a cluster, what a sidecar does."""

    proxy: str | None = None
    """`host:port` of an HTTP proxy, for what is started with `http_proxy` and `https_proxy`; as 127.0.0.1:3128."""
    transparent: Transparent | None = None
    """For what knows of no proxy: iptables hands its connections over. `render` writes the script that turns this on and off."""
    hosts: tuple[InterceptedHost, ...] = ()
    """Whose calls are read; all others pass as they are. Default: every host that is called in the clear, on port 80."""
    encrypted: Literal["refuse", "pass"] = "refuse"
    """What becomes of a call to one of `hosts` that the application encrypts itself, so that nobody can read it."""

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.proxy is not None:
            split_address(self.proxy)
        places = [(host.host.lower(), host.port) for host in self.hosts]
        if twice := next((place for place in places if places.count(place) > 1), None):
            raise ValueError(f"`hosts` names {twice[0]}:{twice[1]} twice")
        for host in self.hosts:
            if host.upstream is not None and "*" in host.host:
                raise ValueError(f"`{host.host}` stands for many hosts: an `upstream` can be said of one only")
        return self

    def ports(self) -> tuple[int, ...]:
        """Ports on which calls are made in the clear."""
        return tuple(sorted({host.port for host in self.hosts})) or (HTTP_PORT,)
