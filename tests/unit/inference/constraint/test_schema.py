"""JSON schemas: what is held and what is refused, each with its path."""

import datetime as dt
import ipaddress
import json
import random
import uuid

import pytest

from inference.constraint.fault import NotHeldError
from inference.constraint.schema import held_schema
from tests.unit.inference.constraint.schemas import answer, check, constraint_of

CLOSED = {"type": "object", "additionalProperties": False}
CAT = {**CLOSED, "properties": {"kind": {"const": "cat"}, "lives": {"type": "integer"}}, "required": ["kind"]}
DOG = {**CLOSED, "properties": {"kind": {"enum": ["dog", "hound"]}}, "required": ["kind"]}


def answers(schema, count=6):
    """What random choices come to."""
    constraint, drawn = constraint_of(schema), random.Random(5)
    return [text for text in (answer(constraint, drawn) for _ in range(count)) if text is not None]


def is_held(schema, text):
    """Whether a text may be an answer."""
    matcher = constraint_of(schema).matcher()
    return all(matcher.accept(byte) for byte in text.encode()) and matcher._native.is_accepting()


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ({"not": {"type": "null"}}, "#/not"),
        ({"properties": {"a/b~c": {"if": {}, "then": False}}}, "#/properties/a~1b~0c/if"),
        ({"items": [{"uniqueItems": True}]}, "#/items/0/uniqueItems"),
        ({"prefixItems": [{}, {"contains": {}}]}, "#/prefixItems/1/contains"),
        ({"anyOf": [{}, {"dependentRequired": {"a": ["b"]}}]}, "#/anyOf/1/dependentRequired"),
        ({"$ref": "#/$defs/x", "$defs": {"x": {"propertyNames": {"pattern": "a"}}}}, "#/$defs/x/propertyNames"),
        ({"additionalProperties": {"pattern": "(?=a)b"}}, "#/additionalProperties/pattern"),
        ({"patternProperties": {"(": {}}}, "#/patternProperties/("),
        ({"patternProperties": {"^a": {"type": "null"}, "a$": {"type": "string"}}, "type": "object"}, "#"),
        ({"format": "idn-email"}, "#/format"),
        ({"$ref": "https://example.org/x"}, "#/$ref"),
        ({"$ref": "#/$defs/none"}, "#/$ref"),
        ({"$ref": "#nowhere"}, "#/$ref"),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}]}}}, "#/$defs/a"),
        ({"type": "array", "items": {"$ref": "#"}, "minItems": 1}, "#"),
        ({"type": "strin"}, "#/type"),
        ({"type": []}, "#/type"),
        ({"enum": []}, "#/enum"),
        ({"enum": [2**70]}, "#/enum/0"),
        ({"const": float("nan")}, "#/const"),
        ({"properties": []}, "#/properties"),
        ({"required": "a"}, "#/required"),
        ({"items": 5}, "#/items"),
        ({"anyOf": []}, "#/anyOf"),
        ({"minLength": -1}, "#/minLength"),
        ({"minLength": 5, "maxLength": 2}, "#/minLength"),
        ({"minimum": "3"}, "#/minimum"),
        ({"type": "number", "maximum": 1e22}, "#/maximum"),
        ({"type": "integer", "minimum": 5, "maximum": 4}, "#"),
        ({"multipleOf": 0}, "#/multipleOf"),
        ({"allOf": [{"multipleOf": n} for n in (97, 89)]}, "#/allOf/1/multipleOf"),
        ({"type": "object", "minProperties": 3}, "#/minProperties"),
        ({"properties": {"a": {**CLOSED, "required": ["b"]}}, "required": ["a"], "type": "object"}, "#/properties/a"),
        ({"oneOf": [{"type": "integer"}, {"type": "number"}]}, "#/oneOf"),
        ({"oneOf": [{"type": "string"}, {"pattern": "a"}]}, "#/oneOf"),
        ({"allOf": [{"anyOf": [{"minLength": n} for n in range(8)]} for _ in range(4)]}, "#"),
        (5, "#"),
        ([], "#"),
    ],
)
def test_what_is_refused_has_its_path(schema, path):
    """Never coerced, never left out."""
    with pytest.raises(NotHeldError) as caught:
        constraint_of(schema)
    assert str(caught.value).startswith(f"schema: {path}: ")


@pytest.mark.parametrize(
    "branches",
    [
        [{"type": "string"}, {"type": "integer"}, {"type": ["null", "array"]}],
        [CAT, DOG],
        [{"$ref": "#/$defs/cat"}, {"$ref": "#/$defs/dog"}],
        [{"allOf": [CAT]}, {"anyOf": [DOG, {"type": "null"}]}],
        [{"const": 1}, {"enum": ["1", True, 2]}],
        [{"type": "integer", "maximum": 3}, {"type": "number", "exclusiveMinimum": 3}],
        [{"type": "string", "maxLength": 2}, {"type": "string", "minLength": 3}],
        [{**CLOSED, "properties": {"a": {}}}, {"type": "object", "required": ["b"]}],
        [{"type": "array", "maxItems": 1}, {"type": "array", "minItems": 2}],
        [{"type": "array", "prefixItems": [{"const": n}], "minItems": 1} for n in range(3)],
        [CAT],
    ],
)
def test_one_of_branches_that_exclude_one_another(branches):
    """Any of them is exactly one of them."""
    schema = {"oneOf": branches, "$defs": {"cat": CAT, "dog": DOG}}
    texts = answers(schema)
    assert texts
    for text in texts:
        check(schema, text)


@pytest.mark.parametrize(
    "branches",
    [
        [{"type": "string"}, {"enum": ["a", 1]}],
        [{"const": 1}, {"const": 1.0}],
        [{"type": "object", "properties": {"kind": {"const": n}}} for n in range(2)],
        [{"required": ["a"]}, {"required": ["b"]}],
        [{"type": "integer", "maximum": 3}, {"type": "integer", "minimum": 3}],
        [CAT, CAT],
    ],
)
def test_one_of_branches_that_may_overlap(branches):
    """Both might be valid, so none is taken for one of them."""
    with pytest.raises(NotHeldError, match=r"#/oneOf: .* branches 0 and 1"):
        constraint_of({"oneOf": branches})


@pytest.mark.parametrize(
    ("schema", "held", "not_held"),
    [
        (
            {"enum": ['a"b', "c\\d", "e\nf", "😀", "\x01"]},
            ['"a\\"b"', '"c\\\\d"', '"e\\nf"', '"😀"', '"\\u0001"'],
            ['"a"'],
        ),
        ({"pattern": r"^\d+\.(?:\w|-){2}$", "type": "string"}, ['"1.a-"'], ['"1xab"', '"١.ab"']),
        ({"pattern": "b"}, ['"abc"', "3", "null"], ['"ac"']),
        ({"pattern": r"^[^\"\\]$", "type": "string"}, ['"é"', '"a"', '"\\n"'], ['"\\""', '"\\\\"']),
        ({"type": "string", "pattern": r"^\/a{2}\{1\}[\]\-]$"}, ['"/aa{1}]"', '"/aa{1}-"'], ['"/a{1}]"']),
        (
            {"$ref": "#/definitions/t", "definitions": {"t": {**CLOSED, "properties": {"n": {"$ref": "#"}}}}},
            ['{"n":{"n": {}}}'],
            ['{"n":1}'],
        ),
        ({"$ref": "#a", "$defs": {"x": {"$anchor": "a", "type": "null"}}}, ["null"], ["1"]),
        ({"type": "integer", "minimum": 0, "exclusiveMinimum": True}, ["1"], ["0"]),
        ({"items": [{"const": 1}], "additionalItems": False, "type": "array"}, ["[1]", "[]"], ["[2]", "[1,1]"]),
        (
            {"type": "object", "properties": {"a": {"const": 1}}},
            ['{"a":1,"b":2}', '{"b":2}'],
            ['{"\\u0061":2}', '{"a":2}'],
        ),
        ({**CLOSED, "properties": {"a": True, "b": False}}, ['{"a":[1, "x"]}'], ['{"b":1}']),
        ({"type": "number", "exclusiveMinimum": 75, "exclusiveMaximum": 75.5}, ["75.25"], ["75", "75.0", "75.5"]),
        (
            {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1},
            ["9223372036854775807", "-5"],
            ["9223372036854775808"],
        ),
        ({"type": "integer"}, ["0", "-17"], ["1" * 20, "01", "1.5"]),
        (True, ["1", '"x"', "{}"], []),
        ({"type": "object"}, ["{}", '{"a": 1, "b":2}'], ['{"a":  1}', '{ "a":1}', '{"a"\n:1}']),
        (
            {"x-unknown": {"not": {}}, "title": "t", "format": "int32", "nullable": True, "type": "null"},
            ["null"],
            ["1"],
        ),
        ({"if": {}, "uniqueItems": False, "propertyNames": {"type": "string"}, "not": False}, ["1"], []),
    ],
)
def test_what_is_held(schema, held, not_held):
    """Values that need escapes, patterns, references, drafts, names, ends of numbers, white space."""
    assert [text for text in held if not is_held(schema, text)] == []
    assert [text for text in not_held if is_held(schema, text)] == []


FORMATS = {
    "date": dt.date.fromisoformat,
    "time": dt.time.fromisoformat,
    "date-time": dt.datetime.fromisoformat,
    "ipv4": ipaddress.IPv4Address,
    "ipv6": ipaddress.IPv6Address,
    "uuid": uuid.UUID,
}


@pytest.mark.parametrize("name", FORMATS)
def test_formats(name):
    """What is written can be read."""
    for text in answers({"type": "string", "format": name}, count=25):
        FORMATS[name](json.loads(text))


def test_leap_days():
    """The 29th of February in leap years only."""
    schema = {"type": "string", "format": "date"}
    days = {year: is_held(schema, f'"{year}-02-29"') for year in (2024, 2023, 1900, 2000, 2100, 1996)}
    assert days == {2024: True, 2023: False, 1900: False, 2000: True, 2100: False, 1996: True}


def test_nothing_of_the_schema_but_its_path_is_told():
    """An error may be logged; what a caller wrote may not."""
    schema = {"enum": ["canary-1"], "title": "canary-2", "properties": {"a": {"pattern": "canary-3("}}}
    with pytest.raises(NotHeldError) as caught:
        held_schema(schema, "response_format")
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "number", "multipleOf": 0.25, "enum": [1.5, 0.3, "x", None]},
        {"multipleOf": 3, "enum": [1, 2, 3, 4.5, 6, True, [1]]},
        {"multipleOf": 0.1, "const": 0.3},
        {"type": "array", "items": {"multipleOf": 5, "enum": [5, 7, 10]}, "minItems": 1, "maxItems": 2},
    ],
)
def test_listed_values_are_multiples(schema):
    """Of listed numbers those are left that are multiples; every answer comes to its end."""
    assert len(answers(schema, 40)) == 40
    for text in answers(schema, 40):
        check(schema, text)


@pytest.mark.parametrize(
    "schema",
    [
        {"multipleOf": 2, "enum": [1, 3]},
        {"allOf": [{"multipleOf": 0.25}, {"enum": [1.5, 2]}]},
        {"multipleOf": 2, "allOf": [{"anyOf": [{"const": 4}, {"type": "string"}]}]},
    ],
)
def test_multiples_and_lists_that_cannot_be_joined(schema):
    """Nothing is left, or the two are said in different places: refused, never an answer that stops halfway."""
    with pytest.raises(NotHeldError):
        held_schema(schema, "schema")
