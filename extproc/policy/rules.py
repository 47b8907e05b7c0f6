"""The rules of one stage: compiled once, and asked of CEL only where nobody sees without it that they say no.

Most rules compare facts with constants, and most say nothing of a request. Those are answered here (`expressions/shortcut.py`);
only if some are left are the facts handed to the library, which is then asked about those.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from extproc.config.policy_facts import Stage, fact, language_of, stage_of_rule
from extproc.expressions import names_read, shortcut
from extproc.logs import logger
from extproc.policy.values import Values, readable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from extproc.config import Mesh
    from extproc.config.policy import PolicyRule
    from extproc.decision import Facts
    from extproc.expressions import Condition, Language

Answer = Literal["fired", "missing", "failed"]
ONE_BY_ONE: Final = 3
"""So many are asked one after the other; more of them together, which takes as long as three or four."""

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
        conditions = [rule.condition for rule in rules]
        self._values = Values.of(conditions)
        self._shortcuts = [shortcut(condition.tree, language.names) or _nothing for condition in conditions]
        read = frozenset[str]().union(*(names_read(condition.tree, language.names) for condition in conditions))
        self._few = self._values.only(read)
        self._own = [Values.of([condition]) for condition in conditions]
        self._together = language.together(conditions) if len(conditions) > ONE_BY_ONE else None
        self._needs: frozenset[str] = frozenset().union(*(rule.needs for rule in rules))

    def ask(self, facts: Facts, **more: Any) -> list[tuple[Rule, Answer]]:
        """What they say: those that say nothing are left out. `more`: values that no fact tells."""
        if not self._needs <= facts.known:
            activation = self._activation(self._values.read(facts, **more))
            asked = ((rule, self._one(rule, facts, activation)) for rule in self.rules)
            return [(rule, answer) for rule, answer in asked if answer]
        few = self._few.read(facts, **more)
        said: list[bool | None] = [shown(few) for shown in self._shortcuts]
        if not any(say is not False for say in said):
            return []
        if said.count(None) > ONE_BY_ONE:
            said = self._all(self._activation(self._values.read(facts, **more))) or said
        answers: list[tuple[Rule, Answer]] = []
        for rule, say, values in zip(self.rules, said, self._own, strict=True):
            if say is None:
                if answer := self._one(rule, facts, self._activation(values.read(facts, **more))):
                    answers.append((rule, answer))
            elif say:
                answers.append((rule, "fired"))
        return answers

    def _all(self, activation: Any) -> list[bool | None] | None:
        """What all of them say in one go; None: some err, or they are too much for one."""
        if self._together is None or activation is None:
            return None
        try:
            result = self._together.eval(activation).plain_value()
        except RuntimeError:  # a bound of the library's
            return None
        return result if isinstance(result, list) else None

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
        if activation is None:
            return "failed"
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


def _nothing(_: object) -> None:
    """What is known without CEL of a condition that only CEL understands."""
