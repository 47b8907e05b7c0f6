"""What a schema says of numbers, within what a regular expression of their digits can hold exactly."""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from inference.constraint.fault import Place

_EXACT = 1 << 53
"""Up to here every whole number is a float of 64 bits, which is what llguidance computes bounds with."""
_INT64 = (1 << 63) - 1
_LOWEST = 1024 - (1 << 63)
"""The lowest float above the end of 64 bits: llguidance negates it."""
_LARGEST_COUNT = 1_000_000
_LARGEST_MULTIPLE = 1000
"""A state of the automaton for each remainder."""
_SMALLEST_BOUND = 1e-15
_DIGITS = 14


def check_value(value: float, place: Place) -> None:
    """Refuse a number that could not be written as it is."""
    if isinstance(value, float):
        if not math.isfinite(value):
            raise place.fault("a number is finite")
    elif not -_INT64 <= value <= _INT64:
        raise place.fault("a whole number of more than 64 bits cannot be held")


def read(schema: dict[str, Any], place: Place, held: dict[str, Any]) -> None:
    """Read the bounds of numbers, and `multipleOf`."""
    whole = _is_whole(schema)
    for keyword, exclusive, sign in (("minimum", "exclusiveMinimum", -1), ("maximum", "exclusiveMaximum", 1)):
        given = {name: schema[name] for name in (keyword, exclusive) if name in schema}
        if isinstance(excluded := given.get(exclusive), bool):  # draft 4: whether the other is excluded
            del given[exclusive]
            if excluded and keyword in given:
                given = {exclusive: given[keyword]}
        for name, value in given.items():
            bound = _bound(value, place.at(name), sign, whole=whole)
            if abs(bound) <= _EXACT:
                bound = _inward(bound, -sign, excluded=name == exclusive, whole=whole)
            tighter = max if sign < 0 else min
            held[keyword] = tighter(held.get(keyword, bound), bound)
    if held.get("minimum", -math.inf) > held.get("maximum", math.inf):
        raise place.fault("no number is within these bounds")
    if "multipleOf" in schema:
        held["multipleOf"] = _multiple(schema["multipleOf"], place.at("multipleOf"))
    elif whole and "enum" not in held:  # nobody reads longer ones, and a small model in doubt writes digits for ever
        held.setdefault("minimum", _LOWEST)
        held.setdefault("maximum", _INT64)


def only_multiples(held: dict[str, Any], place: Place) -> None:
    """Of listed values, keep the multiples: llguidance follows both at once into places where nothing can follow."""
    if "enum" not in held or "multipleOf" not in held:
        return
    step = Decimal(repr(held.pop("multipleOf")))
    left = [value for value in held["enum"] if not _is_number(value) or Decimal(repr(value)) % step == 0]
    if not left:
        raise place.fault("no value of `enum` is a multiple of `multipleOf`")
    held["enum"] = left


def mixes(parts: list[Any]) -> bool:
    """Whether, of parts that hold together, one says `multipleOf` and another lists numbers."""
    multiples = [_says(part, lambda one: "multipleOf" in one) for part in parts]
    listed = [_says(part, lambda one: any(map(_is_number, one.get("enum", ())))) for part in parts]
    return any(multiples[i] and listed[j] for i in range(len(parts)) for j in range(len(parts)) if i != j)


def _says(part: Any, holds: Callable[[dict[str, Any]], bool]) -> bool:
    """Whether a schema, or one that it joins or chooses from, says so of the value itself."""
    if not isinstance(part, dict):
        return False
    return holds(part) or any(_says(one, holds) for key in ("allOf", "anyOf") for one in part.get(key, ()))


def count_of(value: Any, place: Place) -> int:
    """Read a number of items, properties or characters."""
    if not _is_number(value) or value != int(value) or value < 0:
        raise place.fault("a count is a whole number, 0 or more")
    return min(int(value), _LARGEST_COUNT) if str(place.keys[-1]).startswith("max") else _fewest(int(value), place)


def least_common_multiple(sofar: Decimal, value: float, place: Place) -> Decimal:
    """Join one more `multipleOf` to those of the whole schema: where they meet, a number is a multiple of all."""
    one = Decimal(repr(value))
    scale = Decimal(10) ** max(0, -_exponent(sofar), -_exponent(one))
    joined = math.lcm(int(sofar * scale), int(one * scale))
    if joined > _LARGEST_MULTIPLE:
        raise place.fault(
            f"`multipleOf`: the common multiple of all in the schema, without its point, is above {_LARGEST_MULTIPLE}"
        )
    return Decimal(joined) / scale


def _bound(value: Any, place: Place, sign: int, *, whole: bool) -> float:
    if not _is_number(value) or not math.isfinite(value):
        raise place.fault(f"`{place.keys[-1]}` is a number")
    if value == 0:
        return 0
    if _SMALLEST_BOUND <= abs(value) <= _EXACT:
        return int(value) if value == int(value) else float(value)
    if whole and sign * value >= _INT64:  # no bound at all for 64 bits
        return _INT64 if sign > 0 else _LOWEST
    raise place.fault(f"a bound is held from {_SMALLEST_BOUND} to 2^53, and for integers at the ends of 64 bits")


def _multiple(value: Any, place: Place) -> float:
    if not _is_number(value) or not math.isfinite(value) or value <= 0:
        raise place.fault("`multipleOf` is a number above 0")
    return float(value) if isinstance(value, float) else int(value)


def _is_whole(schema: dict[str, Any]) -> bool:
    """Whether all numbers that its type allows are integers."""
    kinds = schema.get("type")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    return "integer" in kinds and "number" not in kinds


def _inward(bound: float, direction: int, *, excluded: bool, whole: bool) -> float:
    """The first number from a bound on, or beyond it if it is excluded itself.

    llguidance excludes none between 75 and 75.5, and takes two numbers that differ after the 15th digit for one: so a bound of
    a number that is no integer has 14 digits, rounded inwards.
    """
    if whole:
        least = math.ceil(bound) if direction > 0 else math.floor(bound)
        return least + direction if excluded and least == bound else least
    if bound == 0:
        return direction * _SMALLEST_BOUND if excluded else 0
    context = Context(prec=_DIGITS, rounding=ROUND_CEILING if direction > 0 else ROUND_FLOOR)
    exact = Decimal(repr(bound))
    rounded = context.plus(exact)
    if excluded and rounded == exact:
        rounded = context.next_plus(exact) if direction > 0 else context.next_minus(exact)
    return float(rounded) if rounded != rounded.to_integral_value() else int(rounded)


def _fewest(value: int, place: Place) -> int:
    if value > _LARGEST_COUNT:
        raise place.fault(f"at least {value} cannot be held, only {_LARGEST_COUNT}")
    return value


def _exponent(value: Decimal) -> int:
    exponent = value.normalize().as_tuple().exponent
    assert isinstance(exponent, int)
    return exponent


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
