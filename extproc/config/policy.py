"""Who may send what where: rules over the caller, the request, its intent, what was found in it, and where it may go."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from extproc.config.models import Zone
from extproc.config.operators import Operator
from extproc.config.section import Section

Mode = Literal["enforce", "dry_run"]


class Deny(Section):
    """A refusal, as `deny: "coding models are for staff"` or `deny: {reason: …, status: 451}`."""

    reason: str = Field(min_length=1, max_length=500)
    """What the caller is told."""
    status: int = Field(default=403, ge=400, le=599)


class Effects(Section):
    """What a rule does; several at once where they go together."""

    deny: Deny | None = None
    residency: Zone | None = None
    """It travels no farther than this zone."""
    models: tuple[str, ...] = ()
    """It goes to one of these: to the one that `routes` choose where that is among them, else to the first that may take it."""
    operators: dict[str, Operator] = Field(default_factory=dict)
    """Entity type -> what is done with its values in this request."""
    redact_output: bool = False
    """Personal data that the model utters and the request did not hold is masked in the answer."""
    require: tuple[str, ...] = ()
    """Guardrails that have to look at it."""
    flag: bool = False
    """It is told, and goes on."""

    @field_validator("deny", mode="before")
    @classmethod
    def _by_reason(cls, value: Any) -> Any:
        if value is not None and not isinstance(value, str | dict | Deny):
            raise ValueError('give what the caller is told, in quotes: `deny: "coding models are for staff"`')
        return {"reason": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if not self.named():
            raise ValueError(
                "does nothing; give it one of: deny, residency, models, operators, redact_output, require, flag"
            )
        if self.deny is not None and len(self.named()) > 1:
            others = ", ".join(f"`{name}`" for name in self.named() if name != "deny")
            raise ValueError(f"what is denied goes nowhere: {others} beside `deny` would do nothing")
        return self

    def named(self) -> tuple[str, ...]:
        """The effects that are there."""
        return tuple(name for name in type(self).model_fields if getattr(self, name))

    @property
    def restricts(self) -> bool:
        """Whether a request that goes on without them goes where, or holds what, it must not."""
        blocks = any(operator.operator == "block" for operator in self.operators.values())
        return self.deny is not None or self.residency is not None or blocks


class PolicyRule(Section):
    """One rule."""

    name: str = Field(pattern=r"^[a-zA-Z0-9]([\w.-]{0,61}[a-zA-Z0-9])?$")
    """In verdicts, metrics and audit lines."""
    when: str
    """A condition in CEL."""
    then: Effects
    on_missing: Literal["deny", "skip"] | None = None
    """When a fact that it names is not known: the classifier was late, the body could not be read. `skip` goes on, and stands in
    the ledger. Default: `deny` for what denies, confines or blocks, `skip` for everything else."""
    mode: Mode = "enforce"
    """`dry_run`: told and counted, and nothing is done."""

    @property
    def denies_unknown(self) -> bool:
        """Whether a fact that is missing refuses the request."""
        return self.then.restricts if self.on_missing is None else self.on_missing == "deny"


class PolicySettings(Section):
    """The `policy` section: a list of rules, or `{mode: dry_run, rules: […]}`."""

    mode: Mode = "enforce"
    """`dry_run`: no rule does anything."""
    rules: tuple[PolicyRule, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _by_list(cls, value: Any) -> Any:
        return {"rules": value} if isinstance(value, list | tuple) else value

    @model_validator(mode="after")
    def _once(self) -> Self:
        names = [rule.name for rule in self.rules]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two rules are called `{name}`: what is counted by name would be told together")
        return self

    def enforces(self, rule: PolicyRule) -> bool:
        """Whether a rule does what it says."""
        return self.mode == rule.mode == "enforce"
