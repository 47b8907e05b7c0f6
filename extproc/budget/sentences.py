"""What `check` says of budgets that are good: the worst that may happen to them, and who says what models cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extproc.budget.amounts import counted, told
from extproc.budget.rules import Rule
from extproc.config.prices import rate_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extproc.config import Mesh


def told_of_budgets(mesh: Mesh) -> Iterator[str]:
    """One sentence a line."""
    store = mesh.budget_state.store
    currency = mesh.telemetry.currency
    for budget in mesh.budgets if store else ():
        rule = Rule(budget, store)
        pods = (store.pods if store else None) or mesh.kubernetes.max_replicas
        limit = counted(budget.unit, max(budget.limit, *budget.limits.values(), 0.0))
        over, of = (told(budget.unit, amount, currency) for amount in (pods * rule.lease(limit), limit))
        yield f"budget `{budget.name}`: at most {over} over its {of} a {budget.window} with {pods} pods"
    for name, model in mesh.models.items() if any(b.unit == "money" for b in mesh.budgets) else ():
        rate = rate_of(currency, name, model)
        if rate.source and rate.source != "mesh.yaml":
            read, written = (f"{steps[0].price:g}" if steps else "0" for steps in (rate.input, rate.output))
            yield f"model `{name}` costs {read} {currency} a million tokens in, {written} out ({rate.source})"
