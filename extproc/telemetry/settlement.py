"""What was set aside for a request, settled when its end is known: by what its answer says that it took."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extproc.config.prices import Consumption
from extproc.errors import ERRORS_FROM
from extproc.telemetry.wrapper import ObserverWrapper
from extproc.tokens import estimated_tokens

if TYPE_CHECKING:
    from extproc.exchange.record import ExchangeRecord


class Settling(ObserverWrapper):
    """An observer that settles what an exchange has reserved, before the one around which it stands hears of its end."""

    def finish(self, exchange: ExchangeRecord) -> None:
        """See Observer."""
        if exchange.reservations:
            settle(exchange)
        super().finish(exchange)


def settle(exchange: ExchangeRecord) -> None:
    """Settle all of it."""
    for reservation in exchange.reservations:
        if exchange.model is None or exchange.outcome in {"rejected", "answered"}:
            reservation.release()
        else:
            reservation.settle(exchange.model, consumption_of(exchange))


def consumption_of(exchange: ExchangeRecord) -> Consumption | None:
    """What a model has taken for it; None: nobody can say."""
    usage = exchange.usage
    failed = (exchange.status or 0) >= ERRORS_FROM
    if usage is None or (failed and usage.estimated):
        if failed:
            return Consumption()  # an error that reports no usage is not charged for
        if exchange.outcome == "cancelled" and not exchange.response_bytes:
            return Consumption(estimated_tokens(exchange.request_bytes))  # it was read, and nothing written
        return None
    input_tokens = usage.input_tokens if usage.input_tokens is not None else estimated_tokens(exchange.request_bytes)
    return Consumption(
        input_tokens,
        usage.output_tokens or 0,
        usage.cache_read_tokens,
        usage.cache_write_tokens,
        usage.reasoning_tokens,
    )
