"""The rules of one stage: compiled once, asked all at once, and one by one only where something fires or errs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from extproc.config.policy_facts import Stage, fact, language_of, stage_of_rule
from extproc.logs import logger
from extproc.policy.values import Values, readable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from extproc.config import Mesh
    from extproc.config.policy import PolicyRule
    from extproc.decision import Facts
    from extproc.expressions import Condition, Language

Answer = Literal["fired", "missing", "failed"]

log = logger()


@dataclass(frozen=True, eq=False)
class Rule:
    """A rule and its compiled condition."""

    settings: PolicyRule
    condition: Condition
    enforced: bool
    stage: Stage
    needs: frozenset[str]
    """The facts of `decision.Facts` that it names."""

    @property
    def name(self) -> str:
        """Its name."""
        return self.settings.name

    def missing(self, facts: Facts) -> tuple[str, ...]:
        """The facts that it names and nobody knows."""
        return tuple(sorted(self.needs - facts.known))


def rules_of(mesh: Mesh, *stages: Stage) -> tuple[Rule, ...]:
    """The rules of a mesh that are asked in these stages, in the order of the file; all of them without any."""
    policy = mesh.policy
    if not policy.rules:
        return ()
    language = language_of(mesh)
    rules = []
    for settings in policy.rules:
        condition = language.condition(settings.when)
        stage = stage_of_rule(settings, condition)
        if not stages or stage in stages:
            needs = frozenset(fact(name).known for name in condition.names)
            rules.append(Rule(settings, condition, policy.enforces(settings), stage, needs))
    return tuple(rules)


class RuleSet:
    """Some rules, ready to be asked."""

    def __init__(self, mesh: Mesh, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)
        language: Language = language_of(mesh)
        self._env = language.env
        self._values = Values(rule.condition for rule in rules)
        self._together = language.together(rule.condition for rule in rules)
        self._needs: frozenset[str] = frozenset().union(*(rule.needs for rule in rules))

    def ask(self, facts: Facts, **more: Any) -> list[tuple[Rule, Answer]]:
        """What they say: those that say nothing are left out. `more`: values that no fact tells."""
        values = self._values.read(facts, **more)
        known = self._needs <= facts.known
        activation = self._activation(values)
        if activation is None:
            return [(rule, "failed") for rule in self.rules]
        if known and self._together is not None:
            try:
                result = self._together.eval(activation).plain_value()
            except RuntimeError:  # a bound of the library's
                result = None
            if isinstance(result, list):
                return [(rule, "fired") for rule, fires in zip(self.rules, result, strict=True) if fires]
        return [(rule, answer) for rule in self.rules if (answer := self._one(rule, facts, activation))]

    def names(self, name: str) -> bool:
        """Whether any of them names this fact."""
        return name in self._values.names

    def _activation(self, values: dict[str, Any]) -> Any:
        try:
            return self._env.Activation(values)
        except (RuntimeError, TypeError, ValueError):
            pass
        try:
            return self._env.Activation(readable(values))
        except (RuntimeError, TypeError, ValueError) as error:
            log.error("rule_failed", rule="all", error=type(error).__name__)  # noqa: TRY400 - its text may quote a request
            return None

    def _one(self, rule: Rule, facts: Facts, activation: Any) -> Answer | None:
        if not rule.needs <= facts.known:
            return "missing"
        try:
            result = rule.condition.program.eval(activation).value()
        except RuntimeError as error:
            result = type(error).__name__
        if result is True or result is False:
            return "fired" if result else None
        log.error("rule_failed", rule=rule.name)
        return "failed"
