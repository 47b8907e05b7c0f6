"""Budgets: set aside before a request goes on, settled by what its answer took; for a process, a pod or a fleet."""

from extproc.budget.sentences import told_of_budgets
from extproc.budget.treasury import Treasury

__all__ = ["Treasury", "told_of_budgets"]
