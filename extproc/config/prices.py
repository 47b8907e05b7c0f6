"""What models cost: `price_per_million` of `mesh.yaml`, else the list price of a known provider.

The list prices are those of the package `genai-prices`, as old as the version that is installed; nothing is fetched.
"""

from __future__ import annotations

import importlib.metadata
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from extproc.config.models import Endpoint, Model

MILLION: Final = 1_000_000
LISTED_IN: Final = "USD"
"""The currency of list prices: they are no defaults where bills are in another."""


class Consumption(NamedTuple):
    """What one answer took."""

    input: int = 0
    """All that was read, what came from or went into a cache included."""
    output: int = 0
    """All that was written, what was only thought included."""
    cache_read: int = 0
    cache_write: int = 0
    reasoning: int = 0

    @property
    def total(self) -> int:
        """Read and written together."""
        return self.input + self.output


class Step(NamedTuple):
    """A price that holds from so many tokens of input on, for all tokens of the request."""

    above: int
    price: float


class Rate(NamedTuple):
    """What one model costs, for a million tokens of each kind. A kind has one price, or some that depend on the input's size."""

    input: tuple[Step, ...] = ()
    output: tuple[Step, ...] = ()
    cache_read: tuple[Step, ...] = ()
    cache_write: tuple[Step, ...] = ()
    reasoning: tuple[Step, ...] = ()
    source: str = ""
    """Who says so."""

    def cost(self, used: Consumption) -> float:
        """Money for all of it."""
        read, written = used.input, used.output
        # counts that contradict one another charge no less than nothing
        cached, stored = min(used.cache_read, read), min(used.cache_write, max(0, read - used.cache_read))
        thought = min(used.reasoning, written)
        return (
            (read - cached - stored) * _at(self.input, read)
            + cached * _at(self.cache_read or self.input, read)
            + stored * _at(self.cache_write or self.input, read)
            + (written - thought) * _at(self.output, read)
            + thought * _at(self.reasoning or self.output, read)
        ) / MILLION


FREE: Final = Rate()


def _at(steps: tuple[Step, ...], read: int) -> float:
    price = 0.0
    for step in steps:
        if read <= step.above:
            break
        price = step.price
    return price


def rates(currency: str, models: Mapping[str, Model]) -> dict[str, Rate]:
    """Model -> what it costs, in the currency of the bills."""
    return {name: rate_of(currency, name, model) for name, model in models.items()}


def rate_of(currency: str, name: str, model: Model) -> Rate:
    """What a model costs: FREE where nobody says."""
    if "price_per_million" in model.model_fields_set:
        price = model.price_per_million
        kinds = (price.input, price.output, price.cache_read, price.cache_write, price.reasoning)
        read, written, cached, stored, thought = (() if each is None else (Step(-1, each),) for each in kinds)
        return Rate(read, written, cached, stored, thought, "mesh.yaml")
    return priced_by_default(currency, name, model) or FREE


def provider_of(endpoints: Iterable[Endpoint]) -> str | None:
    """The known provider that external endpoints belong to, as `openai`; None where it is none, or not one for all."""
    providers = {_provider(endpoint.server_name) for endpoint in endpoints if endpoint.zone == "external"}
    return providers.pop() if len(providers) == 1 else None


def providers() -> tuple[str, ...]:
    """Every provider that is known."""
    from genai_prices.data_snapshot import get_snapshot  # noqa: PLC0415 - as below

    return tuple(provider.id for provider in get_snapshot().providers)


@lru_cache(maxsize=1024)
def _provider(host: str) -> str | None:
    from genai_prices.data_snapshot import get_snapshot  # noqa: PLC0415 - as below

    try:
        return get_snapshot().find_provider(None, None, f"https://{host}/").id
    except LookupError:
        return None


def priced_by_default(currency: str, name: str, model: Model) -> Rate | None:
    """The list price of a model of a known provider; None where there is none."""
    hosts = {endpoint.server_name for endpoint in model.every_endpoint() if endpoint.zone == "external"}
    if currency != LISTED_IN or not hosts:
        return None
    return next((rate for host in sorted(hosts) if (rate := _listed(host, model.upstream_name or name))), None)


@lru_cache(maxsize=1024)
def _listed(host: str, model: str) -> Rate | None:
    # a megabyte of prices, for those only who call somebody that has some
    from genai_prices.data_snapshot import get_snapshot  # noqa: PLC0415

    try:
        _, entry = get_snapshot().find_provider_model(model, None, None, f"https://{host}/")
    except LookupError:
        return None
    prices = entry.get_prices(datetime.now(UTC))
    read, written = (_steps(getattr(prices, f"{kind}_mtok", None)) for kind in ("input", "output"))
    if not (read or written):
        return None
    return Rate(
        read,
        written,
        _steps(prices.cache_read_mtok),
        _steps(prices.cache_write_mtok),
        _steps(getattr(prices, "output_reasoning_mtok", None)),
        source=_edition(),
    )


@lru_cache(maxsize=1)
def _edition() -> str:
    """Which list it is: its version, and the day of the newest price in it that holds by now."""
    from genai_prices.data_snapshot import get_snapshot  # noqa: PLC0415

    today = datetime.now(UTC).date()
    days = [
        day
        for provider in get_snapshot().providers
        for model in provider.models
        for price in (model.prices if isinstance(model.prices, list) else ())
        if (day := getattr(price.constraint, "start_date", None)) is not None and day <= today
    ]
    version = importlib.metadata.version("genai-prices")
    return f"genai-prices {version}, newest price of {max(days)}" if days else f"genai-prices {version}"


def _steps(price: Any) -> tuple[Step, ...]:
    if price is None:
        return ()
    if hasattr(price, "tiers"):
        return (Step(-1, float(price.base)), *(Step(tier.start, float(tier.price)) for tier in price.tiers))
    return (Step(-1, float(price)),)
