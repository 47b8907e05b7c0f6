"""What operators see of budgets: every account in its window, for `intentmesh budget show` and for metrics."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from extproc.budget.amounts import shown
from extproc.budget.book import names_in
from extproc.budget.refusal import clock
from extproc.budget.rules import ALL

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from extproc.budget.book import Account, Book
    from extproc.budget.leases import Leasing
    from extproc.budget.rules import Rule

OTHER: Final = "other"
"""In metrics: all accounts that the configuration does not name."""


class Line(NamedTuple):
    """One account, for operators."""

    budget: str
    account: str
    unit: str
    limit: float
    used: float
    """Spent, and set aside."""
    reserved: float
    """The part that is set aside."""
    left: float
    """Of all pods together, as far as this one knows."""
    window: str
    ends: str
    label: str
    """The account as a metric knows it: by name where the configuration has it."""


class Overview:
    """Of the budgets of one mesh."""

    def __init__(self, rules: Sequence[Rule], models: Sequence[str], currency: str) -> None:
        self._rules = {rule.name: rule for rule in rules}
        self._models = models
        self._currency = currency

    def lines(self, book: Book) -> Iterator[Line]:
        """Every account in a window that is not over."""
        now = time.time()
        for key, account in book.accounts():
            budget, name = names_in(key)
            rule = self._rules.get(budget)
            if rule is not None and account.end > now:
                yield self._line(rule, name, account)

    def _line(self, rule: Rule, name: str, account: Account) -> Line:
        limit = rule.limit(name)
        left = limit - account.used - account.others
        return Line(
            rule.name,
            name,
            rule.unit,
            shown(rule.unit, limit),
            shown(rule.unit, account.used),
            shown(rule.unit, account.reserved),
            shown(rule.unit, left),
            rule.window,
            clock(account.end),
            self._label(rule, name),
        )

    def labels(self, rule: Rule) -> Iterator[tuple[str, float]]:
        """The accounts of a budget that a metric tells apart, and what each may spend."""
        named = {"all": (ALL,), "model": self._models}.get(rule.by, (*sorted(rule.known), OTHER))
        for name in named:
            yield name, shown(rule.unit, rule.limit(name))

    def _label(self, rule: Rule, name: str) -> str:
        return name if name in rule.known or rule.by in ("all", "model") else OTHER

    def show(self, book: Book, leasing: Leasing | None) -> dict[str, Any]:
        """For `intentmesh budget show`."""
        lines = list(self.lines(book))
        used = {line.budget for line in lines}
        unused = [rule for rule in self._rules.values() if rule.name not in used]
        return {
            "currency": self._currency,
            "accounts": [line._asdict() for line in lines],
            "unused": [{"budget": r.name, "by": r.by, "unit": r.unit, "window": r.window} for r in unused],
            "store": leasing.state() if leasing else None,
        }
