"""What a rule may name, and when it is known.

All of it is total: what is not there is empty, or 0. Only the claims of a token are as the token has them: `has()` asks for one.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from extproc.config.entities import ENTITY_TYPES
from extproc.expressions import Kind, Language, language

if TYPE_CHECKING:
    from collections.abc import Iterable

    from extproc.config.mesh import Mesh
    from extproc.config.policy import PolicyRule
    from extproc.expressions import Condition


class Stage(IntEnum):
    """When a rule is asked: as soon as all is known that it names."""

    HEADERS = 0
    BODY = 1
    CLASSIFIED = 2
    """Its intent is known, and nothing is masked yet: only for rules over the intent that say how to mask."""
    UNDERSTOOD = 3
    ROUTED = 4


class Fact(NamedTuple):
    """A name that a rule may use."""

    kind: Kind
    known: str
    """The fact of `decision.Facts` that it is, or is a part of."""
    stage: Stage


FACTS: Final[dict[str, Fact]] = {
    "caller.id": Fact("string", "caller", Stage.HEADERS),
    "caller.project": Fact("string", "caller", Stage.HEADERS),
    "caller.team": Fact("string", "caller", Stage.HEADERS),
    "caller.source": Fact("string", "caller", Stage.HEADERS),
    "caller.claims": Fact("claims", "caller", Stage.HEADERS),
    "request.method": Fact("string", "method", Stage.HEADERS),
    "request.path": Fact("string", "path", Stage.HEADERS),
    "request.headers": Fact("headers", "headers", Stage.HEADERS),
    "request.time": Fact("time", "method", Stage.HEADERS),
    "request.model": Fact("string", "model", Stage.BODY),
    "request.stream": Fact("bool", "streamed", Stage.BODY),
    "request.tools": Fact("strings", "tools", Stage.BODY),
    "request.uses": Fact("strings", "uses", Stage.BODY),
    "request.tokens": Fact("int", "tokens", Stage.BODY),
    "request.language": Fact("string", "language", Stage.BODY),
    "request.turns": Fact("int", "turns", Stage.BODY),
    "request.images": Fact("bool", "images", Stage.BODY),
    "request.audio": Fact("bool", "audio", Stage.BODY),
    "request.unsearched": Fact("int", "unsearched", Stage.BODY),
    "request.code": Fact("double", "code", Stage.BODY),
    "request.difficulty": Fact("double", "difficulty", Stage.BODY),
    "intent": Fact("string", "intent", Stage.UNDERSTOOD),
    "score": Fact("double", "score", Stage.UNDERSTOOD),
    "destination.model": Fact("string", "destination", Stage.ROUTED),
    "destination.zone": Fact("string", "destination", Stage.ROUTED),
    "destination.hosts": Fact("strings", "destination", Stage.ROUTED),
    "destination.provider": Fact("string", "destination", Stage.ROUTED),
    "destination.api": Fact("string", "destination", Stage.ROUTED),
    "destination.owner": Fact("string", "destination", Stage.ROUTED),
    "destination.capabilities": Fact("strings", "destination", Stage.ROUTED),
    "destination.context_tokens": Fact("int", "destination", Stage.ROUTED),
    "destination.sla.ttft_ms": Fact("int", "destination", Stage.ROUTED),
    "destination.sla.tokens_per_s": Fact("double", "destination", Stage.ROUTED),
    "destination.data.trained_by": Fact("string", "destination", Stage.ROUTED),
    "destination.data.residency": Fact("string", "destination", Stage.ROUTED),
    "destination.price.input": Fact("double", "destination", Stage.ROUTED),
    "destination.price.output": Fact("double", "destination", Stage.ROUTED),
}
DESTINATION: Final = "destination."
"""Declared by the registry, and asked of each model and zone (`policy/places.py`)."""
ENTITIES: Final = "entities."
TOTAL: Final = "entities.total"
_ENTITY: Final = Fact("int", "entities", Stage.UNDERSTOOD)
BUDGETS: Final = "budget_left."
_BUDGET: Final = Fact("double", "budget_left", Stage.BODY)


def fact(name: str) -> Fact:
    """What a name is."""
    if name.startswith(ENTITIES):
        return _ENTITY
    return _BUDGET if name.startswith(BUDGETS) else FACTS[name]


def stage_of(condition: Condition) -> Stage:
    """When a rule with this condition is asked."""
    return max((fact(name).stage for name in condition.names), default=Stage.HEADERS)


def stage_of_rule(rule: PolicyRule, condition: Condition) -> Stage:
    """When a rule is asked. One that changes operators by the intent is asked before the texts are masked, which then waits for
    the classifier.
    """
    stage = stage_of(condition)
    counts = any(name.startswith(ENTITIES) for name in condition.names)
    return Stage.CLASSIFIED if stage is Stage.UNDERSTOOD and rule.then.operators and not counts else stage


def names_of(mesh: Mesh) -> frozenset[str]:
    """The facts that rules name."""
    if not mesh.policy.rules:
        return frozenset()
    language = language_of(mesh)
    return frozenset().union(*(language.condition(rule.when).names for rule in mesh.policy.rules))


def entity_types(mesh: Mesh) -> frozenset[str]:
    """Every type that a recognizer of this mesh may find."""
    own = {recognizer.entity for recognizer in mesh.pii.recognizers}
    return ENTITY_TYPES | own | mesh.pii.deny.keys()


def language_of(mesh: Mesh) -> Language:
    """What may stand in the rules of a mesh."""
    return policy_language(entity_types(mesh), budget_facts(mesh))


def budget_facts(mesh: Mesh) -> frozenset[str]:
    """What rules call that which is left of a budget: a `-` in its name would be a minus. None that goes by the model, which is
    not known yet.
    """
    return frozenset(BUDGETS + budget.name.replace("-", "_") for budget in mesh.budgets if budget.by != "model")


def policy_language(entities: Iterable[str], budgets: Iterable[str] = ()) -> Language:
    """What may stand in rules where these types may be found, and these facts tell what is left of budgets."""
    counts: dict[str, Kind] = {f"{ENTITIES}{name}": "int" for name in entities}
    left: dict[str, Kind] = dict.fromkeys(budgets, "double")
    return language({name: fact.kind for name, fact in FACTS.items()} | counts | left | {TOTAL: "int"})


def needs_body(mesh: Mesh) -> bool:
    """Whether a request must not leave before its body has been read: a rule says by it whether, or where, it may go."""
    if not mesh.policy.rules:
        return False
    language = language_of(mesh)
    return any(
        rule.then.models or stage_of(language.condition(rule.when)) > Stage.HEADERS for rule in mesh.policy.rules
    )


def header_names(mesh: Mesh) -> frozenset[str]:
    """The headers that rules read, in lower case."""
    if not mesh.policy.rules:
        return frozenset()
    language = language_of(mesh)
    conditions = (language.condition(rule.when) for rule in mesh.policy.rules)
    return frozenset(name.lower() for condition in conditions for name in condition.header_names)
