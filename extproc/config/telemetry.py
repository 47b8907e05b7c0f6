"""What is reported, and where to. Never text: only names, counts and times."""

from __future__ import annotations

from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from extproc.config.fields import MeshPath
from extproc.config.section import Section


class OtlpSettings(Section):
    """An OpenTelemetry receiver. `OTEL_EXPORTER_OTLP_HEADERS` and its kind hold for what is not set here."""

    endpoint: str
    """`http://host:4317` for gRPC, `http://host:4318` for HTTP (`/v1/traces` and `/v1/metrics` are added)."""
    protocol: Literal["grpc", "http"] = "grpc"
    timeout_s: float = Field(default=5.0, gt=0)

    @model_validator(mode="after")
    def _has_scheme(self) -> Self:
        if not self.endpoint.startswith(("http://", "https://")):
            raise ValueError(f"`endpoint` must start with http:// or https://, not `{self.endpoint}`")
        return self


class TraceSettings(Section):
    """One span per request on an intercepted path."""

    ratio: float = Field(default=0.1, ge=0, le=1)
    """Share of the requests without a parent that are traced; a caller's own decision is followed. A traced request costs
    about 100 µs of CPU more, nearly all of it in encoding the span (tests/bench/bench_telemetry.py)."""
    steps: Literal["none", "events", "spans"] = "events"
    """How the steps of the pipeline appear: not at all, as span events, or as child spans."""
    console: bool = False
    """Print spans to standard error too."""


class ShippingSettings(Section):
    """Where audit lines are sent on to, once they are in the file."""

    otlp: bool = False
    """To the receiver of `telemetry.otlp`, as log records."""
    syslog: str | None = None
    """`udp://host:514`, `tcp://host:514`, or a socket's path, as `/dev/log`."""

    @field_validator("syslog")
    @classmethod
    def _address(cls, address: str | None) -> str | None:
        if address is None or address.startswith("/"):
            return address
        url = urlsplit(address)
        if url.scheme not in ("udp", "tcp") or not url.hostname:
            raise ValueError(f"`{address}` is neither udp://host:514, tcp://host:514 nor a socket's path (as /dev/log)")
        _ = url.port  # raises ValueError
        return address


class AuditSettings(Section):
    """One JSON line per decision, each with the digest of the one before."""

    path: MeshPath
    """The file, relative to `mesh.yaml`."""
    key_file: MeshPath | None = None
    """File with a key for the digests, so that nobody makes lines that fit who has the trail alone. Default: the variable
    INTENTMESH_AUDIT_KEY, else digests that anybody can make who may write to the file."""
    anchors: MeshPath | None = None
    """File that is told once a minute where the trail ends, for `audit verify --anchors`: on another volume than the trail. The
    processor's log is told too (`audit_anchor`)."""
    facts: tuple[str, ...] = ()
    """What lines keep for `policy replay` besides numbers and names of the configuration's: claims (`caller.claims.role`), and of
    what callers write `request.model`, `request.path`, `request.tools`, `request.headers.x-tier`. It stands there as it came."""
    max_bytes: int = Field(default=100 * 2**20, ge=4096)
    """Size at which the file is rotated."""
    keep: int = Field(default=10, ge=1)
    """Rotated files that are kept."""
    ship: ShippingSettings = Field(default_factory=ShippingSettings)
    on_error: Literal["block", "count"] = "count"
    """When a line cannot be written (the disk is full): refuse further requests with 503, or count the lost lines."""

    @field_validator("facts")
    @classmethod
    def _are_facts(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        plain = ("request.model", "request.path", "request.tools")
        for name in names:
            of, _, rest = name.rpartition(".")
            if name not in plain and not (of in ("caller.claims", "request.headers") and rest):
                raise ValueError(
                    f"`{name}` is nothing that lines leave out: give caller.claims.NAME, request.headers.NAME, {', '.join(plain)}"
                )
            if of == "request.headers" and rest.lower() in ("authorization", "cookie", "x-api-key", "api-key"):
                raise ValueError(f"`{name}` is a credential: it stands in no line")
        return names


class TelemetrySettings(Section):
    """The `telemetry` section."""

    enabled: bool = True
    otlp: OtlpSettings | None = None
    """Without it nothing is sent; Prometheus finds the metrics on the admin port in any case."""
    traces: TraceSettings = Field(default_factory=TraceSettings)
    conventions: Literal["current", "older"] = "current"
    """Names of OpenTelemetry's GenAI conventions: today's, or those before 1.37, as `gen_ai.system`."""
    metrics_interval_s: float = Field(default=15.0, gt=0)
    """How often metrics are sent over OTLP."""
    projects: tuple[str, ...] = ()
    """Projects that may become a metric's label; any other is `other`. The audit line has the name as it came."""
    currency: str = Field(default="USD", pattern=r"^[A-Z]{3}$")
    """Of `price_per_million`."""
    usage: bool | None = None
    """Read token usage from the answers. The rendered Envoy does it by itself (`envoy.logs_usage`); any other has to show the
    processor answers in which nothing was masked (two more messages, some 300 µs of CPU), so by default it is on only where
    somebody pays or looks: with a price, a project, an audit trail or an OTLP receiver."""
    audit: AuditSettings | None = None

    @model_validator(mode="after")
    def _ships_somewhere(self) -> Self:
        if self.audit and self.audit.ship.otlp and self.otlp is None:
            raise ValueError("`audit.ship.otlp` needs `telemetry.otlp`: there is no receiver")
        return self
