"""What is done with one type of personal data: a name, or a name with its parameters."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from extproc.config.section import Section

OperatorName = Literal["replace", "mask", "hash", "encrypt", "redact", "keep", "block", "flag"]


class Operator(Section):
    """`replace`, or `{operator: mask, keep_last: 4}`."""

    operator: OperatorName = "replace"
    """`replace`: a placeholder, put back in the answer. `mask`: asterisks. `hash`: a keyed digest. `encrypt`: a
    token that whoever has the key can turn back. `redact`: the type in
    brackets, for good. `keep`: left alone. `block`: the request is refused. `flag`: left as it is, but reported."""
    keep_last: int = Field(default=0, ge=0, le=12)
    """Characters at the end that `mask` leaves readable."""

    @model_validator(mode="before")
    @classmethod
    def _by_name(cls, value: Any) -> Any:
        return {"operator": value} if isinstance(value, str) else value

    def __str__(self) -> str:
        """As `parsed` reads it: `replace`, `mask:4`."""
        return f"{self.operator}:{self.keep_last}" if self.keep_last else self.operator

    @classmethod
    def parsed(cls, text: str) -> Self:
        """What was told by its name and parameter."""
        name, _, kept = text.partition(":")
        return cls.model_validate({"operator": name, "keep_last": int(kept or 0)})

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.keep_last and self.operator != "mask":
            raise ValueError(f"`keep_last` belongs to the operator `mask`, not to `{self.operator}`")
        return self
