"""What gates and judges say, and what is done about it. Whatever errs denies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extproc.decision import NOTHING, Inspection, Refuse
from extproc.errors import DeniedError, IntentmeshError, UndecidedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from extproc.decision import Facts, Gate, Inquiry, Judge, Respond, Ruling
    from extproc.steps.answer_chain import AnswerChain
    from extproc.steps.case import Case


class Judging:
    """Asks one judge."""

    def __init__(self, judge: Judge, chain: AnswerChain) -> None:
        self.name = judge.name
        self._judge = judge
        self._chain = chain

    async def __call__(self, case: Case) -> None:
        """Raises DeniedError or the judge's own error for a block, UndecidedError when it fails."""
        try:
            ruling = await self._judge.judge(case.facts, case)
        except IntentmeshError:
            raise
        except Exception as error:
            raise UndecidedError(self.name, error) from error
        if not self._judge.edits_answers and (ruling.answer or any(v.action == "redact" for v in ruling.verdicts)):
            raise UndecidedError(self.name, TypeError("it edits answers and does not say so beforehand"))
        case.facts = extended(case.facts, ruling)
        if ruling.reservation is not None:
            case.reservations += (ruling.reservation,)
        enforce(ruling)
        case.answer += ruling.answer
        if ruling.response is not None:
            case.outcome = self._chain.respond(case, ruling.response)


def admit(gates: Sequence[Gate], inquiry: Inquiry) -> Facts | Refuse | Respond:
    """Ask the gates, in their order: what is known then, or what becomes of the request at once."""
    facts = inquiry.facts()
    for gate in gates:
        try:
            ruling = gate.judge(facts)
            if ruling is NOTHING:
                continue
            facts = extended(facts, ruling)
            enforce(ruling)
        except IntentmeshError as error:
            return Refuse(error, Inspection(facts))
        except Exception as error:  # noqa: BLE001 - whatever errs denies
            undecided = UndecidedError(gate.name, error)
            undecided.__cause__ = error
            return Refuse(undecided, Inspection(facts))
        if ruling.response is not None:
            return ruling.response
    return facts


def extended(facts: Facts, ruling: Ruling) -> Facts:
    """The facts, and what has been ruled."""
    if ruling.learned:
        facts = facts.with_(**ruling.learned)
    if not ruling.verdicts and not ruling.duties and not ruling.unenforced:
        return facts
    return facts._replace(
        verdicts=facts.verdicts + ruling.verdicts,
        duties=facts.duties + ruling.duties,
        unenforced=facts.unenforced + ruling.unenforced,
    )


def enforce(ruling: Ruling) -> None:
    """Raises what a block is told by."""
    for verdict in ruling.verdicts:
        if verdict.action == "block" and verdict.enforced:
            raise ruling.error or DeniedError(verdict.step, verdict.reason)
