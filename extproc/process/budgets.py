"""Budgets as operators see them: their metrics, and what the admin port tells of them and takes."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from extproc.telemetry.instruments import BUDGET_EXHAUSTED, BUDGET_LIMIT, BUDGET_STORE_AWAY, BUDGET_USED

if TYPE_CHECKING:
    from extproc.budget import Treasury
    from extproc.telemetry import Meter

Order = dict[str, Any]
"""Empty: show; or `reset`, the name of a budget, and `account`, where it is for one of them."""
Answer = tuple[int, dict[str, Any]]
"""HTTP status, and what is told."""
NO_BUDGETS: Answer = 404, {"error": "this mesh has no budgets"}


def obey(treasury: Treasury | None, order: Order) -> Answer:
    """Show the accounts, or reset some."""
    if treasury is None:
        return NO_BUDGETS
    if "reset" not in order:
        return 200, treasury.show()
    account = order.get("account")
    done = treasury.reset(str(order["reset"]), None if account is None else str(account))
    if done is None:
        known = ", ".join(rule.name for rule in treasury.rules)
        return 404, {"error": f"there is no budget `{order['reset']}`; there are: {known}"}
    return 200, {"reset": done}


def measure(treasury: Treasury, meter: Meter) -> None:
    """Set the gauges, for all processes that share the accounts."""
    used: dict[tuple[str, str, str], float] = defaultdict(float)
    limits: dict[tuple[str, str, str], float] = {}
    exhausted = dict.fromkeys(((rule.name,) for rule in treasury.rules), 0)
    for rule in treasury.rules:
        for account, limit in treasury.labels(rule):
            labels: tuple[str, str, str] = (rule.name, account, rule.unit)
            limits[labels], used[labels] = limit, 0.0
    for line in treasury.lines():
        labels = (line.budget, line.label, line.unit)
        used[labels] = max(used[labels], line.limit - line.left)
        exhausted[line.budget,] += line.left <= 0
    for labels, limit in limits.items():
        meter.set(BUDGET_LIMIT, limit, labels)
        meter.set(BUDGET_USED, used[labels], labels)
    for name, count in exhausted.items():
        meter.set(BUDGET_EXHAUSTED, count, name)
    if treasury.leasing:
        meter.set(BUDGET_STORE_AWAY, treasury.leasing.state()["away"])
