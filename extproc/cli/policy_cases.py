"""Cases for rules: a caller, a request, and how it is to end."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

import click
from pydantic import Field, ValidationError, model_validator

from extproc.config import yaml_text
from extproc.config.files import contents
from extproc.config.intercept import rule_for
from extproc.config.models import Zone
from extproc.config.section import Section
from extproc.decision import Facts, Forward, Inquiry, Refuse
from extproc.errors import ConfigError
from extproc.identity import UNKNOWN, Caller
from extproc.pipeline import Pipeline
from extproc.policy.trial import telling
from extproc.spelling import unknown_name

if TYPE_CHECKING:
    from pathlib import Path

    from extproc.config import Mesh
    from extproc.decision import Outcome

CHAT = "/v1/chat/completions"


class CaseCaller(Section):
    """Who sends it."""

    id: str = ""
    project: str = ""
    team: str = ""
    claims: dict[str, Any] = Field(default_factory=dict)


class CaseRequest(Section):
    """What is sent: a text of a user, or a whole body."""

    path: str = CHAT
    method: str = "POST"
    headers: dict[str, str] = Field(default_factory=dict)
    model: str = "any"
    text: str | None = None
    body: Any = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.text is None) == (self.body is None):
            raise ValueError("give one of `text` and `body`")
        return self

    def content(self) -> bytes:
        """The body."""
        if self.text is None:
            return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()
        return json.dumps({"model": self.model, "messages": [{"role": "user", "content": self.text}]}).encode()


class Expected(Section):
    """How it is to end; what is not named may be anything."""

    denied: str | None = None
    """By this rule."""
    status: int | None = None
    model: str | None = None
    residency: Zone | None = None
    fires: tuple[str, ...] = ()
    """Rules that say something."""
    quiet: tuple[str, ...] = ()
    """Rules that do not."""
    redacted: bool | None = None
    """Whether its answer is redacted."""


class PolicyCase(Section):
    """One case."""

    name: str = Field(min_length=1)
    caller: CaseCaller = Field(default_factory=CaseCaller)
    request: CaseRequest
    expect: Expected


@dataclass
class Result:
    """What came of one."""

    name: str
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Ended:
    """How a request ended, and all that was known of it."""

    outcome: Outcome
    facts: Facts

    @property
    def blocked_by(self) -> str | None:
        """The rule that refused it."""
        if not isinstance(self.outcome, Refuse):
            return None
        verdicts = self.outcome.inspection.facts.verdicts
        return next((v.reason for v in verdicts if v.step == "policy" and v.action == "block" and v.enforced), None)

    def report(self) -> dict[str, Any]:
        """For JSON."""
        outcome = self.outcome
        verdicts = [verdict.told() for verdict in outcome.inspection.facts.verdicts]
        if isinstance(outcome, Forward):
            return {
                "outcome": "forwarded",
                "model": outcome.model,
                "residency": outcome.residency,
                "verdicts": verdicts,
            }
        if isinstance(outcome, Refuse):
            report = {"outcome": "rejected", "status": outcome.error.status, "message": str(outcome.error)}
            return {**report, "rule": self.blocked_by, "verdicts": verdicts}
        return {"outcome": "answered", "status": outcome.status, "verdicts": verdicts}

    def __str__(self) -> str:
        outcome = self.outcome
        if isinstance(outcome, Forward):
            return f"goes to {outcome.model} ({outcome.reason}); may travel: {outcome.residency}"
        if isinstance(outcome, Refuse):
            return f"refused with {outcome.error.status}: {outcome.error}"
        return f"answered with {outcome.status}, by no model"


class Trial:
    """Requests through the pipeline of a mesh: as its rules want it, and once more to its end, for all that is known of it."""

    def __init__(self, mesh: Mesh) -> None:
        self.mesh = mesh
        report = lambda message: click.echo(message, err=True)  # noqa: E731 - too short for a name
        self._pipeline = Pipeline.build(mesh, report=report)
        self._telling = Pipeline.build(telling(mesh), self._pipeline, report=report)
        for pipeline in (self._pipeline, self._telling):
            pipeline.rehearse()

    def run(self, caller: Caller, body: bytes, path: str, method: str, headers: dict[str, str]) -> Ended:
        """One request. Raises ConfigError where no rule of `intercept` reads it."""
        rule = rule_for(self.mesh.read, method, path.partition("?")[0])
        if rule is None:
            raise ConfigError(
                f"no rule of `intercept` matches {method} {path}: such a request passes, and no rule sees it"
            )
        request_headers = {"content-type": "application/json", **headers, ":path": path, ":method": method}
        inquiry = Inquiry(rule, path, request_headers, body, caller)
        return Ended(_outcome(self._pipeline, inquiry), _outcome(self._telling, inquiry).inspection.facts)


def _outcome(pipeline: Pipeline, inquiry: Inquiry) -> Outcome:
    admission = pipeline.admit(inquiry)
    if not isinstance(admission, Facts):
        return admission
    return asyncio.run(pipeline.inspect(replace(inquiry, admission=admission)))


def caller_of(fields: dict[str, Any]) -> Caller:
    """A caller that has what is told."""
    source = "jwt" if fields["id"] else ""
    return Caller(fields["id"], fields["project"] or UNKNOWN, fields["team"], fields["claims"], source)  # type: ignore[arg-type]


def read_cases(file: Path) -> list[PolicyCase]:
    """The cases of a file, a list or `cases: […]`. Raises ConfigError with what is wrong, and where."""
    try:
        data = yaml_text.plain(contents(file).decode())
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from None
    except yaml_text.NotYamlError as error:
        raise ConfigError(f"{file}:line {error.mistake.line}: {error.mistake.message}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{file}: is not YAML") from None
    rows = data.get("cases") if isinstance(data, dict) else data
    if not isinstance(rows, list) or not rows:
        raise ConfigError(f"{file}: has no list of cases; the smallest one is in `intentmesh policy test --help`")
    cases = []
    for i, row in enumerate(rows):
        try:
            cases.append(PolicyCase.model_validate(row))
        except ValidationError as error:
            raise ConfigError("\n".join(f"{file}: cases[{i}]{_mistake(item)}" for item in error.errors())) from None
    return cases


_PARTS: dict[str, type[Section]] = {"caller": CaseCaller, "request": CaseRequest, "expect": Expected}


def _mistake(item: Any) -> str:
    where = "".join(f".{step}" for step in item["loc"])
    if item["type"] == "extra_forbidden":
        section: type[Section] = _PARTS.get(str(item["loc"][0]), PolicyCase) if len(item["loc"]) > 1 else PolicyCase
        return f"{where}: {unknown_name('key', str(item['loc'][-1]), section.model_fields)}"
    return f"{where}: {item['msg'].removeprefix('Value error, ')}"


def run_cases(mesh: Mesh, cases: list[PolicyCase]) -> list[Result]:
    """Each through the pipeline."""
    known = [rule.name for rule in mesh.policy.rules]
    trial = Trial(mesh)
    return [Result(case.name, list(_problems(trial, case, known))) for case in cases]


def _problems(trial: Trial, case: PolicyCase, known: list[str]) -> list[str]:
    expect, request = case.expect, case.request
    named = [*expect.fires, *expect.quiet, *([expect.denied] if expect.denied else [])]
    if unknown := [unknown_name("rule", name, known) for name in named if name not in known]:
        return unknown
    ended = trial.run(
        caller_of(case.caller.model_dump()), request.content(), request.path, request.method, dict(request.headers)
    )
    outcome = ended.outcome
    verdicts = outcome.inspection.facts.verdicts
    spoke = {verdict.reason for verdict in verdicts if verdict.step == "policy"}
    redacted = any(verdict.action == "redact" and verdict.enforced for verdict in verdicts)
    status = (
        outcome.error.status if isinstance(outcome, Refuse) else 200 if isinstance(outcome, Forward) else outcome.status
    )
    model = outcome.model if isinstance(outcome, Forward) else None
    residency = outcome.residency if isinstance(outcome, Forward) else None
    comparisons = [
        ("denied by", expect.denied, ended.blocked_by),
        ("status", expect.status, status),
        ("model", expect.model, model),
        ("residency", expect.residency, residency),
        ("redacted", expect.redacted, redacted),
    ]
    problems = [
        f"{name}: {expected} was expected; it {ended}"
        for name, expected, actual in comparisons
        if expected not in (None, actual)
    ]
    problems += [f"{name} was to fire, and is quiet" for name in expect.fires if name not in spoke]
    problems += [f"{name} was to be quiet, and fires" for name in expect.quiet if name in spoke]
    if isinstance(outcome, Refuse) and expect.denied is None and expect.status is None:
        problems.append(f"it was {ended}")
    return problems
