"""The model registry: where each model runs, what it costs, and how far data may travel to reach it.

The processor writes the model and that bound into every request that it has decided on (`wire_names.py`).
Every rendered configuration has a route for each pair, and refuses a pair that it does not know with 503. A bound that leaves
endpoints out has a cluster of its own that has no others, so no retry and no failover can pass it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from extproc.config.platforms import Platform, unserved
from extproc.config.section import Section
from extproc.config.traffic import Ejection, Health, Mirror, Pool, Retries, Rewrite, Sticky


def _name(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", value):
        raise ValueError(f"`{value}` cannot be a name: use a-z, 0-9 and `-`, 63 characters at most")
    return value


ModelName = Annotated[str, AfterValidator(_name)]
"""What a model or a version may be called: it becomes the name of a Kubernetes object and a part of a metric's name."""

Zone = Literal["pod", "cluster", "region", "external"]
ZONES: tuple[Zone, ...] = ("pod", "cluster", "region", "external")
"""From near to far; data with a residency goes no farther than its zone."""


def within(zone: Zone, bound: Zone) -> bool:
    """Whether a zone is no farther than a bound."""
    return ZONES.index(zone) <= ZONES.index(bound)


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
    """File with the whole value of the header in which this endpoint wants its key, whatever the caller sent."""
    credentials_header: str | None = None
    """That header. Default: by the model's `api`: `x-api-key` for anthropic, `x-goog-api-key` for gemini, else
    `authorization`."""
    health: str | None = None
    """Path of its health check. Default: the model's, and none in the zone `external`, where ejection has to do."""

    @model_validator(mode="after")
    def _secret_travels_encrypted(self) -> Self:
        if self.credentials_file is not None and not self.tls:
            raise ValueError("`credentials_file` needs `tls: true`: a credential is not sent in the clear")
        if self.zone == "external" and not self.tls:
            raise ValueError("an endpoint in the zone `external` needs `tls: true`")
        return self

    @field_validator("credentials_header")
    @classmethod
    def _is_a_header(cls, name: str | None) -> str | None:
        if name is not None and not re.fullmatch(r"[A-Za-z0-9-]{1,64}", name):
            raise ValueError(f"`{name}` is no name of a header")
        return None if name is None else name.lower()

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
    def server_name(self) -> str:
        """The name that the endpoint goes by: in its certificate, and as Host where it has one of its own."""
        return self.host or self.hostname

    @property
    def port(self) -> int:
        """The port part of `address`."""
        return int(self.address.rpartition(":")[2])


Capability = Literal["tools", "vision", "json_schema", "reasoning", "embeddings"]
"""What a model can do beyond answering texts with texts, and what a request may use."""

ModelApi = Literal["openai", "openai-responses", "anthropic", "gemini", "llama.cpp"]
"""What an upstream speaks: OpenAI's chat completions or responses, Anthropic's messages, Gemini's generateContent, or the
first three of them, as llama.cpp's servers do."""

AUTO = "auto"
INTENT_PREFIX = "intent:"
"""What a request may name instead of a model: whichever its intent leads to, or this intent."""


class Sla(Section):
    """What the one who runs a model promises of it."""

    ttft_ms: int | None = Field(default=None, gt=0)
    """Time to the first token."""
    tokens_per_s: float | None = Field(default=None, gt=0)


class DataCard(Section):
    """Where a model comes from, and where what it is sent stays."""

    trained_by: str | None = None
    residency: str | None = None
    """Country or region in which requests are processed and kept, as `eu`; how far a request may travel is a route's matter."""


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
    cache_read: float | None = Field(default=None, ge=0)
    """Of what the provider took from its cache. Default: as `input`."""
    cache_write: float | None = Field(default=None, ge=0)
    """Of what the provider put into its cache. Default: as `input`."""
    reasoning: float | None = Field(default=None, ge=0)
    """Of what the model thought and did not say. Default: as `output`."""


class Version(Section):
    """One version of a model among which Envoy splits the traffic."""

    weight: int = Field(ge=0, le=100)
    """Share of the requests, in percent; the weights of a model's versions are 100 together."""
    headers: dict[str, str] = Field(default_factory=dict)
    """Requests with all of these headers go to this version whatever its weight: an A/B test's `x-experiment: promptv2`."""
    endpoints: tuple[Endpoint, ...] = Field(min_length=1)


_KEY_HEADERS = {"anthropic": "x-api-key", "gemini": "x-goog-api-key"}


class Model(Section):
    """One entry of the registry. Its name is the value of `x-intentmesh-model` and, rendered, the name of Envoy's cluster."""

    endpoints: tuple[Endpoint, ...] = Field(default=())
    upstream_name: str | None = None
    """What the upstream calls the model: written over `model` in the body. Default: the body's `model` is left as it is."""
    rewrite: tuple[Rewrite, ...] = ()
    """Paths that the upstream calls by another name; the longest prefix that matches counts."""
    gguf: Gguf | None = None
    """What `intentmesh up` and the rendered inference container load."""
    gpus: int | None = Field(default=None, ge=0)
    """GPUs of its container where the overlay `gpu` is used; 0: it stays on CPUs. Default: `kubernetes.resources.gpus`."""
    api: ModelApi | None = None
    """What the upstream speaks. Default: `llama.cpp` with `gguf`, else `openai` for callers of Anthropic's messages, and for all
    others what they speak."""
    platform: Platform | None = None
    """The cloud that serves it, with paths, a signature and frames of its own around what `api` says. Default: none, it is as its
    provider has it."""
    drop_unsupported: bool = False
    """Leave out what the upstream's API cannot carry of a request, instead of refusing it with 400."""
    aliases: tuple[str, ...] = ()
    """Other names under which requests may ask for it."""
    capabilities: tuple[Capability, ...] | None = None
    """What it can do: a route that sends it what it cannot is a mistake. Default: not said."""
    owner: str | None = None
    """Who answers for it: a team, a vendor."""
    description: str | None = None
    sla: Sla | None = None
    data: DataCard | None = None
    context_tokens: int = Field(default=4096, gt=0)
    price_per_million: Price = Field(default_factory=Price)
    versions: dict[ModelName, Version] = Field(default_factory=dict)
    """Instead of `endpoints`: versions with a share of the traffic each."""
    sticky: Sticky | None = None
    mirror: Mirror | None = None
    forward_credentials: bool | None = None
    """Send on the caller's own credentials (`authorization`, API keys, cookies). By default a model gets them only where it is
    what the caller called: not where there is another host behind the proxy, and not where all its endpoints are external."""
    fallback: tuple[str, ...] = ()
    """Models that stand in for this one, in this order, after 429, 5xx, a reset, and after `retries.per_try_timeout_s` without an
    answer that has begun. Each gets the request in its own API, and only where the decision lets the request go to it."""
    timeout_s: float = Field(default=300.0, gt=0)
    """Time for a whole answer, a stream's last byte included."""
    retries: Retries = Field(default_factory=Retries)
    pool: Pool = Field(default_factory=Pool)
    ejection: Ejection = Field(default_factory=Ejection)
    health: Health = Field(default_factory=Health)

    @field_validator("aliases")
    @classmethod
    def _can_be_asked_for(cls, aliases: tuple[str, ...]) -> tuple[str, ...]:
        for alias in aliases:
            if not re.fullmatch(r"[\w.:/@+-]{1,128}", alias, re.ASCII):
                raise ValueError(f"`{alias}` cannot be an alias: use letters, digits and `.:/@+-_`, 128 at most")
            if alias == AUTO or alias.startswith(INTENT_PREFIX):
                raise ValueError(
                    f"`{alias}` means something else in a request: `{AUTO}`, and `{INTENT_PREFIX}` before an intent"
                )
        return aliases

    @model_validator(mode="after")
    def _served(self) -> Self:
        if self.platform is not None and (reason := unserved(self.platform, self.api, self.every_endpoint())):
            raise ValueError(reason)
        if self.platform is not None and self.api == "anthropic" and self.upstream_name is None:
            raise ValueError("give `upstream_name`: the cloud wants the model's name in the path")
        return self

    @model_validator(mode="after")
    def _own_server(self) -> Self:
        if self.gguf is not None and self.api == "gemini":
            raise ValueError("`gguf` is run by llama.cpp, which does not speak `api: gemini`")
        return self

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if bool(self.endpoints) == bool(self.versions):
            raise ValueError("give `endpoints`, or `versions` with endpoints of their own, and not both")
        return self

    @model_validator(mode="after")
    def _split(self) -> Self:
        total = sum(version.weight for version in self.versions.values())
        if self.versions and total != 100:
            raise ValueError(f"the weights of `versions` add up to {total}, not to 100")
        if self.mirror and self.mirror.version not in self.versions:
            known = ", ".join(self.versions) or "none"
            raise ValueError(f"`mirror` names the version `{self.mirror.version}`; there are: {known}")
        return self

    def speaks(self, api: ModelApi) -> bool:
        """Whether the upstream takes what a caller of this API sends, as it is."""
        if self.api is None:
            return self.gguf is not None or api != "anthropic"
        return self.api in (api, "llama.cpp")

    def key_header(self, endpoint: Endpoint) -> str:
        """The header in which an endpoint wants its key."""
        return endpoint.credentials_header or _KEY_HEADERS.get(self.api or "", "authorization")

    def takes_credentials(self, *, original: bool) -> bool:
        """Whether the caller's credentials go to the model. `original`: the caller called a host of its own."""
        if self.forward_credentials is not None:
            return self.forward_credentials
        own = [self.key_header(endpoint) for endpoint in self.every_endpoint() if endpoint.credentials_file]
        if any(header != "authorization" for header in own):
            return False  # its own key takes the place of one of the caller's headers, and the others were not meant for it
        return not original and self.zones() != ("external",)

    def zones(self) -> tuple[Zone, ...]:
        """The zones in which the model has an endpoint, from near to far."""
        return tuple(zone for zone in ZONES if any(e.zone == zone for e in self.every_endpoint()))

    def every_endpoint(self) -> tuple[Endpoint, ...]:
        """The endpoints of the model and of all its versions."""
        return (*self.endpoints, *(e for version in self.versions.values() for e in version.endpoints))

    def version_of(self, name: str, cluster: str) -> str | None:
        """Which version a cluster of Envoy's belongs to: it is `name:version`, and what follows says how far it may reach."""
        return next((v for v in self.versions if re.match(rf"{re.escape(f'{name}:{v}')}(?![\w.-])", cluster)), None)
