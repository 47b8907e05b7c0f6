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
        """Note those that are allowed."""
        decision = case.decision
        assert decision is not None
        fallback = self._models[decision.model].fallback
        if not fallback:
            return
        allowed = []
        for name in fallback:
            near = within(self._models[name].zones()[0], decision.residency)
            if near and await self._lets(_sent_to(case.facts, name), case):
                allowed.append(name)
        case.fallback = tuple(allowed)

    async def _lets(self, facts: Facts, case: Case) -> bool:
        """Whether nobody objects. Whoever would have it elsewhere, nearer, or errs, does."""
        for judge in self._judges:
            try:
                ruling = await judge.judge(facts, case)
            except IntentmeshError:
                return False
            except Exception:  # noqa: BLE001 - whatever errs denies
                return False
            if ruling is NOTHING:
                continue
            objects = any(self._objects(verdict, facts.destination) for verdict in ruling.verdicts if verdict.enforced)
            if ruling.response is not None or objects:
                return False
        return True

    def _objects(self, verdict: Verdict, name: str) -> bool:
        if verdict.action == "confine":
            return not within(self._models[name].zones()[0], cast("Zone", verdict.to))
        return verdict.action in ("block", "reroute")


def _sent_to(facts: Facts, name: str) -> Facts:
    """The facts of a request that somebody would send to this model."""
    return facts._replace(verdicts=(*facts.verdicts, Verdict("fallback", "reroute", to=name))).with_(destination=name)
