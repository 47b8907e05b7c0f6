"""Budgets: who may spend how much of what in which time, and where the processor keeps account of it."""

from __future__ import annotations

import zoneinfo
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from extproc.config.fields import MeshPath
from extproc.config.models import ModelName
from extproc.config.section import Section

By = Literal["all", "caller", "project", "team", "model"]
Unit = Literal["tokens", "money", "requests"]
Window = Literal["minute", "hour", "day", "week", "month"]
REDIS_PORT = 6379
MOST_MONEY = 9e9
"""Amounts of money are whole numbers of billionths, in 64 bits."""


class Only(Section):
    """Whom a budget concerns; of what is left out, everybody. All that is given has to hold."""

    caller: tuple[str, ...] = ()
    project: tuple[str, ...] = ()
    team: tuple[str, ...] = ()
    model: tuple[str, ...] = ()


class Budget(Section):
    """One budget: so much in each window, for each of those that `by` tells apart."""

    name: ModelName
    """Stands in refusals, metrics and audit lines."""
    by: By = "all"
    """One account for everybody together, or one for each caller, project, team (`identity`) or model. Those of whom it is not
    known share the account `unknown`."""
    unit: Unit
    """`tokens`: read and written together; `money`: by the models' prices, in `telemetry.currency`; `requests`: those that go
    to a model."""
    limit: float = Field(gt=0, le=2**53)
    """Of each account."""
    limits: dict[str, float] = Field(default_factory=dict)
    """Accounts with another limit than `limit`, by name: `{batch: 5000000}`. 0 refuses all."""
    window: Window
    """By the calendar of `budget_state.timezone`; a week begins on Monday."""
    mode: Literal["hard", "soft"] = "hard"
    """hard: what would cross the limit is refused with 429; soft: it goes on, flagged, to `reroute` where that is given."""
    reroute: str | None = None
    """A cheaper model, for what would cross a soft budget."""
    only: Only = Field(default_factory=Only)

    @field_validator("limits")
    @classmethod
    def _not_negative(cls, limits: dict[str, float]) -> dict[str, float]:
        for account, limit in limits.items():
            if not 0 <= limit <= 2**53:
                raise ValueError(f"the limit of `{account}` is {limit:g}: it cannot be negative, nor more than 2^53")
        return limits

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self.reroute is not None and self.mode == "hard":
            raise ValueError("`reroute` needs `mode: soft`: a hard budget refuses what would cross it")
        if self.limits and self.by == "all":
            raise ValueError("`limits` names accounts, and `by: all` has one account only: write its limit as `limit`")
        if self.unit == "money":
            if max(self.limit, *self.limits.values(), 0.0) > MOST_MONEY:
                raise ValueError(f"a limit of more than {MOST_MONEY:,.0f} in money cannot be kept account of")
        elif any(limit != int(limit) for limit in (self.limit, *self.limits.values())):
            raise ValueError(f"a limit in {self.unit} is a whole number")
        return self


class BudgetStore(Section):
    """A Valkey or Redis in which the pods of a fleet keep their accounts together."""

    url: str
    """`redis://host:6379/0`, `rediss://` for TLS, `unix:///path`. Its user may stand in it, its password in `password_file`."""
    password_file: MeshPath | None = None
    """File with the password, relative to `mesh.yaml`."""
    ca_file: MeshPath | None = None
    """CA bundle that signs the store's certificate. Default: the system's."""
    lease: float = Field(default=0.02, gt=0, le=1)
    """Share of a limit that a pod takes at a time, and may be ahead of what the store knows. The worst overspend of an account is
    one lease for each pod; a request that is larger than a lease counts as one."""
    pods: int | None = Field(default=None, ge=1)
    """How many pods there may be, for `intentmesh check` to tell the worst overspend. Default: `kubernetes.max_replicas`."""
    on_store_loss: Literal["open", "closed"] = "closed"
    """When the store does not answer and a pod's lease is used up: requests go on, counted as not enforced, or are refused."""
    prefix: str = Field(default="intentmesh", pattern=r"^[\w.:-]{1,64}$")
    """Of the keys in the store."""

    @property
    def port(self) -> int | None:
        """Its port; None: it is a socket on this machine."""
        parts = urlsplit(self.url)
        return None if parts.scheme == "unix" else parts.port or REDIS_PORT

    @field_validator("url")
    @classmethod
    def _known_scheme(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("redis", "rediss", "unix"):
            raise ValueError(f"`url` begins with redis://, rediss:// or unix://, not `{parts.scheme}:`")
        try:
            _ = parts.port
        except ValueError:
            raise ValueError("`url` has a port that is none (as redis://valkey:6379/0)") from None
        if parts.password:
            raise ValueError("`url` holds a password: write it into a file and name that as `password_file`")
        if parts.scheme != "unix" and not parts.hostname:
            raise ValueError("`url` names no host (as redis://valkey:6379/0)")
        return url


class BudgetState(Section):
    """Where accounts are kept, and how."""

    path: MeshPath | None = None
    """A file, relative to `mesh.yaml`, that the workers of a pod share and that outlasts a restart. Default: with one worker
    none, accounts are in its memory; with several one beside their sockets."""
    store: BudgetStore | None = None
    """Accounts of a whole fleet. Default: each pod has its own."""
    timeout_s: float = Field(default=900.0, gt=0)
    """A request whose end is never told counts with all that was reserved for it after so long; longer than answers take."""
    timezone: str = "UTC"
    """Whose midnight ends a day, as `Europe/Berlin`."""
    output_tokens: int = Field(default=1024, ge=0)
    """Reserved for the answer of a request that names no limit of its own, until it is known what answers of its model take."""

    @field_validator("timezone")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            zoneinfo.ZoneInfo(name)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"there is no time zone `{name}` (as UTC or Europe/Berlin) on this machine") from None
        return name
