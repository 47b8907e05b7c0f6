"""What an answer took: tokens, and the money that they cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from extproc.tokens import estimated_tokens

if TYPE_CHECKING:
    from extproc.config import Mesh
    from extproc.exchange.record import ExchangeRecord


@dataclass(frozen=True, slots=True)
class Bill:
    """Tokens and money of one exchange."""

    input_tokens: int
    output_tokens: int
    cost: float
    estimated: bool
    by: str = ""
    """What the estimate of the output was made from."""


class Prices:
    """The registry's `price_per_million`."""

    def __init__(self, mesh: Mesh) -> None:
        self._prices = {
            name: (m.price_per_million.input, m.price_per_million.output) for name, m in mesh.models.items()
        }

    def cost(self, model: str, input_tokens: int, output_tokens: int) -> float:
        """Money for so many tokens."""
        read, written = self._prices.get(model, (0.0, 0.0))
        return (input_tokens * read + output_tokens * written) / 1e6

    def bill(self, exchange: ExchangeRecord) -> Bill | None:
        """What an exchange took; None where its answer was not read, or is an error that reports nothing."""
        usage = exchange.usage
        if usage is None or (usage.estimated and (exchange.status or 0) >= 400):
            return None
        estimated = usage.estimated or usage.input_tokens is None
        given = usage.input_tokens if usage.input_tokens is not None else estimated_tokens(exchange.request_bytes)
        made = usage.output_tokens or 0
        return Bill(given, made, self.cost(exchange.model or "", given, made), estimated, usage.by)
