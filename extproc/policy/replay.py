"""What rules would have done with requests that are over, by the lines of an audit trail: no text is needed, and none is there.

A line decides a rule only where it holds every fact that the rule names. What it lacks was not known then, or is not kept
(`telemetry.audit.facts`): such a rule is counted as undecidable on that line, and says nothing.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, cast

from extproc.config.models import ZONES, within
from extproc.config.places import TOLD
from extproc.config.policy_facts import ENTITIES, FACTS, TOTAL, Stage, fact
from extproc.config.prices import FREE, Consumption, rates
from extproc.decision import Facts
from extproc.identity import UNKNOWN, Caller
from extproc.policy.destinations import Destinations
from extproc.policy.rules import Rule, RuleSet, rules_of
from extproc.policy.saying import NAME, Says
from extproc.routing import RouteDecision

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from extproc.config import Mesh
    from extproc.config.models import Zone
    from extproc.expressions import Kind

_BODY: Final = (
    *("stream", "tokens", "turns", "images", "audio", "unsearched", "code"),
    *("language", "model", "tools", "uses", "difficulty"),
)
LATEST: Final = 2**36
"""Seconds: what is later is no time of a request."""
MOST: Final = 2**53
_OVER: Final = frozenset({"rejected", "failed", "passed"})
"""Outcomes of requests that went to no model."""


@dataclass
class Replayed:
    """What came of it."""

    lines: int = 0
    """That are decisions."""
    ended: int = 0
    """Of them: refused or failed then, whatever these rules say."""
    denied: Counter[str] = field(default_factory=Counter)
    """Rule -> requests that it would have refused."""
    confined: Counter[str] = field(default_factory=Counter)
    moved: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """(rule, model then, model now) -> requests."""
    others: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(rule, what else it would have done) -> requests."""
    undecidable: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(rule, the first fact that a line lacks) -> lines."""
    unread: int = 0
    """Lines that are no decisions of an audit trail."""
    since: float | None = None
    until: float | None = None
    cost_then: float = 0.0
    cost_now: float = 0.0
    """Of the same answers, by the prices of the models that would have given them."""

    @property
    def touched(self) -> int:
        """Requests that would have been denied or moved."""
        return sum(self.denied.values()) + sum(self.moved.values())


class Replay:
    """Tries the rules of a mesh, all of them in force, whether they are in dry run or not."""

    def __init__(self, mesh: Mesh) -> None:
        mesh = enforcing(mesh)
        self._mesh = mesh
        self._rules = rules_of(mesh)
        self._rule_sets: dict[tuple[str, ...], list[RuleSet]] = {}
        self._destinations: dict[tuple[str, ...], Destinations | None] = {}
        self._rates = rates(mesh.telemetry.currency, mesh.models)
        self.found = Replayed()

    def line(self, row: Mapping[str, Any]) -> None:
        """One line, as JSON has it."""
        found = self.found
        if not _is_decision(row):
            found.unread += 1
            return
        found.lines += 1
        time = float(row["time"])
        found.since = time if found.since is None else min(found.since, time)
        found.until = time if found.until is None else max(found.until, time)
        if row.get("outcome") in _OVER or row.get("model") not in self._mesh.models:
            found.ended += 1
            return
        kept = Kept.of(row)
        cost = _number(row.get("cost"))
        found.cost_then += cost
        decidable = []
        for rule in self._rules:
            lacking = kept.lacks(rule)
            if lacking is None:
                decidable.append(rule)
            else:
                found.undecidable[rule.name, lacking] += 1
        model = self._decide(row, kept, decidable)
        if model is not None:
            found.cost_now += cost if model == row["model"] else self._priced(model, row)

    def _decide(self, row: Mapping[str, Any], kept: Kept, rules: Sequence[Rule]) -> str | None:
        """The model that would have got it; None: none would."""
        facts, found, names = kept.facts, self.found, tuple(rule.name for rule in rules)
        if names not in self._rule_sets:
            stages = [[rule for rule in rules if rule.stage == stage] for stage in Stage if stage is not Stage.ROUTED]
            self._rule_sets[names] = [RuleSet(self._mesh, some) for some in stages if some]
            placing = any(r.stage is Stage.ROUTED or r.settings.then.models or r.settings.then.residency for r in rules)
            self._destinations[names] = Destinations(self._mesh, rules) if placing else None
        for rule_set in self._rule_sets[names]:
            said = Says()
            for rule, answer in rule_set.ask(facts, **kept.more(rule_set)):
                said.rule(rule, answer)
            ruling = said.ruling()
            if blocks := [verdict.reason for verdict in ruling.verdicts if verdict.action == "block"]:
                found.denied[blocks[0]] += 1
                return None
            facts = facts._replace(verdicts=facts.verdicts + ruling.verdicts, duties=facts.duties + ruling.duties)
        for verdict in facts.verdicts:
            if verdict.action == "confine":
                found.confined[verdict.reason] += 1
            elif verdict.action != "flag":
                found.others[verdict.reason, verdict.action] += 1
        for duty in facts.duties:
            if duty.step != NAME:
                found.others[duty.to if duty.step == "guardrails" else "operators", f"{duty.step}: {duty.what}"] += 1
        return self._place(row, facts, self._destinations[names])

    def _place(self, row: Mapping[str, Any], facts: Facts, destinations: Destinations | None) -> str | None:
        model = str(row["model"])
        if destinations is None:
            return model
        bound = cast("Zone", row.get("residency") if row.get("residency") in ZONES else "external")
        for verdict in facts.verdicts:
            if verdict.action == "confine" and not within(bound, zone := cast("Zone", verdict.to)):
                bound = zone
        chosen = RouteDecision(model, bound, "audit", None)
        for verdict in destinations.judge(facts, chosen).verdicts:
            if verdict.action == "block":
                self.found.denied[verdict.reason] += 1
                return None
            if verdict.action == "reroute":
                self.found.moved[verdict.reason, model, verdict.to] += 1
                model = verdict.to
            elif verdict.action == "confine":
                self.found.confined[verdict.reason] += 1
        return model

    def _priced(self, model: str, row: Mapping[str, Any]) -> float:
        used = Consumption(int(_number(row.get("input_tokens"))), int(_number(row.get("output_tokens"))), 0, 0, 0)
        return self._rates.get(model, FREE).cost(used)


def enforcing(mesh: Mesh) -> Mesh:
    """The same mesh with every rule in force."""
    rules = tuple(rule.model_copy(update={"mode": "enforce"}) for rule in mesh.policy.rules)
    policy = mesh.policy.model_copy(update={"mode": "enforce", "rules": rules})
    return mesh.model_copy(update={"policy": policy})


@dataclass(frozen=True)
class Kept:
    """What one line holds."""

    facts: Facts
    names: frozenset[str]
    claims: frozenset[str]
    headers: frozenset[str]
    """In lower case."""
    time: datetime

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Kept:
        """That of a line."""
        told: dict[str, Any] = {name: value for name, value in row["facts"].items() if _fits(name, value)}
        claims = told.get("caller.claims") or {}
        headers = {name.lower(): str(value) for name, value in (told.get("request.headers") or {}).items()}
        caller = Caller(
            str(row.get("caller") or ""),
            str(row.get("project") or UNKNOWN),
            str(row.get("team") or ""),
            {name: value for name, value in claims.items() if value is not None},
            told.get("caller.source", ""),
        )
        names = {"caller.id", "caller.project", "caller.team", "caller.source", "request.method", "request.time"}
        names |= {name for name in told if name != "entities"}
        names |= set(TOLD)
        facts = Facts(caller, str(told.get("request.method", "")), str(told.get("request.path", "")), headers)
        learned = {_FACT_OF.get(part, part): told[f"request.{part}"] for part in _BODY if f"request.{part}" in told}
        if "tools" in learned:
            learned["tools"] = tuple(learned["tools"])
        if "uses" in learned:
            learned["uses"] = frozenset(learned["uses"])
        if isinstance(told.get("entities"), dict):
            learned["entities"] = told["entities"]
            names |= {TOTAL, ENTITIES}
        if "intent" in told:
            learned |= {"intent": told["intent"] or None, "score": float(told.get("score") or 0.0)}
        time = datetime.fromtimestamp(float(row["time"]), UTC)
        return cls(facts.with_(**learned), frozenset(names), frozenset(claims), frozenset(headers), time)

    def lacks(self, rule: Rule) -> str | None:
        """The first fact that the rule names and the line has not; None: it has all."""
        for name in sorted(rule.condition.names):
            there = ENTITIES in self.names if name.startswith(ENTITIES) else name in self.names
            if name == "caller.claims":
                wanted = rule.condition.claim_names
                missing = sorted(wanted - self.claims) if wanted is not None else ["*"]
                if missing:
                    return f"caller.claims.{missing[0]}"
            elif name == "request.headers":
                absent = [header for header in rule.condition.header_names if header.lower() not in self.headers]
                if absent:
                    return f"request.headers.{absent[0]}"
            elif not there or fact(name).known not in (self.facts.known | {"destination"}):
                return name
        return None

    def more(self, rule_set: RuleSet) -> dict[str, Any]:
        """Values that are not those of now."""
        return {"request.time": self.time} if rule_set.names("request.time") else {}


def _is_decision(row: Any) -> bool:
    """Whether a line is one of a trail: with a time, facts, and names where names stand."""
    if not isinstance(row, dict) or not isinstance(row.get("facts"), dict):
        return False
    time = row.get("time")
    if isinstance(time, bool) or not isinstance(time, int | float) or not 0 <= time < LATEST:
        return False
    return all(row.get(name) is None or isinstance(row[name], str) for name in ("outcome", "model", "residency"))


def _fits(name: str, value: Any) -> bool:
    """Whether it is a value that this fact may have. What is none was not written by us: the line lacks the fact."""
    if name == "entities":
        return isinstance(value, dict) and all(_is_number(count, int) for count in value.values())
    known = FACTS.get(name)
    if value is None:
        return name == "intent"
    return known is not None and _FITS[known.kind](value)


def _is_number(value: Any, kind: Any) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool) and -MOST <= value <= MOST


_FITS: Final[dict[Kind, Callable[[Any], bool]]] = {
    "string": lambda value: isinstance(value, str),
    "time": lambda _: False,
    "bool": lambda value: isinstance(value, bool),
    "int": lambda value: _is_number(value, int),
    "double": lambda value: _is_number(value, int | float),
    "strings": lambda value: isinstance(value, list) and all(isinstance(each, str) for each in value),
    "headers": lambda value: isinstance(value, dict),
    "claims": lambda value: isinstance(value, dict),
}


def _number(value: Any) -> float:
    """A count or a price, 0 where there is none."""
    return float(value) if _is_number(value, int | float) else 0.0


_FACT_OF: Final = {"stream": "streamed"}


def replay(mesh: Mesh, rows: Iterable[Mapping[str, Any]]) -> Replayed:
    """Try the rules of a mesh on these lines."""
    over = Replay(mesh)
    for row in rows:
        over.line(row)
    return over.found
