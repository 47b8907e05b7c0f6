"""What the rules that fire say: verdicts, duties, and how a refusal is told. One judge for each stage."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, Self

from extproc.config.policy_facts import Stage
from extproc.decision import NOTHING
from extproc.policy.destinations import Destinations
from extproc.policy.rules import RuleSet, rules_of
from extproc.policy.saying import NAME, Says

if TYPE_CHECKING:
    from collections.abc import Iterable

    from extproc.config import Mesh
    from extproc.decision import Content, Facts, Ruling
    from extproc.policy.rules import Answer, Rule


def ruling_of(answers: Iterable[tuple[Rule, Answer]]) -> Ruling:
    """What these rules say together; NOTHING where they say nothing."""
    gathered: Says | None = None
    for rule, answer in answers:
        gathered = gathered or Says()
        gathered.rule(rule, answer)
    return NOTHING if gathered is None else gathered.ruling()


class _OfStage:
    """The rules of one stage."""

    name: Final = NAME
    stage: ClassVar[Stage]

    def __init__(self, rules: RuleSet) -> None:
        self.edits_answers = any(rule.settings.then.redact_output for rule in rules.rules)
        self._rules = rules

    @classmethod
    def of(cls, mesh: Mesh) -> Self | None:
        """That of a mesh; None where no rule is asked then."""
        rules = rules_of(mesh, cls.stage)
        return cls(RuleSet(mesh, rules)) if rules else None


class AtHeaders(_OfStage):
    """The gate: rules that name only the caller and the headers."""

    stage = Stage.HEADERS

    def judge(self, facts: Facts) -> Ruling:
        """See decision.Gate."""
        return ruling_of(self._rules.ask(facts))


class _Later(_OfStage):
    """A judge of a stage after the headers."""

    async def judge(self, facts: Facts, _content: Content) -> Ruling:
        """See decision.Judge."""
        return ruling_of(self._rules.ask(facts))


class AtBody(_Later):
    """Rules that name what the body asks for."""

    stage = Stage.BODY


class Classified(_Later):
    """Rules that name the intent and say how personal data is to be masked: asked before it is."""

    stage = Stage.CLASSIFIED


class Understood(_Later):
    """Rules that name what is in it, or what it means."""

    stage = Stage.UNDERSTOOD


class Routed:
    """Rules that name the destination, and what earlier ones say of it: asked of each candidate."""

    name: Final = NAME

    def __init__(self, destinations: Destinations, *, edits_answers: bool) -> None:
        self.edits_answers = edits_answers
        self._destinations = destinations

    @classmethod
    def of(cls, mesh: Mesh) -> Self | None:
        """That of a mesh; None where no rule says anything of destinations."""
        rules = rules_of(mesh)
        concerned = any(
            rule.stage is Stage.ROUTED or rule.settings.then.models or rule.settings.then.residency for rule in rules
        )
        redacts = any(rule.stage is Stage.ROUTED and rule.settings.then.redact_output for rule in rules)
        return cls(Destinations(mesh, rules), edits_answers=redacts) if concerned else None

    async def judge(self, facts: Facts, _content: Content) -> Ruling:
        """See decision.Judge."""
        return self._destinations.judge(facts)
