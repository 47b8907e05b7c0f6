"""All that is known -> the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from extproc.routing import Router
    from extproc.steps.case import Case


class Routing:
    """Asks the router."""

    name: Final = "routing"

    def __init__(self, router: Router, *, tells: bool) -> None:
        """`tells`: somebody will want to know the destination as a fact."""
        self._router = router
        self._tells = tells

    async def __call__(self, case: Case) -> None:
        """Choose the model."""
        decision = case.decision = self._router.decide(case.facts)
        if self._tells:
            case.facts = case.facts.with_(destination=decision.model)
