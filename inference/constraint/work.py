"""How much work a schema makes: what would take long or fill memory is refused before native code sees it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from inference.constraint.numbers import least_common_multiple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from collections.abc import Set as AbstractSet

    from inference.constraint.fault import Place

_MOST_PARTS = 20_000
_MOST_CHARACTERS = 512 * 1024
_DEEPEST = 100
_MOST_COMBINATIONS = 400
_MOST_PASSES = 50


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


def check_ends(root: Any, definitions: Mapping[str, Any], places: Mapping[str, Place], place: Place) -> None:
    """Refuse what no document can satisfy because it would go on for ever: a list of two such lists."""
    ending: set[str] = set()
    for _ in range(_MOST_PASSES):
        found = {name for name, part in definitions.items() if name not in ending and _ends(part, ending)}
        ending |= found
        if not found:
            break
    else:  # a chain of references as nobody writes it: no harm, an answer would end at its longest
        return
    for name, part, where in (("", root, place), *((name, definitions[name], places[name]) for name in definitions)):
        if name not in ending and not _ends(part, ending):
            raise where.fault("no document satisfies this: it would go on for ever")


def _ends(held: Any, ending: AbstractSet[str]) -> bool:
    """Whether some document is finite, if those of `ending` are. Whether there is one at all is llguidance's to say."""
    if not isinstance(held, dict):
        return True
    needed = list(held.get("allOf", ()))
    if held.get("type") == "object":
        properties, rest = held.get("properties", {}), held.get("additionalProperties", {})
        needed += [properties.get(name, rest) for name in held.get("required", ())]
    elif held.get("type") == "array":
        prefix, least = held.get("prefixItems", ()), held.get("minItems", 0)
        needed += [*prefix[:least], *([held.get("items", {})] if least > len(prefix) else ())]
    branches = held.get("anyOf", ())
    return (
        ("$ref" not in held or held["$ref"].rpartition("/")[2] in ending)
        and all(_ends(part, ending) for part in needed)
        and (not branches or any(_ends(part, ending) for part in branches))
    )


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
