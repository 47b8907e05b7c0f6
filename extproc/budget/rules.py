"""The budgets of a `mesh.yaml`, made ready: whom each concerns, and what a request would cost of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from extproc.budget.amounts import capped, counted
from extproc.budget.book import key_of
from extproc.identity import UNKNOWN

if TYPE_CHECKING:
    from extproc.config.budgets import Budget, BudgetStore
    from extproc.config.prices import Consumption, Rate
    from extproc.identity import Caller

ALL = "all"
MOST_KEPT = 10_000
"""Accounts whose key and limits are not made anew for each request; beyond it all are forgotten."""


class Terms(NamedTuple):
    """What does not change about an account."""

    key: bytes
    limit: int
    lease: int


class Rule:
    """One budget."""

    def __init__(self, budget: Budget, store: BudgetStore | None) -> None:
        self.name = budget.name
        self.by = budget.by
        self.unit = budget.unit
        self.window = budget.window
        self.hard = budget.mode == "hard"
        self.reroute = budget.reroute
        self.known = frozenset(budget.limits) | frozenset(getattr(budget.only, budget.by, ()))
        """Accounts that the configuration names: they may be a metric's label."""
        self._limit = counted(budget.unit, budget.limit)
        self._limits = {account: counted(budget.unit, limit) for account, limit in budget.limits.items()}
        self._lease = store.lease if store else 0.0
        only = budget.only
        self._only = tuple(frozenset(names) for names in (only.caller, only.project, only.team, only.model))
        self._for_all = not any(self._only)
        self._terms: dict[str, Terms] = {}

    def concerns(self, caller: Caller, model: str | None) -> bool:
        """Whether a request of this caller to this model has to do with it; None: to whichever model."""
        if self._for_all:
            return True
        asked = (caller.id, caller.project, caller.team, model)
        return all(not names or name is None or name in names for names, name in zip(self._only, asked, strict=True))

    def account(self, caller: Caller, model: str) -> str:
        """Whose account it is."""
        match self.by:
            case "all":
                return ALL
            case "caller":
                return caller.id or UNKNOWN
            case "project":
                return caller.project or UNKNOWN
            case "team":
                return caller.team or UNKNOWN
            case "model":
                return model

    def terms(self, account: str) -> Terms:
        """Those of an account."""
        terms = self._terms.get(account)
        if terms is None:
            if len(self._terms) >= MOST_KEPT:
                self._terms.clear()
            limit = self.limit(account)
            terms = self._terms[account] = Terms(key_of(self.name, account), limit, self.lease(limit))
        return terms

    def limit(self, account: str) -> int:
        """Of an account."""
        return self._limits.get(account, self._limit)

    def lease(self, limit: int) -> int:
        """How far a pod may be ahead of the store; 0: there is none."""
        return max(1, int(limit * self._lease)) if self._lease else 0

    def cost(self, consumption: Consumption, rate: Rate) -> int:
        """Of one request that took so much."""
        if self.unit == "requests":
            return 1
        return capped(consumption.total) if self.unit == "tokens" else counted("money", rate.cost(consumption))
