"""Which branches of a `oneOf` exclude one another: then any of them is one of them.

Works on schemas that have been read, so few keywords are left. What is not proved counts as an overlap.
"""

from __future__ import annotations

import itertools
import json
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_DEEPEST = 24
_MOST_STEPS = 100_000
_KINDS = frozenset(("null", "boolean", "number", "string", "array", "object"))


class Overlaps:
    """Proves that schemas exclude one another."""

    def __init__(self, definitions: Mapping[str, Any]) -> None:
        self._definitions = definitions
        self._steps = 0

    def first(self, branches: Sequence[Any]) -> tuple[int, int] | None:
        """Give the first two branches that may both be valid, by their numbers."""
        for (one, left), (other, right) in itertools.combinations(enumerate(branches), 2):
            if not self._exclude(left, right, 0):
                return one, other
        return None

    def _exclude(self, left: Any, right: Any, depth: int) -> bool:
        """Whether no document is valid by both."""
        self._steps += 1
        if left is False or right is False:
            return True
        if depth > _DEEPEST or self._steps > _MOST_STEPS:
            return False
        depth += 1
        if self._a_part_excludes(left, right, depth) or self._a_part_excludes(right, left, depth):
            return True
        if "enum" in left and "enum" in right:
            return not _keys_of(left["enum"]) & _keys_of(right["enum"])
        return all(self._exclude_kind(kind, left, right, depth) for kind in _kinds(left) & _kinds(right))

    def _a_part_excludes(self, schema: dict[str, Any], other: dict[str, Any], depth: int) -> bool:
        """Whether what a schema must be besides its own keywords excludes the other."""
        parts = list(schema.get("allOf", ()))
        if "$ref" in schema:
            parts.append(self._definitions[schema["$ref"].rpartition("/")[2]])
        if any(self._exclude(part, other, depth) for part in parts):
            return True
        return "anyOf" in schema and all(self._exclude(part, other, depth) for part in schema["anyOf"])

    def _exclude_kind(self, kind: str, left: dict[str, Any], right: dict[str, Any], depth: int) -> bool:
        if kind == "number":
            return _below(left, right) or _below(right, left)
        if kind == "string":
            return _fewer(left, right, "minLength", "maxLength")
        if kind == "array":
            return _fewer(left, right, "minItems", "maxItems") or self._exclude_items(left, right, depth)
        if kind == "object":
            names = dict.fromkeys((*left.get("required", ()), *right.get("required", ())))
            return any(self._exclude(_property(left, name), _property(right, name), depth) for name in names)
        return False

    def _exclude_items(self, left: dict[str, Any], right: dict[str, Any], depth: int) -> bool:
        certain = max(left.get("minItems", 0), right.get("minItems", 0))
        known = max(len(left.get("prefixItems", ())), len(right.get("prefixItems", ())), 1)
        return any(
            self._exclude(_item(left, index), _item(right, index), depth) for index in range(min(certain, known))
        )


def _kinds(schema: dict[str, Any]) -> frozenset[str]:
    """Kinds of value that a schema's `type` and `enum` allow."""
    kinds = _KINDS
    if "type" in schema:
        named = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        kinds = frozenset("number" if kind == "integer" else kind for kind in named)
    if "enum" in schema:
        kinds &= {_kind_of(value) for value in schema["enum"]}
    return kinds


def _kind_of(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    names: tuple[tuple[type, str], ...] = ((int, "number"), (float, "number"), (str, "string"), (list, "array"))
    return next((name for kind, name in names if isinstance(value, kind)), "object")


def _keys_of(values: Sequence[Any]) -> set[str]:
    """Values by what JSON Schema holds equal: 1 and 1.0 are, 1 and true are not."""
    return {json.dumps(_plain(value), sort_keys=True) for value in values}


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value == int(value):
        return int(value)
    if isinstance(value, list):
        return [_plain(part) for part in value]
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    return value


def _below(left: dict[str, Any], right: dict[str, Any]) -> bool:
    """Whether every number of the one is below every number of the other."""
    return bool(left.get("maximum", math.inf) < right.get("minimum", -math.inf))


def _fewer(left: dict[str, Any], right: dict[str, Any], least: str, most: str) -> bool:
    return any(one.get(most, math.inf) < other.get(least, 0) for one, other in ((left, right), (right, left)))


def _property(schema: dict[str, Any], name: str) -> Any:
    """The schema of a property."""
    if name in schema.get("properties", {}):
        return schema["properties"][name]
    return {} if "patternProperties" in schema else schema.get("additionalProperties", {})


def _item(schema: dict[str, Any], index: int) -> Any:
    prefix = schema.get("prefixItems", ())
    return prefix[index] if index < len(prefix) else schema.get("items", {})
