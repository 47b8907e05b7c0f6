"""Every rule tried on one request, whatever came of it: what each says, and on what facts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from extproc.config.places import places
from extproc.config.policy import PolicySettings
from extproc.config.policy_facts import Stage
from extproc.policy.rules import RuleSet, rules_of
from extproc.policy.values import Values
from extproc.routing import Router

if TYPE_CHECKING:
    from extproc.config import Mesh
    from extproc.decision import Facts
    from extproc.policy.rules import Rule

ASKED_AT = {
    Stage.HEADERS: "at the headers",
    Stage.BODY: "with the body",
    Stage.CLASSIFIED: "once its intent is known",
    Stage.UNDERSTOOD: "once it is understood",
    Stage.ROUTED: "of each destination",
}


@dataclass(frozen=True)
class Tried:
    """One rule, and over a destination one of them."""

    rule: str
    asked: str
    """When."""
    answer: str
    """`fired`, `quiet`, `failed`, or `missing` and what."""
    facts: dict[str, Any]
    """What it names, and what that was."""
    enforced: bool


def telling(mesh: Mesh) -> Mesh:
    """The same mesh with every rule in dry run, so that a request is followed to its end."""
    policy = PolicySettings(mode="dry_run", rules=mesh.policy.rules)
    return mesh.model_copy(update={"policy": policy})


def tried(mesh: Mesh, facts: Facts) -> list[Tried]:
    """What each rule says of a request."""
    results = []
    for rule in rules_of(mesh):
        if rule.stage is not Stage.ROUTED:
            results.append(_try(mesh, rule, facts, {}))
            continue
        names = dict.fromkeys(decision.model for decision in Router(mesh).candidates(facts))
        destinations = places(mesh, rule.condition.names)
        results += [
            _try(mesh, rule, facts.with_(destination=name), dict(destinations[name, zone]))
            for name in names
            for zone in mesh.models[name].zones()
        ]
    return results


def _try(mesh: Mesh, rule: Rule, facts: Facts, more: dict[str, Any]) -> Tried:
    answers = [answer for _, answer in RuleSet(mesh, [rule]).ask(facts, **more)]
    told: str = answers[0] if answers else "quiet"
    if told == "missing":
        told = f"missing: {', '.join(rule.missing(facts))}"
    values = Values.of([rule.condition]).read(facts, **more)
    return Tried(rule.name, ASKED_AT[rule.stage], told, dict(sorted(values.items())), rule.enforced)
