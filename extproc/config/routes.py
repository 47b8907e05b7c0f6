"""The rules that turn what is known of a request into a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, Self

from pydantic import Field, model_validator

from extproc.config.models import Capability, DataCard, Price, Sla, Zone, within
from extproc.config.prices import rate_of
from extproc.config.section import Section
from extproc.config.when import When

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from extproc.config.models import Model
    from extproc.config.prices import Rate


class Choice(Section):
    """What a model has to be, by what the registry declares of it. What it does not declare, it is not."""

    capabilities: tuple[Capability, ...] = ()
    """All of these."""
    owner: str | None = None
    api: str | None = None
    data: DataCard | None = None
    context_tokens: int | None = Field(default=None, gt=0)
    """At least."""
    sla: Sla | None = None
    """At most `ttft_ms`, at least `tokens_per_s`."""
    price_per_million: Price | None = None
    """At most, of what is given."""
    prefer: Literal["first", "price", "ttft", "speed"] = "first"
    """Of those that fit: the first of the registry, the cheapest by input and output together, the one that promises to begin
    soonest, or to write fastest."""

    def of(self, models: Mapping[str, Model], residency: Zone, currency: str) -> list[str]:
        """Those that fit and have an endpoint as near, the preferred one first."""
        choices = [
            (name, model, rate_of(currency, name, model))
            for name, model in models.items()
            if within(model.zones()[0], residency)
        ]
        fitting = [each for each in choices if self._fits(each[1], each[2])]
        return [name for name, *_ in sorted(fitting, key=lambda each: _ORDER[self.prefer](each[1], each[2]))]

    def _fits(self, model: Model, rate: Rate) -> bool:
        data, sla, price = self.data or DataCard(), self.sla or Sla(), self.price_per_million
        theirs, promised = model.data or DataCard(), model.sla or Sla()
        alike = (
            (self.owner, model.owner),
            (self.api, model.api),
            (data.trained_by, theirs.trained_by),
            (data.residency, theirs.residency),
        )
        if not set(self.capabilities) <= set(model.capabilities or ()):
            return False
        if any(wanted is not None and wanted != had for wanted, had in alike):
            return False
        if sla.ttft_ms is not None and (promised.ttft_ms is None or promised.ttft_ms > sla.ttft_ms):
            return False
        if sla.tokens_per_s is not None and (promised.tokens_per_s or 0.0) < sla.tokens_per_s:
            return False
        if self.context_tokens is not None and model.context_tokens < self.context_tokens:
            return False
        return price is None or all(
            _first(getattr(rate, kind)) <= getattr(price, kind) for kind in price.model_fields_set
        )


def _first(steps: tuple[Any, ...]) -> float:
    """The price of a request that is not large; what nobody prices is no bargain."""
    return float(steps[0].price) if steps else float("inf")


_ORDER: Final[dict[str, Callable[[Model, Rate], float]]] = {
    "first": lambda _model, _rate: 0.0,
    "price": lambda _model, rate: _first(rate.input) + _first(rate.output),
    "ttft": lambda model, _rate: float((model.sla and model.sla.ttft_ms) or "inf"),
    "speed": lambda model, _rate: -float((model.sla and model.sla.tokens_per_s) or 0.0),
}


class Route(Section):
    """A rule that turns an intent and a policy into a model. The first that matches decides."""

    intent: str | None = None
    """Matches this intent; none: any."""
    entities: tuple[str, ...] = ()
    """Matches when any of these entity types was found."""
    headers: dict[str, str] = Field(default_factory=dict)
    """Matches when all of these request headers have these values."""
    uses: tuple[Capability, ...] = ()
    """Matches when the request uses all of these: offers tools, shows images, asks for JSON of a schema, for reasoning, or for
    embeddings."""
    when: When | None = None
    """Matches when all of this is so of the request."""
    prompt: str | None = None
    """A prompt that is put before what a request says which this rule sends on: `NAME`, or `NAME@VERSION` or `NAME@LABEL`."""
    model: str = ""
    choose: Choice | None = None
    """Instead of `model`: the one of the registry that fits."""
    residency: Zone = "external"
    """How far the request may travel: to no endpoint beyond this zone."""

    @model_validator(mode="after")
    def _goes_somewhere(self) -> Self:
        if (self.choose is None) == (not self.model):
            raise ValueError("give `model`, or `choose` with what a model of the registry has to be, and not both")
        return self
