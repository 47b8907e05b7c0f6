"""A JSON schema as llguidance holds it, or an error with the path of what nobody holds.

The schema is built anew from a closed list of keywords, so that nothing reaches native code that was not read here:
references become definitions with names of our own, patterns are rewritten, a `oneOf` whose branches exclude one
another becomes an `anyOf`. Annotations and unknown keywords are left out, as JSON Schema has it. What validates more
than a grammar can say is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inference.constraint import numbers, strings
from inference.constraint.disjoint import Overlaps
from inference.constraint.fault import Place
from inference.constraint.references import References
from inference.constraint.work import Limits, check_combinations, check_ends

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_UNREADABLE = frozenset(map(chr, [*range(0x20), 0x7F])) - set("\b\f\n\r\t")
"""Characters that JSON can only write as `\\u001f`."""
_TYPES = ("null", "boolean", "integer", "number", "string", "array", "object")
_NOT_HELD = {
    "not": "a negation",
    "if": "a condition",
    "dependentRequired": "a dependency between properties",
    "dependentSchemas": "a dependency between properties",
    "dependencies": "a dependency between properties",
    "contains": "what an array contains",
    "uniqueItems": "that items differ",
    "propertyNames": "a rule for names of properties",
    "unevaluatedProperties": "what other keywords leave unevaluated",
    "unevaluatedItems": "what other keywords leave unevaluated",
    "$dynamicRef": "a dynamic reference",
    "$recursiveRef": "a dynamic reference",
}
_OPTIONS = {"whitespace_flexible": False, "item_separator": ", ?", "key_separator": ": ?"}
"""One space at most, after a comma and a colon: a small model in doubt writes spaces for ever."""
_ESCAPES = 'nrbtf\\"'


def held_schema(schema: Any, param: str) -> dict[str, Any]:
    """Read a schema, or raise NotHeldError with the path of what cannot be held."""
    return _Reader(schema, Place(param)).read(schema, Place(param))


def held_part(root: Any, keys: Sequence[str | int], param: str) -> dict[str, Any]:
    """Read the part of a schema that stands at `keys`, with all that it refers to."""
    part = root
    for key in keys:
        part = part[key]
    return _Reader(root, Place(param)).read(part, Place(param, keys))


def parts_of(schema: Any) -> Iterator[tuple[str | int, ...]]:
    """Where the schemas directly within a schema stand."""
    if not isinstance(schema, dict):
        return
    for keyword in ("properties", "patternProperties", "$defs", "definitions"):
        if isinstance(schema.get(keyword), dict):
            yield from ((keyword, name) for name in schema[keyword])
    for keyword in ("allOf", "anyOf", "oneOf", "prefixItems", "items"):
        if isinstance(schema.get(keyword), list):
            yield from ((keyword, index) for index in range(len(schema[keyword])))
    for keyword in ("items", "additionalItems", "additionalProperties"):
        if isinstance(schema.get(keyword), dict):
            yield (keyword,)


class _Reader:
    def __init__(self, root: Any, place: Place) -> None:
        self._limits = Limits(root, place)
        self._references = References(root)
        self._definitions: dict[str, Any] = {}
        self._places: dict[str, Place] = {}
        self._waiting: list[tuple[str, Any]] = []
        self._exclusive: list[tuple[list[Any], Place]] = []
        """Branches of each `oneOf`: whether they overlap is seen when all references are read."""
        self._needs_escapes: Place | None = None
        """Where a character stands that JSON can only write by its number."""
        self._open_object: Place | None = None
        """Where an object has names of its own choosing beside declared ones."""

    def read(self, schema: Any, place: Place) -> dict[str, Any]:
        held = self._schema(schema, place)
        while self._waiting:
            name, target = self._waiting.pop()
            self._definitions[name] = self._schema(target, self._places[name])
        check_combinations(held, self._definitions, self._places, place)
        check_ends(held, self._definitions, self._places, place)
        overlaps = Overlaps(self._definitions)
        for branches, where in self._exclusive:
            if pair := overlaps.first(branches):
                raise where.fault(
                    f"`oneOf`: nothing proves that its branches {pair[0]} and {pair[1]} exclude one another; give each a "
                    "type of its own, or a required property with a `const` of its own, or use anyOf"
                )
        options = {**_OPTIONS, "json_allowed_escapes": _ESCAPES + self._extra_escapes()}
        return {
            **(held if isinstance(held, dict) else {"anyOf": [held]}),
            "$defs": self._definitions,
            "x-guidance": options,
        }

    def _extra_escapes(self) -> str:
        if self._needs_escapes is None:
            return ""
        if self._open_object is not None:
            # then a declared name, written in another way, could be given a value that it must not have
            raise self._needs_escapes.fault(
                f"a control character cannot be held while {self._open_object} allows names that it does not declare"
            )
        return "u"

    def _schema(self, schema: Any, place: Place) -> Any:
        """One schema, and all within it: an object of the few keywords that are left, or False."""
        if schema is True:
            return {}
        if schema is False:
            return False
        if not isinstance(schema, dict):
            raise place.fault("a schema is an object, true or false")
        self._refuse(schema, place)
        held: dict[str, Any] = {}
        all_of: list[Any] = []
        self._type(schema, place, held)
        self._values(schema, place, held, all_of)
        strings.read(schema, place, held, all_of)
        numbers.read(schema, place, held)
        numbers.only_multiples(held, place)
        if "multipleOf" in held:
            self._limits.multiple(held["multipleOf"], place.at("multipleOf"))
        self._array(schema, place, held)
        self._object(schema, place, held)
        if "$ref" in schema:
            self._reference(schema["$ref"], place.at("$ref"), all_of)
        for keyword in ("allOf", "anyOf", "oneOf"):
            if keyword in schema:
                self._group(keyword, schema[keyword], place.at(keyword), all_of)
        if not held and len(all_of) == 1:
            return all_of[0]
        if numbers.mixes([held, *all_of]):
            raise place.fault("`multipleOf` beside an `enum` or `const` of numbers, joined by `allOf`, cannot be held")
        return {**held, "allOf": all_of} if all_of else held

    def _refuse(self, schema: dict[str, Any], place: Place) -> None:
        """Raise for a keyword that validates and cannot be held, unless it happens to say nothing."""
        for keyword, what in _NOT_HELD.items():
            if keyword in schema and not _says_nothing(keyword, schema):
                raise place.at(keyword).fault(f"`{keyword}`: {what} cannot be held")
        if place.keys and isinstance(name := schema.get("$id"), str) and not name.startswith("#"):
            raise place.at("$id").fault("`$id`: a schema with an address of its own within another cannot be held")

    def _group(self, keyword: str, value: Any, place: Place, all_of: list[Any]) -> None:
        """Read `allOf`, `anyOf` or `oneOf`."""
        if not isinstance(value, list) or not value:
            raise place.fault(f"`{keyword}` is a list of one schema or more")
        parts = [self._schema(part, place.at(index)) for index, part in enumerate(value)]
        if keyword == "allOf":
            all_of += parts
            return
        all_of.append({"anyOf": parts})
        if keyword == "oneOf":
            self._exclusive.append((parts, place))

    def _type(self, schema: dict[str, Any], place: Place, held: dict[str, Any]) -> None:
        if "type" not in schema:
            return
        kinds = schema["type"]
        named = kinds if isinstance(kinds, list) else [kinds]
        if not named or not all(isinstance(kind, str) and kind in _TYPES for kind in named):
            raise place.at("type").fault(f"`type` is one of {', '.join(_TYPES)}, or a list of some of them")
        held["type"] = kinds

    def _values(self, schema: dict[str, Any], place: Place, held: dict[str, Any], all_of: list[Any]) -> None:
        if "enum" in schema:
            values = schema["enum"]
            if not isinstance(values, list) or not values:
                raise place.at("enum").fault("`enum` is a list of one value or more")
            self._value(values, place.at("enum"))
            held["enum"] = values
        if "const" in schema:
            self._value(schema["const"], place.at("const"))
            one = {"enum": [schema["const"]]}
            all_of.append(one) if "enum" in held else held.update(one)

    def _value(self, value: Any, place: Place) -> None:
        """Check a value that is to be written as it is."""
        if isinstance(value, str):
            _check_text(value, place)
            if self._needs_escapes is None and not _UNREADABLE.isdisjoint(value):
                self._needs_escapes = place
        elif isinstance(value, list):
            for index, part in enumerate(value):
                self._value(part, place.at(index))
        elif isinstance(value, dict):
            for key, part in value.items():
                _check_text(key, place)
                self._value(part, place.at(key))
        elif isinstance(value, int | float) and not isinstance(value, bool):
            numbers.check_value(value, place)

    def _array(self, schema: dict[str, Any], place: Place, held: dict[str, Any]) -> None:
        first, rest = "prefixItems", "items"
        if isinstance(schema.get("items"), list):  # before 2020-12
            first, rest = "items", "additionalItems"
        if first in schema:
            if not isinstance(schema[first], list):
                raise place.at(first).fault(f"`{first}` is a list of schemas")
            held["prefixItems"] = [self._schema(part, place.at(first, n)) for n, part in enumerate(schema[first])]
        if rest in schema:
            held["items"] = self._schema(schema[rest], place.at(rest))
        _counts(schema, place, held, "minItems", "maxItems")

    def _object(self, schema: dict[str, Any], place: Place, held: dict[str, Any]) -> None:
        if properties := _mapping(schema, "properties", place):
            where = place.at("properties")
            held["properties"] = {name: self._schema(part, where.at(name)) for name, part in properties.items()}
        if patterns := _mapping(schema, "patternProperties", place):
            where = place.at("patternProperties")
            read = [
                (strings.pattern_of(name, where.at(name)), self._schema(part, where.at(name)))
                for name, part in patterns.items()
            ]
            held["patternProperties"] = dict(read)
            if len(held["patternProperties"]) < len(read):
                raise where.fault("two patterns that mean the same")
        if "additionalProperties" in schema:
            held["additionalProperties"] = self._schema(
                schema["additionalProperties"], place.at("additionalProperties")
            )
        names = _names(schema, place)
        if names:
            held["required"] = names
        _counts(schema, place, held, "minProperties", "maxProperties")
        _bound_properties(held, place)
        if (properties or names) and (held.get("additionalProperties") is not False or patterns):
            self._open_object = self._open_object or place

    def _reference(self, reference: Any, place: Place, all_of: list[Any]) -> None:
        target, keys = self._references.resolve(reference, place)
        name = self._references.name(keys)
        if name not in self._places:
            self._places[name] = Place(place.param, keys)
            self._waiting.append((name, target))
        all_of.append({"$ref": f"#/$defs/{name}"})


def _says_nothing(keyword: str, schema: dict[str, Any]) -> bool:
    """Whether a keyword that cannot be held lets everything pass here."""
    value = schema[keyword]
    if keyword == "if":
        return not {"then", "else"} & schema.keys()
    if keyword == "uniqueItems":
        most = schema.get("maxItems")
        return value is False or (isinstance(most, int) and most <= 1)
    if keyword == "not":
        return value is False
    if keyword == "propertyNames":
        return value is True or value in ({}, {"type": "string"})
    return value in ({}, True) and keyword != "contains"


def _bound_properties(held: dict[str, Any], place: Place) -> None:
    """Keep `minProperties` only where names that may repeat cannot undo it: one beyond those that are required."""
    least = held.get("minProperties", 0)
    required = len(held.get("required", ()))
    if least <= required:
        held.pop("minProperties", None)
    elif least > required + 1:
        raise place.at("minProperties").fault(
            "`minProperties`: nothing keeps names apart that are not required, so "
            f"{required + 1} is the most that can be held here"
        )


def _counts(schema: dict[str, Any], place: Place, held: dict[str, Any], least: str, most: str) -> None:
    for keyword in (least, most):
        if keyword in schema:
            held[keyword] = numbers.count_of(schema[keyword], place.at(keyword))
    if most in held and held.get(least, 0) > held[most]:
        raise place.at(least).fault(f"`{least}` is more than `{most}`")


def _mapping(schema: dict[str, Any], keyword: str, place: Place) -> dict[str, Any]:
    value = schema.get(keyword, {})
    if not isinstance(value, dict):
        raise place.at(keyword).fault(f"`{keyword}` is an object")
    for name in value:
        _check_text(name, place.at(keyword))
    return value


def _names(schema: dict[str, Any], place: Place) -> list[str]:
    names = schema.get("required", [])
    if isinstance(names, bool):  # draft 3, and OpenAPI's parameters: said of a property, not of an object
        return []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise place.at("required").fault("`required` is a list of names")
    for name in names:
        _check_text(name, place.at("required"))
    return list(dict.fromkeys(names))


def _check_text(text: str, place: Place) -> None:
    if any("\ud800" <= character < "\ue000" for character in text):
        raise place.fault("half a surrogate pair is no character")
