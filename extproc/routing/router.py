"""The decision: all that is known and what was said about it, through the rules of `mesh.yaml`, to one model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from extproc.config.models import within
from extproc.routing.conditions import Conditions
from extproc.routing.names import Names

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from extproc.config import Mesh
    from extproc.config.models import Zone
    from extproc.config.routes import Route
    from extproc.decision import Facts, Verdict


@dataclass(frozen=True, slots=True)
class RouteDecision:
    """Which model gets the request, how far it may travel, and why."""

    model: str
    """Name in the registry; the value of `x-intentmesh-model`."""
    residency: Zone
    """The farthest zone that the request may reach."""
    reason: str
    """`route[i]`: the rule of `routes` that matched, from 0; `default`: none did; `named`: the request asks for the model."""
    upstream_name: str | None
    """What the upstream calls the model; None: the body's `model` stays."""
    prompt: str | None = None
    """Of the rule: what is put before all that the request says."""


class Router:
    """The rules of one `mesh.yaml`, each with its answer made beforehand."""

    def __init__(self, mesh: Mesh) -> None:
        models = self._models = mesh.models
        rules = [
            (
                rule,
                RouteDecision(rule.model, rule.residency, f"route[{i}]", models[rule.model].upstream_name, rule.prompt),
            )
            for i, rule in enumerate(mesh.routes)
        ]
        self._rules: dict[str | None, list[tuple[Route, RouteDecision]]] = {
            intent: [(rule, decision) for rule, decision in rules if rule.intent in (None, intent)]
            for intent in {None, *(rule.intent for rule in mesh.routes)}
        }
        """The rules that an intent may match, in their order: with a thousand intents few of a thousand rules."""
        self._names = Names(mesh)
        self._conditions = {id(rule.when): Conditions.of(rule.when) for rule in mesh.routes if rule.when is not None}
        default = models[mesh.default_model]
        self._default = RouteDecision(mesh.default_model, mesh.default_residency, "default", default.upstream_name)

    def decide(self, facts: Facts) -> RouteDecision:
        """The first rule whose every condition holds, else the default model; then what the request asks for, as far as rules
        let it, and what verdicts say.
        """
        wanted = self._names.find(facts.model) if facts.model else None
        rule, decision = next(self._matching(facts, wanted.intent if wanted and wanted.intent else facts.intent))
        if wanted and wanted.model and (rule is None or not (rule.entities or rule.headers)):
            decision = self._named(wanted.model, decision)
        return self._by_verdicts(decision, facts.enforced()) if facts.verdicts else decision

    def _named(self, name: str, decision: RouteDecision) -> RouteDecision:
        """The model that is asked for, as near as the rule keeps the request; where it has nothing so near, the rule's own."""
        model = self._models[name]
        if not within(model.zones()[0], decision.residency):
            return decision
        return replace(decision, model=name, upstream_name=model.upstream_name, reason="named")

    def candidates(self, facts: Facts) -> Iterator[RouteDecision]:
        """What rules would choose, and after each what they would without it: the default model is the last."""
        for _, decision in self._matching(facts, self._intent(facts)):
            yield decision

    def instead(self, decision: RouteDecision, model: str) -> RouteDecision:
        """The same decision for another model."""
        return replace(decision, model=model, upstream_name=self._models[model].upstream_name)

    def _intent(self, facts: Facts) -> str | None:
        """That of the model that is asked for, where it names one."""
        wanted = self._names.find(facts.model) if facts.model else None
        return wanted.intent if wanted and wanted.intent else facts.intent

    def _matching(self, facts: Facts, intent: str | None) -> Iterator[tuple[Route | None, RouteDecision]]:
        entities, headers = facts.entities, facts.headers
        for rule, decision in self._rules.get(intent, self._rules[None]):
            if rule.uses and not facts.uses.issuperset(rule.uses):
                continue
            if rule.entities and not any(t in entities for t in rule.entities):
                continue
            if any(headers.get(name.lower()) != value for name, value in rule.headers.items()):
                continue
            if rule.when is not None and not self._conditions[id(rule.when)].hold(facts):
                continue
            yield rule, decision
        yield None, self._default

    def _by_verdicts(self, decision: RouteDecision, verdicts: Sequence[Verdict]) -> RouteDecision:
        """The last model that a verdict names, and the nearest of all zones: what a rule confines, no verdict lets out."""
        for verdict in verdicts:
            reason = f"{verdict.step}:{verdict.reason}"
            if verdict.action == "reroute":
                name = self._models[verdict.to].upstream_name
                decision = replace(decision, model=verdict.to, upstream_name=name, reason=reason)
            elif verdict.action == "confine" and not within(decision.residency, zone := cast("Zone", verdict.to)):
                decision = replace(decision, residency=zone)
        return decision
