"""What `check` proves of rules before they are switched on: that one can never fire, that others leave it nothing to do, that no
request can reach a model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from extproc.config.models import within
from extproc.config.places import TOLD, declared, places
from extproc.config.policy_facts import ENTITIES, Stage, language_of
from extproc.expressions.language import CLAIMS
from extproc.expressions.logic import Facts, possible
from extproc.expressions.tree import Field, Name, walk
from extproc.policy.rules import rules_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extproc.config import Mesh
    from extproc.policy.rules import Rule

_COUNTS: Final = (0.0, float("inf"))
_SHARE: Final = (0.0, 1.0)


def useless_rules(mesh: Mesh) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """(key path, sentence) of each rule that can never fire, or that does nothing where it fires."""
    rules = rules_of(mesh)
    facts = _facts(mesh)
    order = sorted(rules, key=lambda rule: rule.stage)
    for i, rule in enumerate(rules):
        here = ("policy", "rules", i, "when")
        if not _may_fire(mesh, facts, rule):
            yield here, f"{rule.name}: can never fire: no request makes it true"
            continue
        before = order[: order.index(rule)]
        denying = [
            r for r in before if r.enforced and r.settings.then.deny and r.condition.names <= rule.condition.names
        ]
        if denying and not possible(facts, [rule.condition.tree], [r.condition.tree for r in denying]):
            names = ", ".join(f"`{r.name}`" for r in denying)
            yield here, f"{rule.name}: is shadowed: whatever it fires on is denied by {names} before"
            continue
        if (nearer := _nearer(rule, order)) and not possible(facts, [rule.condition.tree], [nearer.condition.tree]):
            yield here, f"{rule.name}: is shadowed: whatever it fires on is kept as near, or nearer, by `{nearer.name}`"


def _may_fire(mesh: Mesh, facts: Facts, rule: Rule) -> bool:
    """Whether some request makes it true; of one over destinations, at any place that there is."""
    if rule.stage is not Stage.ROUTED:
        return possible(facts, [rule.condition.tree])
    told = places(mesh, rule.condition.names).values()
    return any(possible(facts, [rule.condition.tree], given=given) for given in told)


def _nearer(rule: Rule, order: list[Rule]) -> Rule | None:
    """Another rule that confines as much at least as one that does nothing else."""
    if rule.settings.then.named() != ("residency",):
        return None
    zone = rule.settings.then.residency
    assert zone is not None
    for other in order:
        bound = other.settings.then.residency
        if other is rule or not other.enforced or bound is None or not other.condition.names <= rule.condition.names:
            continue
        if within(bound, zone) and (bound != zone or order.index(other) < order.index(rule)):
            return other
    return None


def unreachable_models(mesh: Mesh) -> Iterator[str]:
    """Models to which no request may go, whoever sends it."""
    rules = [rule for rule in rules_of(mesh) if rule.enforced]
    facts = _facts(mesh)
    told = places(mesh, frozenset().union(*(rule.condition.names for rule in rules)))
    for name, model in mesh.models.items():
        given = told[name, model.zones()[0]]
        against = [rule for rule in rules if rule.settings.then.deny]
        against += [rule for rule in rules if rule.settings.then.models and name not in rule.settings.then.models]
        # of each alone: what several do together is no proof where they name other facts
        if any(not possible(facts, [], [rule.condition.tree], given) for rule in against):
            yield name


def _facts(mesh: Mesh) -> Facts:
    kinds = language_of(mesh).names
    named = frozenset().union(*(rule.condition.names for rule in rules_of(mesh)))
    told = declared(mesh, [name for name in TOLD if name in named and kinds[name] == "string"])
    bounds = {name: _COUNTS for name in kinds if name.startswith(ENTITIES)}
    bounds |= {"request.tokens": _COUNTS, "request.turns": _COUNTS, "score": _SHARE}
    bounds |= {"request.code": _SHARE, "request.difficulty": _SHARE}
    closed = {
        "intent": ("", *mesh.intents),
        **told,
        "caller.source": ("", "key", "jwt", "certificate", "workload", "header"),
    }
    return Facts(kinds, closed, bounds)


def unguarded_claims(mesh: Mesh) -> Iterator[str]:
    """Rules that read a claim without asking whether it is there: they fail, and deny, where it is not."""
    for rule in rules_of(mesh):
        fields = [node for node in walk(rule.condition.tree) if isinstance(node, Field) and node.of == Name(CLAIMS)]
        asked = {node.name for node in fields if node.asked}
        for claim in sorted((rule.condition.claim_names or frozenset()) - asked):
            yield (
                f"policy: {rule.name} reads caller.claims.{claim} and does not ask whether it is there: "
                f"whoever has no such claim is denied with 503; write `has(caller.claims.{claim}) && …`"
            )


def entity_types_named(mesh: Mesh) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    """(key path, rule, entity type) of each type that a rule counts."""
    for i, rule in enumerate(rules_of(mesh)):
        if rule.stage >= Stage.UNDERSTOOD:
            for name in sorted(rule.condition.names):
                if name.startswith(ENTITIES) and name[len(ENTITIES) :].isupper():
                    yield ("policy", "rules", i, "when"), rule.name, name.removeprefix(ENTITIES)
