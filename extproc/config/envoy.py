"""The Envoy that is rendered: where it listens, and where the requests go that are none of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from extproc.config.addresses import split_address
from extproc.config.hosts import Outbound
from extproc.config.section import Section


class TokenLimit(Section):
    """A budget of tokens; who has used it up gets 429 until it is filled again."""

    tokens: int = Field(gt=0, lt=2**31)
    """So many in each interval."""
    per_s: float = Field(default=60.0, ge=0.05)
    """The interval."""
    by: Literal["all", "project", "model"] = "project"
    """Whose budget it is: everybody's together, or that of each project (`identity`) or model."""
    service: str | None = None
    """`host:port` of an envoyproxy/ratelimit: one budget for all Envoys, charged what answers really used. Default: a
    budget of each Envoy's own, charged the estimated tokens of the prompt (four bytes each)."""

    @field_validator("service")
    @classmethod
    def _address(cls, address: str | None) -> str | None:
        if address is not None:
            split_address(address)
        return address


class ListenerTls(Section):
    """TLS for callers. Paths are those in Envoy's container."""

    certificate_file: Path
    key_file: Path
    client_ca_file: Path | None = None
    """CA that signs the certificates of callers (mTLS), so that `identity.certificate` knows them. Default: none is asked for."""
    require_client_certificate: bool = False
    """Callers without one are not let in."""

    @model_validator(mode="after")
    def _asks_for_what_it_requires(self) -> Self:
        if self.require_client_certificate and self.client_ca_file is None:
            raise ValueError(
                "`require_client_certificate` needs `client_ca_file`, which says whose certificates are good"
            )
        return self


class EnvoySettings(Section):
    """The `envoy` section."""

    listen: str = "0.0.0.0:8080"
    """`host:port` on which callers reach the rendered Envoy."""
    tls: ListenerTls | None = None
    """TLS on `listen`. Default: none; a mesh or a load balancer has it."""
    admin: str = "127.0.0.1:9902"
    """`host:port` of Envoy's own admin page: loopback, since it can stop the proxy."""
    probes: str | None = None
    """`host:port` of `/ready` and `/stats/prometheus` and nothing else of the admin page: for a kubelet and Prometheus."""
    upstream: str | None = None
    """`host:port` of the service that gets every request that `intercept` does not name. Default: the default model."""
    outbound: Outbound | None = None
    """Calls that this machine's applications make, taken on their way out. Default: none are."""
    secrets_file: Path | None = None
    """Where Envoy will find the file `secrets.yaml` that is rendered then: an absolute path. With it, Envoy reads the files of
    `credentials_file` again when they are replaced. Default: they are read when Envoy starts."""
    max_connections: int = Field(default=10_000, gt=0)
    """Connections from callers at once; Envoy refuses more rather than run out of memory."""
    idle_timeout_s: float = Field(default=300.0, gt=0)
    """A stream on which nothing moved for so long is closed."""
    headers_timeout_s: float = Field(default=10.0, gt=0)
    """The headers of a request have to be here within so long."""
    request_timeout_s: float = Field(default=3600.0, gt=0)
    """And all of it, its body included, within so long; a WebSocket, a request without end, lasts no longer. An answer may."""
    max_heap_mb: int | None = Field(default=None, gt=0)
    """Memory beyond which this Envoy takes no more: near it, connections are closed after their answer and new requests get 503.
    Default: three quarters of `kubernetes.resources.envoy.memory`."""
    token_limit: TokenLimit | None = None
    """Default: none."""
    logs_usage: bool = True
    """Where token usage is wanted (`telemetry.usage`), Envoy reads it off the answers that need no restoring, by a few lines
    of Lua, and tells the processor in its gRPC access log. False: the processor is shown these answers too, at two messages
    more a request."""
    tracing: bool = False
    """Envoy traces too, to `telemetry.otlp` (gRPC): its span is the processor's parent, and the model's."""
    margin_ms: int = Field(default=500, ge=0)
    """Added to `limits.deadline_ms` for Envoy's `message_timeout`: the processor gives up first, with an answer of its own."""

    @field_validator("listen", "admin", "probes", "upstream")
    @classmethod
    def _addresses(cls, address: str | None) -> str | None:
        if address is not None:
            split_address(address)
        return address
