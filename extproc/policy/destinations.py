"""Where a request may go: rules over the destination are asked of each candidate, and take it out or keep the request nearer.

The candidates are what the routes would choose, in their order. Of each, every zone is asked in which it has an endpoint: a
residency is a bound, so what is left of a candidate are the zones nearer than the first that a rule forbids.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from extproc.config.models import within
from extproc.config.places import places
from extproc.config.policy_facts import Stage
from extproc.decision import Verdict
from extproc.errors import RefusedByRuleError, RuleFailedError
from extproc.policy.rules import RuleSet
from extproc.policy.saying import NAME, Says
from extproc.routing import Router

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from extproc.config import Mesh
    from extproc.config.models import Zone
    from extproc.decision import Action, Facts, Ruling
    from extproc.errors import IntentmeshError
    from extproc.policy.rules import Rule
    from extproc.routing import RouteDecision

RESIDENCY: Final = "residency"
"""Why, where no rule of the policy says it: a route, or another step, keeps the request near."""


class Objection(NamedTuple):
    """What a rule has against a zone of a candidate."""

    rule: Rule
    zone: Zone
    error: IntentmeshError
    """How it is told, if nothing is left."""


class Look(NamedTuple):
    """One candidate, as the rules see it."""

    bound: Zone | None
    """The farthest zone in which it may be; None: it may be in none."""
    objections: tuple[Objection, ...]
    """Of rules that are enforced."""
    told: tuple[Objection, ...]
    """Of rules that only tell."""


class Destinations:
    """The rules of a mesh that say where its requests may go."""

    def __init__(self, mesh: Mesh, rules: Sequence[Rule]) -> None:
        self._router = Router(mesh)
        self._zones = {name: model.zones() for name, model in mesh.models.items()}
        routed = [rule for rule in rules if rule.stage is Stage.ROUTED]
        denying = [rule for rule in routed if rule.settings.then.deny]
        others = [rule for rule in routed if not rule.settings.then.deny]
        self._denying = RuleSet(mesh, denying) if denying else None
        self._others = RuleSet(mesh, others) if others else None
        self._by_name = {rule.name: rule for rule in rules}
        self._places = places(mesh, frozenset().union(*(rule.condition.names for rule in routed)))

    def judge(self, facts: Facts, chosen: RouteDecision | None = None) -> Ruling:
        """Where the request is to go instead of the destination that was chosen; NOTHING where it may go there.

        `chosen`: by somebody else than our own routes.
        """
        chosen = chosen or self._router.decide(facts)
        choices = [self._by_name[duty.to] for duty in facts.duties if (duty.step, duty.what) == (NAME, "models")]
        enforced = [rule for rule in choices if rule.enforced]
        said = Says()
        for rule in choices:
            if not rule.enforced and chosen.model not in rule.settings.then.models:
                said.verdict(Verdict(NAME, "reroute", rule.name, rule.settings.then.models[0], enforced=False))
        objections: list[Objection] = []
        for i, candidate in enumerate(self._candidates(facts, chosen, enforced)):
            look = self._look(facts, candidate, said if i == 0 else None)
            if look.bound is not None:
                because = objections[0].rule.name if objections else enforced[0].name if enforced else RESIDENCY
                self._choose(chosen, candidate, look, because, said)
                self._along(facts, candidate, look.bound, said)
                return said.ruling()
            objections += look.objections
        self._nowhere(facts, objections, enforced, said)
        return said.ruling()

    def _candidates(self, facts: Facts, chosen: RouteDecision, choices: Sequence[Rule]) -> Iterator[RouteDecision]:
        """The models that it may go to, in the order in which they are wanted, none farther than the chosen one may be."""
        order = [chosen, *self._router.candidates(facts)]
        if choices:
            wanted = set.intersection(*(set(rule.settings.then.models) for rule in choices))
            listed = [name for name in choices[0].settings.then.models if name in wanted]
            order = [d for d in order if d.model in wanted] + [self._router.instead(chosen, name) for name in listed]
        seen: set[str] = set()
        for decision in order:
            if decision.model not in seen:
                seen.add(decision.model)
                near = within(decision.residency, chosen.residency)
                yield decision if near else self._router.instead(chosen, decision.model)

    def _look(self, facts: Facts, candidate: RouteDecision, said: Says | None) -> Look:
        """Ask the rules about each of its zones, from near to far. `said`: where what only tells is told."""
        bound: Zone | None = None
        against: list[Objection] = []
        told: list[Objection] = []
        for zone in self._zones[candidate.model]:
            if against or not within(zone, candidate.residency):
                break
            for objection in self._object(facts, candidate.model, zone, said):
                (against if objection.rule.enforced else told).append(objection)
            bound = bound if against else zone
        if said is not None:
            for objection in _by_rule(told):
                said.verdict(_would(objection, self._zones[candidate.model]))
        return Look(bound, tuple(against), tuple(told))

    def _object(self, facts: Facts, model: str, zone: Zone, said: Says | None) -> Iterator[Objection]:
        if self._denying is None:
            return
        for rule, answer in self._denying.ask(facts.with_(destination=model), **self._places[model, zone]):
            deny = rule.settings.then.deny
            if answer == "fired" and deny is not None:
                yield Objection(rule, zone, RefusedByRuleError(deny.reason, deny.status))
            elif answer == "failed" or rule.settings.denies_unknown:
                yield Objection(rule, zone, RuleFailedError(rule.name))
            elif said is not None:
                said.rule(rule, "missing")

    def _choose(self, chosen: RouteDecision, candidate: RouteDecision, look: Look, because: str, said: Says) -> None:
        """It may go to this candidate, as near as the rules want it."""
        if candidate.model != chosen.model:
            said.verdict(Verdict(NAME, "reroute", because, candidate.model))
        if look.objections:
            assert look.bound is not None
            said.verdict(Verdict(NAME, "confine", look.objections[0].rule.name, look.bound))
        elif candidate.residency != chosen.residency:
            said.verdict(Verdict(NAME, "confine", candidate.reason, candidate.residency))

    def _along(self, facts: Facts, candidate: RouteDecision, bound: Zone, said: Says) -> None:
        """What else is wanted of a request that may get to one of these zones."""
        if self._others is None:
            return
        there = facts.with_(destination=candidate.model)
        zones = [zone for zone in self._zones[candidate.model] if within(zone, bound)]
        answers = [
            answer for zone in zones for answer in self._others.ask(there, **self._places[candidate.model, zone])
        ]
        for rule, answer in dict.fromkeys(answers):
            said.rule(rule, answer)

    def _nowhere(self, facts: Facts, objections: Sequence[Objection], choices: Sequence[Rule], said: Says) -> None:
        """No candidate is left: it is refused, as the first rule that objected says."""
        if objections:
            said.block(objections[0].rule.name, objections[0].error)
            return
        confined = [verdict.reason for verdict in facts.enforced() if verdict.action == "confine"]
        because = choices[0].name if choices else confined[0] if confined else RESIDENCY
        said.block(because, RefusedByRuleError("no model may take this request"))


def _would(objection: Objection, zones: Sequence[Zone]) -> Verdict:
    """What a rule that only tells would have done."""
    nearer = zones[: zones.index(objection.zone)]
    action: Action = "confine" if nearer else "block"
    return Verdict(NAME, action, objection.rule.name, nearer[-1] if nearer else "", enforced=False)


def _by_rule(objections: Iterable[Objection]) -> Iterator[Objection]:
    """The first of each rule's: the one of the nearest zone."""
    seen: set[str] = set()
    for objection in objections:
        if objection.rule.name not in seen:
            seen.add(objection.rule.name)
            yield objection
