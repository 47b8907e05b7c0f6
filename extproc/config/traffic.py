"""How Envoy treats the calls to one model: splits, retries, limits, ejection and health. Rendered, never imitated."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from extproc.config.section import Section

RetryOn = Literal["5xx", "gateway-error", "reset", "connect-failure", "refused-stream", "retriable-4xx"]


class Retries(Section):
    """Second attempts. Envoy keeps the whole request body for them, which it has anyway: the processor reads it buffered."""

    on: tuple[RetryOn, ...] = ("5xx", "reset", "connect-failure", "refused-stream", "retriable-4xx")
    """Envoy's words. `retriable-4xx` is 409; name others in `statuses`."""
    statuses: tuple[int, ...] = ()
    """Further status codes that are worth another attempt, as 429."""
    attempts: int = Field(default=2, ge=0, le=10)
    """Attempts after the first; 0 turns retries off."""
    per_try_timeout_s: float | None = Field(default=None, gt=0)
    """Time for one attempt. Default: the whole `timeout_s`, since a long answer is not a failed one."""
    budget_percent: float = Field(default=20.0, gt=0, le=100)
    """Retries in flight, as a share of the requests in flight: a model that is down is not stormed."""

    @model_validator(mode="after")
    def _statuses(self) -> Self:
        for status in self.statuses:
            if not 400 <= status <= 599:
                raise ValueError(f"`{status}` in `statuses` is no error status (400 to 599)")
        return self


class Pool(Section):
    """How much one group of endpoints is given at once; what is over it gets 503 at once, not a queue."""

    connections: int = Field(default=256, gt=0)
    pending: int = Field(default=256, gt=0)
    """Requests that wait for a connection."""
    requests: int = Field(default=1024, gt=0)
    """Requests in flight."""


class Ejection(Section):
    """An endpoint that keeps failing is left out for a while."""

    enabled: bool = True
    consecutive_5xx: int = Field(default=5, gt=0)
    interval_s: float = Field(default=30.0, gt=0)
    """How often ejected endpoints are looked at again."""
    base_s: float = Field(default=60.0, gt=0)
    """Length of the first ejection; each further one is longer by as much."""
    max_percent: int = Field(default=50, ge=0, le=100)
    """At most this share of a group; the last one standing is never ejected."""


class Health(Section):
    """Active checks. A model that still loads answers 503 to them, and gets no request."""

    enabled: bool = True
    path: str = "/health"
    interval_s: float = Field(default=5.0, gt=0)
    timeout_s: float = Field(default=2.0, gt=0)
    unhealthy: int = Field(default=2, ge=1)
    """Failed checks in a row that take an endpoint out."""
    healthy: int = Field(default=1, ge=1)
    """Good checks in a row that take it in again."""


class Sticky(Section):
    """Which callers keep the version (and, among several, the endpoint) that they had."""

    header: str
    """Requests with the same value of this header stay together; those without it are spread by weight."""


class Mirror(Section):
    """A copy of the traffic for another version. Its answers are thrown away; callers never wait for it."""

    version: str
    percent: float = Field(default=100.0, gt=0, le=100)


class Rewrite(Section):
    """A path that this model's upstream calls by another name."""

    prefix: str
    """Start of the path as callers write it, as `/v1/`."""
    to: str
    """What it becomes, as `/api/openai/v1/`."""

    @model_validator(mode="after")
    def _paths(self) -> Self:
        for value in (self.prefix, self.to):
            if not value.startswith("/"):
                raise ValueError(f"`{value}` must start with `/`")
        return self
