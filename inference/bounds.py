"""Numbers within bounds as a grammar: digit by digit, because a grammar cannot compare.

llama.cpp's converter of schemas ignores `minimum` and `maximum`; here they become rules. No I/O.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from inference.errors import InvalidRequestError

_KEYS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_MOST_DIGITS = 15
_FRACTION = f'("." [0-9]{{1,{_MOST_DIGITS}}})?'
_ZEROS = f'("." "0"{{1,{_MOST_DIGITS}}})?'
_NOT_ZERO = f'"." [0-9]{{0,{_MOST_DIGITS - 1}}} [1-9]'


class _Bound(NamedTuple):
    """One end of a range; None is no end."""

    value: int | None
    excluded: bool = False

    def mirrored(self) -> _Bound:
        return _Bound(None if self.value is None else -self.value, self.excluded)


def is_bounded(schema: dict[str, Any]) -> bool:
    """Whether this schema is a number with bounds."""
    return schema.get("type") in ("integer", "number") and any(_is_number(schema.get(key)) for key in _KEYS)


def expression(schema: dict[str, Any], place: str) -> str:
    """Give the GBNF expression of a bounded number."""
    low, high = _bounds(schema, place)
    text = _integers(low, high) if schema["type"] == "integer" else _numbers(low, high)
    if not text:
        raise InvalidRequestError("no number is within the bounds of the schema", param=place)
    return f"({text}) space"


def _bounds(schema: dict[str, Any], place: str) -> tuple[_Bound, _Bound]:
    """Read both ends: the tighter of a bound and its exclusive twin. For integers, fractions are rounded inwards."""
    ends = []
    for inclusive, exclusive, sign in (("minimum", "exclusiveMinimum", 1), ("maximum", "exclusiveMaximum", -1)):
        found = [
            (sign * schema[key], excluded)
            for key, excluded in ((inclusive, False), (exclusive, True))
            if _is_number(schema.get(key))
        ]
        if not found:
            ends.append(_Bound(None))
            continue
        value, excluded = max(found)
        if schema["type"] == "integer":
            value, excluded = (math.floor(value) + 1, False) if excluded else (math.ceil(value), False)
        if value != int(value) or abs(value) >= 10**_MOST_DIGITS:
            raise InvalidRequestError(
                f"{inclusive}: the bounds of a number must be whole and have at most {_MOST_DIGITS} digits", param=place
            )
        ends.append(_Bound(sign * int(value), excluded))
    return ends[0], ends[1]


def _integers(low: _Bound, high: _Bound) -> str:
    below = _naturals(max(1, -high.value) if high.value is not None else 1, None if low.value is None else -low.value)
    above = _naturals(max(0, low.value) if low.value is not None else 0, high.value)
    return " | ".join([*(f'"-" {one}' for one in below), *above])


def _numbers(low: _Bound, high: _Bound) -> str:
    below = _decimals(high.mirrored(), low.mirrored()) if low.value is None or low.value < 0 else []
    above = _decimals(low, high)
    return " | ".join([*(f'"-" {one}' for one in below), *above])


def _decimals(low: _Bound, high: _Bound) -> list[str]:
    """List expressions of what is not negative in a range: the whole part, and what may follow the point."""
    if high.value is not None and high.value < 0:
        return []
    if low.value is None or low.value < 0:
        low = _Bound(0)
    assert low.value is not None
    first = low.value
    if high.value == first:
        return [] if low.excluded or high.excluded else [f'"{first}" {_ZEROS}']
    found = []
    if low.excluded:
        found, first = [f'"{first}" {_NOT_ZERO}'], first + 1
    found += [f"{whole} {_FRACTION}" for whole in _naturals(first, None if high.value is None else high.value - 1)]
    if high.value is not None and high.value > low.value and not high.excluded:
        found.append(f'"{high.value}" {_ZEROS}')
    return found


def _naturals(low: int, high: int | None) -> list[str]:
    """List expressions that together match the whole numbers from `low` to `high`, without leading zeros."""
    if high is None:
        digits = len(str(low))
        longer = [f"[1-9] [0-9]{{{digits},{_MOST_DIGITS - 1}}}"] if digits < _MOST_DIGITS else []
        return _naturals(low, 10**digits - 1) + longer
    found = []
    for digits in range(len(str(low)), len(str(max(high, 0))) + 1):
        least, most = max(low, 10 ** (digits - 1) if digits > 1 else 0), min(high, 10**digits - 1)
        if least <= most:
            found.append(f"({_same_length(str(least), str(most))})")
    return found


def _same_length(low: str, high: str) -> str:
    """Match the numbers between two of the same length."""
    if low == high:
        return f'"{low}"'
    if set(low) == {"0"} and set(high) == {"9"}:
        return f"[0-9]{{{len(low)}}}"
    if len(low) == 1:
        return f"[{low}-{high}]"
    first, last, rest = int(low[0]), int(high[0]), len(low) - 1
    if first == last:
        return f'"{first}" ({_same_length(low[1:], high[1:])})'
    parts = []
    if set(low[1:]) != {"0"}:
        parts.append(f'"{first}" ({_same_length(low[1:], "9" * rest)})')
        first += 1
    ending = []
    if set(high[1:]) != {"9"}:
        ending.append(f'"{last}" ({_same_length("0" * rest, high[1:])})')
        last -= 1
    if first <= last:
        parts.append(f"[{first}-{last}] [0-9]{{{rest}}}")
    return " | ".join(f"({part})" for part in (*parts, *ending))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
