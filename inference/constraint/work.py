"""How much work a schema makes: what would take long or fill memory is refused before native code sees it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from inference.constraint.numbers import least_common_multiple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from inference.constraint.fault import Place

_MOST_PARTS = 20_000
_MOST_CHARACTERS = 512 * 1024
_DEEPEST = 100
_MOST_COMBINATIONS = 400


class Limits:
    """Counts what is read of one schema."""

    def __init__(self, root: Any, place: Place) -> None:
        self._multiple = Decimal(1)
        _check_size(root, place)

    def multiple(self, value: float, place: Place) -> None:
        """One more `multipleOf`."""
        self._multiple = least_common_multiple(self._multiple, value, place)


def check_combinations(root: Any, definitions: Mapping[str, Any], places: Mapping[str, Place], place: Place) -> None:
    """Refuse alternatives that multiply where schemas meet, and references that lead to themselves.

    A schema with `anyOf` in several parts of an `allOf` is as many schemas as there are combinations.
    """
    known: dict[str, int] = {}
    for name in (*definitions, ""):
        stack: list[str] = []
        part, where = (definitions[name], places[name]) if name else (root, place)
        for each in _within(part):
            _combinations(each, definitions, known, stack, where)


def _combinations(
    held: Any, definitions: Mapping[str, Any], known: dict[str, int], stack: list[str], place: Place
) -> int:
    if not isinstance(held, dict):
        return 1
    count = 1
    if "$ref" in held:
        name = held["$ref"].rpartition("/")[2]
        if name in stack:
            raise place.fault("a reference that leads to itself, with nothing between")
        if name not in known:
            if len(stack) > _DEEPEST:
                raise place.fault(f"more than {_DEEPEST} references in a row")
            stack.append(name)
            known[name] = _combinations(definitions[name], definitions, known, stack, place)
            stack.pop()
        count *= known[name]
    if "anyOf" in held:
        count *= max(1, sum(_combinations(part, definitions, known, stack, place) for part in held["anyOf"]))
    for part in held.get("allOf", ()):
        count *= _combinations(part, definitions, known, stack, place)
        if count > _MOST_COMBINATIONS and len(held["allOf"]) > 1:
            raise place.fault(f"alternatives that meet in more than {_MOST_COMBINATIONS} combinations")
    return count


def _within(held: Any) -> Iterator[dict[str, Any]]:
    """The schema and every schema below a property or an item: where a combination begins anew."""
    left = [held]
    while left:
        part = left.pop()
        if isinstance(part, list):
            left += part
        elif isinstance(part, dict):
            yield part
            for keyword in ("properties", "patternProperties"):
                left += part.get(keyword, {}).values()
            left += [part[key] for key in ("items", "prefixItems", "additionalProperties") if key in part]
            left += [*part.get("anyOf", ()), *part.get("allOf", ())]


def _check_size(root: Any, place: Place) -> None:
    parts = characters = 0
    left: list[tuple[Any, int]] = [(root, 1)]
    while left:
        value, depth = left.pop()
        if depth > _DEEPEST:
            raise place.fault(f"the schema is nested more than {_DEEPEST} deep")
        parts += 1
        if isinstance(value, str):
            characters += len(value)
        elif isinstance(value, list):
            left += [(part, depth + 1) for part in value]
        elif isinstance(value, dict):
            characters += sum(map(len, value))
            left += [(part, depth + 1) for part in value.values()]
        if parts > _MOST_PARTS or characters > _MOST_CHARACTERS:
            raise place.fault(f"the schema has more than {_MOST_PARTS} values, or {_MOST_CHARACTERS} characters")
