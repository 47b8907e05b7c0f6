"""What rules that fire say: verdicts, duties, and how a refusal is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from extproc.decision import NOTHING, Duty, Ruling, Unenforced, Verdict
from extproc.errors import RefusedByRuleError, RuleFailedError

if TYPE_CHECKING:
    from extproc.errors import IntentmeshError
    from extproc.policy.rules import Answer, Rule

NAME: Final = "policy"
"""Of the step."""


class Says:
    """Gathers one ruling."""

    def __init__(self) -> None:
        self._verdicts: list[Verdict] = []
        self._duties: list[Duty] = []
        self._unenforced: list[Unenforced] = []
        self._error: IntentmeshError | None = None

    def rule(self, rule: Rule, answer: Answer) -> None:
        """What a rule says that fired, that could not be asked, or that failed."""
        if answer == "fired":
            self._fired(rule)
        elif answer == "failed" or rule.settings.denies_unknown:
            # whatever it would have done: nobody knows whether it would have fired
            self._block(rule, RuleFailedError(rule.name))
        else:
            self._unenforced.append(Unenforced(NAME, rule.name, "missing"))

    def verdict(self, verdict: Verdict) -> None:
        """One more."""
        self._verdicts.append(verdict)

    def block(self, reason: str, error: IntentmeshError) -> None:
        """The request is refused, unless it is already, and is told why."""
        self._verdicts.append(Verdict(NAME, "block", reason))
        self._error = self._error or error

    def ruling(self) -> Ruling:
        """All of it."""
        if not self._verdicts and not self._duties and not self._unenforced:
            return NOTHING
        return Ruling(tuple(self._verdicts), tuple(self._duties), unenforced=tuple(self._unenforced), error=self._error)

    def _block(self, rule: Rule, error: IntentmeshError) -> None:
        if rule.enforced:
            self.block(rule.name, error)
        else:
            self._verdicts.append(Verdict(NAME, "block", rule.name, enforced=False))

    def _fired(self, rule: Rule) -> None:
        then, enforced, say = rule.settings.then, rule.enforced, self._verdicts.append
        if then.deny is not None:
            self._block(rule, RefusedByRuleError(then.deny.reason, then.deny.status))
        if then.residency is not None:
            say(Verdict(NAME, "confine", rule.name, then.residency, enforced=enforced))
        if then.redact_output:
            say(Verdict(NAME, "redact", rule.name, enforced=enforced))
        if then.models:
            # which of them is not known before all is: the judge of the last stage chooses
            self._duties.append(Duty(NAME, "models", rule.name))
        if then.flag or then.operators or then.require or then.models:
            # duties are no verdicts: that the rule fired is told by one of its own
            say(Verdict(NAME, "flag", rule.name, enforced=enforced))
        if enforced:
            self._duties += [Duty("pii", entity, str(operator)) for entity, operator in then.operators.items()]
            self._duties += [Duty("guardrails", guardrail, rule.name) for guardrail in then.require]
        elif then.operators or then.require:
            self._unenforced.append(Unenforced(NAME, rule.name, "dry_run"))
