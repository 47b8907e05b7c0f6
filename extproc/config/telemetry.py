"""What is reported, and where to. Never text: only names, counts and times."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

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


class AuditSettings(Section):
    """One JSON line per decision, each with the digest of the one before."""

    path: Path
    """The file, relative to `mesh.yaml`."""
    max_bytes: int = Field(default=100 * 2**20, ge=4096)
    """Size at which the file is rotated."""
    keep: int = Field(default=10, ge=1)
    """Rotated files that are kept."""
    on_error: Literal["block", "count"] = "count"
    """When a line cannot be written (the disk is full): refuse further requests with 503, or count the lost lines."""

    @field_validator("path")
    @classmethod
    def _beside_the_mesh(cls, path: Path, info: ValidationInfo) -> Path:
        folder: Path | None = (info.context or {}).get("folder")
        return path if folder is None else folder / path


class TelemetrySettings(Section):
    """The `telemetry` section."""

    enabled: bool = True
    otlp: OtlpSettings | None = None
    """Without it nothing is sent; Prometheus finds the metrics on the admin port in any case."""
    traces: TraceSettings = Field(default_factory=TraceSettings)
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
