"""What accounts count in: whole numbers, so that no rounding adds up. Money is counted in billionths."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from extproc.config.budgets import Unit

SCALE: Final[dict[Unit, int]] = {"tokens": 1, "requests": 1, "money": 10**9}
MOST: Final = 2**60
"""An account's numbers have 64 bits; callers may ask for, and answers may tell, what they like."""


def counted(unit: Unit, value: float) -> int:
    """An amount as an account has it. What a float leaves of a whole number is no more than that number."""
    return min(math.ceil(round(value * SCALE[unit], 3)), MOST)


def capped(amount: int) -> int:
    """No more than an account can hold."""
    return min(amount, MOST)


def shown(unit: Unit, amount: int) -> float:
    """The same as people have it."""
    scale = SCALE[unit]
    return amount / scale if scale > 1 else amount


def told(unit: Unit, amount: int, currency: str) -> str:
    """In a sentence."""
    if unit == "money":
        return f"{amount / SCALE[unit]:,.6f}".rstrip("0").rstrip(".") + f" {currency}"
    return f"{amount:,} {unit if amount != 1 else unit[:-1]}"
