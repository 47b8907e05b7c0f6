"""What budgets say in a decision: what is left, when the body is read; whether it is enough, when the model is chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from extproc.budget.treasury import STEP
from extproc.decision import NOTHING, Ruling

if TYPE_CHECKING:
    from extproc.budget.treasury import Treasury
    from extproc.decision import Content, Facts


class Balance:
    """Tells what is left."""

    name: Final = STEP
    edits_answers: Final = False

    def __init__(self, treasury: Treasury) -> None:
        self._treasury = treasury

    async def judge(self, facts: Facts, _content: Content) -> Ruling:
        """See decision.Judge."""
        return Ruling(learned={"budget_left": self._treasury.balance(facts)})


class Steering:
    """Sends what would cross a soft budget to a cheaper model, before the policy says whether it may go there."""

    name: Final = STEP
    edits_answers: Final = False

    def __init__(self, treasury: Treasury) -> None:
        self._treasury = treasury

    async def judge(self, facts: Facts, _content: Content) -> Ruling:
        """See decision.Judge."""
        verdict = self._treasury.steer(facts)
        return Ruling((verdict,)) if verdict else NOTHING


class Reserving:
    """Sets aside what a request may take, when nobody has anything against it any more: what is refused has cost nothing."""

    name: Final = STEP
    edits_answers: Final = False

    def __init__(self, treasury: Treasury) -> None:
        self._treasury = treasury

    async def judge(self, facts: Facts, _content: Content) -> Ruling:
        """See decision.Judge."""
        return self._treasury.reserve(facts)
