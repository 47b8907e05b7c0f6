"""What an answer took: tokens, and the money that they cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from extproc.config.prices import FREE, Consumption, rates
from extproc.tokens import estimated_tokens

if TYPE_CHECKING:
    from extproc.config import Mesh
    from extproc.exchange.record import ExchangeRecord, Usage


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
    """What the registry's models cost."""

    def __init__(self, mesh: Mesh) -> None:
        self._rates = rates(mesh.telemetry.currency, mesh.models)

    def cost(self, model: str, usage: Usage, given: int) -> float:
        """Money for what an answer took. `given`: tokens of its input, where it does not say."""
        used = Consumption(
            given, usage.output_tokens or 0, usage.cache_read_tokens, usage.cache_write_tokens, usage.reasoning_tokens
        )
        return self._rates.get(model, FREE).cost(used)

    def bill(self, exchange: ExchangeRecord) -> Bill | None:
        """What an exchange took; None where its answer was not read, or is an error that reports nothing."""
        usage = exchange.usage
        if usage is None or (usage.estimated and (exchange.status or 0) >= 400):
            return None
        estimated = usage.estimated or usage.input_tokens is None
        given = usage.input_tokens if usage.input_tokens is not None else estimated_tokens(exchange.request_bytes)
        made = usage.output_tokens or 0
        return Bill(given, made, self.cost(exchange.model or "", usage, given), estimated, usage.by)
