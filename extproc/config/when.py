"""What a rule may ask of a request beside its intent: its language, its size, what it brings along."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable  # noqa: TC003 - pydantic reads it
from typing import Annotated, NamedTuple, Self

from pydantic import BeforeValidator, field_validator, model_validator

from extproc.config.section import Section

_COMPARED = re.compile(r"(>=|<=|>|<|=)?\s*(\d+(?:\.\d+)?)")
_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
}


class Comparison(NamedTuple):
    """`">4000"`, read."""

    holds: Callable[[float, float], bool]
    bound: float

    def of(self, value: float) -> bool:
        """Whether a value is on the right side."""
        return self.holds(value, self.bound)


def _comparison(value: object) -> object:
    match = _COMPARED.fullmatch(value.strip()) if isinstance(value, str) else None
    if isinstance(value, bool) or not isinstance(value, str | int | float) or (isinstance(value, str) and not match):
        raise ValueError(f'`{value}` is no comparison; write a number with >, >=, <, <= or = before it, as ">4000"')
    return value


Compared = Annotated[str | int | float, BeforeValidator(_comparison)]
"""A number, or one with a comparison before it."""


def compared(value: str | float) -> Comparison:
    """What a `Compared` means."""
    match = _COMPARED.fullmatch(str(value).strip())
    assert match is not None
    return Comparison(_COMPARISONS[match[1] or "="], float(match[2]))


class When(Section):
    """What is known of a request beside its intent. All that is given has to hold."""

    language: str | tuple[str, ...] = ()
    """Of what is asked: a code of ISO 639 as `de`, or several."""
    tokens: Compared | None = None
    """Of the body, by its size: `">4000"`."""
    turns: Compared | None = None
    """Of people in the conversation, the last one included."""
    unsearched: Compared | None = None
    """Bytes of the body in which nobody looked, as pictures, documents and archives: `">0"`."""
    code: Compared | None = None
    """Share of what is asked that looks like code or a log, from 0 to 1."""
    difficulty: Compared | None = None
    """How hard what is asked is likely to be for a small model, from 0 to 1: `">0.7"`."""
    images: bool | None = None
    audio: bool | None = None
    tools: bool | None = None
    """Whether tools are offered to the model."""

    @field_validator("language")
    @classmethod
    def _known(cls, value: str | tuple[str, ...]) -> tuple[str, ...]:
        codes = (value,) if isinstance(value, str) else value
        for code in codes:
            if not re.fullmatch(r"[a-z]{2,3}", code):
                raise ValueError(f"`{code}` is no code of a language; use two or three small letters, as `de`")
        return codes

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError(f"is empty; give it one of: {', '.join(When.model_fields)}")
        return self
