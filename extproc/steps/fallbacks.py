"""Which models may stand in for the one that was chosen: those to which whoever has a say lets the request go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from extproc.config.models import within
from extproc.decision import NOTHING, Verdict
from extproc.errors import IntentmeshError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from extproc.config.models import Model, Zone
    from extproc.decision import Facts, Judge
    from extproc.steps.case import Case


class Fallbacks:
    """Asks about each of them, as if it had been chosen."""

    name: Final = "routing"

    def __init__(self, models: Mapping[str, Model], judges: Sequence[Judge]) -> None:
        """`judges`: who has a say when a model is chosen."""
        self._models = models
        self._judges = judges

    async def __call__(self, case: Case) -> None:
        """Tell those that are allowed."""
        decision = case.decision
        assert decision is not None
        fallback = self._models[decision.model].fallback
        if not fallback:
            return
        allowed, wanted = [], []
        for name in fallback:
            near = within(self._models[name].zones()[0], decision.residency)
            verdicts = await self._said(_sent_to(case.facts, name), case) if near else None
            if verdicts is not None:
                allowed.append(name)
                wanted += [v for v in verdicts if v.action == "redact" and v not in case.facts.verdicts]
        # who will answer is not known beforehand: what one of them would have done to the answer is done to any
        together = (*case.facts.verdicts, *dict.fromkeys(wanted))
        case.facts = case.facts._replace(verdicts=together).with_(fallback=tuple(allowed))

    async def _said(self, facts: Facts, case: Case) -> list[Verdict] | None:
        """What is said of one of them; None: somebody objects. Whoever would have it elsewhere, nearer, or errs, does."""
        verdicts: list[Verdict] = []
        for judge in self._judges:
            try:
                ruling = await judge.judge(facts, case)
            except IntentmeshError:
                return None
            except Exception:  # noqa: BLE001 - whatever errs denies
                return None
            if ruling is NOTHING:
                continue
            enforced = [verdict for verdict in ruling.verdicts if verdict.enforced]
            if ruling.response is not None or any(self._objects(verdict, facts.destination) for verdict in enforced):
                return None
            verdicts += enforced
        return verdicts

    def _objects(self, verdict: Verdict, name: str) -> bool:
        if verdict.action == "confine":
            return not within(self._models[name].zones()[0], cast("Zone", verdict.to))
        return verdict.action in ("block", "reroute")


def _sent_to(facts: Facts, name: str) -> Facts:
    """The facts of a request that somebody would send to this model."""
    return facts._replace(verdicts=(*facts.verdicts, Verdict("fallback", "reroute", to=name))).with_(destination=name)
