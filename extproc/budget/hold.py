"""What is set aside for one request, and what of it each model that may answer would take."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, NamedTuple, Protocol

from extproc.logs import logger, where

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from extproc.budget.book import Book, Crossed
    from extproc.budget.rules import Rule
    from extproc.config.prices import Consumption, Rate

log = logger()


class Part(NamedTuple):
    """What is set aside of one account."""

    rule: Rule
    amounts: Mapping[str, int] | None = None
    """Model -> what it may take of it, where one of several may answer; None: there is one alone."""


class Keeper(Protocol):
    """Who has set it aside."""

    book: Book

    def settle(self, hold: Hold, model: str, used: Consumption | None) -> None:
        """The request has ended."""


class Hold:
    """What is set aside for one request. See decision.Reservation."""

    __slots__ = ("_number", "_parts", "_treasury", "answers")

    def __init__(self, treasury: Keeper, number: bytes, parts: Sequence[Part], answers: int) -> None:
        self._treasury = treasury
        self._number = number
        self._parts = parts
        self.answers = answers

    def settle(self, model: str, consumption: Consumption | None) -> None:
        """See decision.Reservation."""
        with noted():
            self._treasury.settle(self, model, consumption)

    def release(self) -> None:
        """See decision.Reservation."""
        with noted():
            self._treasury.book.settle(self._number, [0] * len(self._parts))

    def costs(self, model: str, consumption: Consumption | None, rate: Rate) -> list[int | None]:
        """Of each part, what it has cost: nothing, where it was set aside for another model than the one that answered."""
        return [
            0
            if amounts is not None and model not in amounts
            else rule.cost(consumption, rate)
            if consumption is not None
            else None
            if amounts is None
            else amounts[model]
            for rule, amounts in self._parts
        ]

    @property
    def number(self) -> bytes:
        """Of it in the book."""
        return self._number


def affordable(part: Part, crossed: Crossed, chosen: str, others: Sequence[str]) -> tuple[str, ...] | None:
    """The stand-ins that are left when an account has not enough for all of them; None: not even for the chosen model."""
    amounts = part.amounts or {}
    own = amounts.get(chosen, 0)
    if not crossed.ahead and own > crossed.left:
        return None
    most = own if crossed.ahead else crossed.left
    left = tuple(name for name in others if amounts.get(name, 0) <= most)
    return left if len(left) < len(others) else None


@contextlib.contextmanager
def noted() -> Iterator[None]:
    """An end that cannot be written down is noted: who tells it can do nothing about it, and it costs what was set aside."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - the request has ended, whatever this is
        log.error("budget_not_settled", error=type(error).__name__, at=where(error))  # noqa: TRY400
