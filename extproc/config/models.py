"""The model registry: where each model runs, what it costs, and how far data may travel to reach it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from extproc.config.section import Section

Zone = Literal["pod", "cluster", "region", "external"]
ZONES: tuple[Zone, ...] = ("pod", "cluster", "region", "external")
"""From near to far; data with a residency goes no farther than its zone."""


class Endpoint(Section):
    """One place where a model answers."""

    address: str
    """`host:port`."""
    zone: Zone = "pod"
    tls: bool = False
    host: str | None = None
    """Host header and SNI. Default: the host of `address`, with TLS only."""
    ca_file: Path | None = None
    """CA bundle that signs the endpoint's certificate. Default: the system's."""
    credentials_file: Path | None = None
    """File with the value of the `authorization` header that this endpoint wants."""

    @field_validator("address")
    @classmethod
    def _host_and_port(cls, address: str) -> str:
        host, _, port = address.rpartition(":")
        if not host or not port.isdigit() or not 0 < int(port) < 65536:
            raise ValueError(f"`{address}` is not host:port (as 127.0.0.1:8081)")
        return address

    @property
    def hostname(self) -> str:
        """The host part of `address`, without the brackets of IPv6."""
        return self.address.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """The port part of `address`."""
        return int(self.address.rpartition(":")[2])


class Gguf(Section):
    """Weights for llama.cpp: a local file, a file of a Hugging Face repository, or one of the bundled demo models."""

    path: Path | None = None
    """Relative to `mesh.yaml`."""
    repo: str | None = None
    file: str | None = None
    sha256: str | None = None
    demo: Literal["telemetry", "support", "general"] | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if [self.path, self.repo, self.demo].count(None) != 2:
            raise ValueError("give one of `path`, `repo` with `file`, and `demo`")
        if (self.repo is None) != (self.file is None):
            raise ValueError("`repo` and `file` belong together")
        return self


class Price(Section):
    """Price per million tokens, in the currency of your bills."""

    input: float = Field(default=0.0, ge=0)
    output: float = Field(default=0.0, ge=0)


class Version(Section):
    """One version of a model among which traffic is split."""

    weight: int = Field(ge=0, le=100)
    endpoints: tuple[Endpoint, ...] = Field(min_length=1)
    upstream_name: str | None = None


class Model(Section):
    """One entry of the registry. Its name is the value of `x-intentmesh-model` and, rendered, the name of Envoy's cluster."""

    endpoints: tuple[Endpoint, ...] = Field(default=())
    upstream_name: str | None = None
    """What the upstream calls the model: written over `model` in the body. Default: the body's `model` is left as it is."""
    gguf: Gguf | None = None
    """What `intentmesh up` and the rendered inference container load."""
    context_tokens: int = Field(default=4096, gt=0)
    price_per_million: Price = Field(default_factory=Price)
    versions: dict[str, Version] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if not self.endpoints and not self.versions:
            raise ValueError("give `endpoints`, or `versions` with endpoints of their own")
        return self


class Route(Section):
    """A rule that turns an intent and a policy into a model. The first that matches decides."""

    intent: str | None = None
    """Matches this intent; none: any."""
    entities: tuple[str, ...] = ()
    """Matches when any of these entity types was found."""
    headers: dict[str, str] = Field(default_factory=dict)
    """Matches when all of these request headers have these values."""
    model: str
    residency: Zone = "external"
    """How far the request may travel: to no endpoint beyond this zone."""
