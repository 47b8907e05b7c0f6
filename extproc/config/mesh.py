"""The whole of `mesh.yaml`, section by section."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import Literal, Self

from pydantic import Field, PrivateAttr, field_validator, model_validator

from extproc.config.budgets import Budget, BudgetState
from extproc.config.catalogue import Catalogue
from extproc.config.envoy import EnvoySettings
from extproc.config.feedback import Feedback
from extproc.config.guardrails import AnyGuard, Guard, GuardName, circle_in
from extproc.config.identity import IdentitySettings
from extproc.config.intents import ClassifierSettings, Intent
from extproc.config.intercept import DEFAULT_INTERCEPT, Intercept, Limits
from extproc.config.kubernetes import KubernetesSettings
from extproc.config.models import Model, ModelName, Zone
from extproc.config.pii import PiiSettings
from extproc.config.policy import PolicySettings
from extproc.config.processor import ProcessorSettings
from extproc.config.prompts import Prompts
from extproc.config.routes import Route
from extproc.config.section import Section
from extproc.config.telemetry import TelemetrySettings


class Mesh(Section):
    """One validated `mesh.yaml`."""

    version: Literal[1]
    processor: ProcessorSettings = Field(default_factory=ProcessorSettings)
    intercept: tuple[Intercept, ...] = DEFAULT_INTERCEPT
    identity: IdentitySettings = Field(default_factory=IdentitySettings)
    limits: Limits = Field(default_factory=Limits)
    intents: dict[str, Intent] = Field(default_factory=dict)
    classifier: ClassifierSettings = Field(default_factory=ClassifierSettings)
    models: dict[ModelName, Model] = Field(min_length=1)
    routes: tuple[Route, ...] = ()
    default_model: str
    """Gets what no route matches: unsure, late or failed classification included."""
    default_residency: Zone = "external"
    """How far a request for the default model may travel."""
    catalogue: Catalogue = Field(default_factory=Catalogue)
    prompts: Prompts = Field(default_factory=Prompts)
    feedback: Feedback | None = None
    """Whether callers may say what a text would have meant, and how good an answer was. Default: no."""
    pii: PiiSettings = Field(default_factory=PiiSettings)
    policy: PolicySettings = Field(default_factory=PolicySettings)
    guardrails: dict[GuardName, AnyGuard] = Field(default_factory=dict)
    """Name -> guardrail; asked in this order."""
    budgets: tuple[Budget, ...] = ()
    budget_state: BudgetState = Field(default_factory=BudgetState)
    telemetry: TelemetrySettings = Field(default_factory=TelemetrySettings)
    envoy: EnvoySettings = Field(default_factory=EnvoySettings)
    kubernetes: KubernetesSettings = Field(default_factory=KubernetesSettings)
    shadow: bool = False
    """Decide, count and report, but change nothing."""
    _references: dict[tuple[str | int, ...], str] = PrivateAttr(default_factory=dict)
    _referenced: tuple[Path, ...] = PrivateAttr(default=())

    def referring(self, references: dict[tuple[str | int, ...], str], files: tuple[Path, ...]) -> Self:
        """This mesh, some of whose values stand elsewhere (`references.py`)."""
        self._references, self._referenced = references, files
        return self

    @property
    def references(self) -> MappingProxyType[tuple[str | int, ...], str]:
        """Key -> the reference, as it stands in the file: to be told in the place of what it stands for."""
        return MappingProxyType(self._references)

    @property
    def referenced(self) -> tuple[Path, ...]:
        """Files in which values stand."""
        return self._referenced

    @model_validator(mode="after")
    def _chosen(self) -> Self:
        """Routes that choose by what the registry declares, with the model that it comes to; none fits: `check` tells."""
        if any(route.choose for route in self.routes):
            currency = self.telemetry.currency
            resolved = [
                route.model_copy(
                    update={"model": next(iter(route.choose.of(self.models, route.residency, currency)), "")}
                )
                if route.choose
                else route
                for route in self.routes
            ]
            object.__setattr__(self, "routes", tuple(resolved))
        return self

    @field_validator("guardrails")
    @classmethod
    def _no_circle(cls, guards: dict[str, AnyGuard]) -> dict[str, AnyGuard]:
        if (name := circle_in(guards)) is not None:
            raise ValueError(f"`{name}` asks itself, by way of the guardrails that it asks")
        return guards

    @model_validator(mode="after")
    def _guardrails_are_in_time(self) -> Self:
        for name, guard in self.guardrails.items():
            if isinstance(guard, Guard) and guard.deadline_ms >= self.limits.deadline_ms:
                raise ValueError(
                    f"guardrails.{name}.deadline_ms: {guard.deadline_ms} is not less than limits.deadline_ms "
                    f"({self.limits.deadline_ms}), after which a request is refused, whatever `on_error` says: raise that"
                )
        return self

    @property
    def lists_models(self) -> bool:
        """Whether the processor answers who asks for the models that there are."""
        enabled = self.catalogue.enabled
        return self.envoy.upstream is None if enabled is None else enabled

    @property
    def read(self) -> tuple[Intercept, ...]:
        """Every rule under which the processor is asked."""
        first = self.feedback.rules() if self.feedback is not None else ()
        return (*first, *self.intercept, *(self.catalogue.rules() if self.lists_models else ()))

    @property
    def reads_usage(self) -> bool:
        """Whether token usage is read from answers: unless `telemetry.usage` says, where somebody pays or looks."""
        telemetry = self.telemetry
        if not telemetry.enabled:
            return False
        if telemetry.usage is not None:
            return telemetry.usage
        priced = any(m.price_per_million.input or m.price_per_million.output for m in self.models.values())
        wants_it = telemetry.audit or telemetry.otlp
        return bool(priced or self.identity.names_projects or wants_it or self.counts_tokens)

    @property
    def counts_tokens(self) -> bool:
        """Whether a budget goes by what answers took."""
        return any(budget.unit != "requests" for budget in self.budgets)

    @property
    def logs_usage(self) -> bool:
        """Whether the rendered Envoy reads usage itself. Each of its workers has to be reached, so not behind one address."""
        return self.reads_usage and self.envoy.logs_usage and not self.processor.address and not self.shadow
