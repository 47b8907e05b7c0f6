"""How a request is refused that would cross a budget: which one it is, what is left, when to come again."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from extproc.budget.amounts import told
from extproc.errors import RateLimitExceededError

if TYPE_CHECKING:
    from extproc.budget.book import Crossed, Want
    from extproc.budget.rules import Rule

SOON_S: Final = 1
"""When to ask again for what only this pod's share did not hold."""
PATIENT_S: Final = 60
"""Clients of OpenAI and Anthropic try again by themselves; for longer than this they are told not to."""


def refusal(rule: Rule, want: Want, crossed: Crossed, now: float, currency: str) -> RateLimitExceededError:
    """What the caller is told. Names the budget, never the account."""
    left = max(crossed.left, 0)
    wait = SOON_S if crossed.ahead else max(1, math.ceil(want.end - now))
    limit, rest, amount = (told(rule.unit, each, currency) for each in (want.limit, left, want.amount))
    if crossed.ahead:
        what = f"the share of budget `{rule.name}` that this pod holds is used up for the moment ({rest} of {limit} are left)"
    else:
        what = f"budget `{rule.name}`: {rest} of {limit} a {rule.window} are left, and this request may take {amount}"
        what += f"; it begins anew at {clock(want.end)}"
        if want.amount > want.limit and rule.unit != "requests":
            what += ". It is more than the budget ever holds: ask for fewer tokens"
    headers = {"retry-after": str(wait)}
    if wait > PATIENT_S:
        headers["x-should-retry"] = "false"
    if rule.unit != "money":
        headers |= {
            f"x-ratelimit-limit-{rule.unit}": str(want.limit),
            f"x-ratelimit-remaining-{rule.unit}": str(left),
            f"x-ratelimit-reset-{rule.unit}": f"{wait}s",
        }
    return RateLimitExceededError(what, headers)


def clock(at: float) -> str:
    """A moment, as people and programs read it."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
