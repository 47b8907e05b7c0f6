"""Bounds of numbers in a grammar: exactly the numbers within them, neither more nor fewer."""

from __future__ import annotations

import re

import pytest

from inference.bounds import expression, is_bounded
from inference.errors import InvalidRequestError


def as_pattern(gbnf: str) -> re.Pattern[str]:
    """Read an expression as a regular expression: the few signs that are used mean the same."""
    text = gbnf.removesuffix(" space")
    return re.compile(re.sub(r'"([^"]*)"', lambda found: re.escape(found[1]), text).replace(" ", ""))


@pytest.mark.parametrize(
    "bounds",
    [
        {"minimum": 0, "maximum": 9},
        {"minimum": 0, "maximum": 100},
        {"minimum": 7, "maximum": 7},
        {"minimum": -12, "maximum": 345},
        {"minimum": -300, "maximum": -17},
        {"minimum": 95, "maximum": 1203},
        {"minimum": 18},
        {"minimum": 0},
        {"maximum": 250},
        {"maximum": -3},
        {"exclusiveMinimum": 0},
        {"exclusiveMinimum": -1, "exclusiveMaximum": 11},
        {"minimum": 2.5, "maximum": 9.5},
        {"minimum": 3, "exclusiveMinimum": 3, "maximum": 20},
    ],
)
def test_integers_are_exactly_those_within(bounds):
    """Every integer from -2000 to 2000 is tried, and no other spelling of it."""
    pattern = as_pattern(expression({"type": "integer", **bounds}, "schema"))
    low, high = bounds.get("minimum", -1e9), bounds.get("maximum", 1e9)
    above, below = bounds.get("exclusiveMinimum", -1e9), bounds.get("exclusiveMaximum", 1e9)
    for number in range(-2000, 2001):
        within = low <= number <= high and above < number < below
        assert within == bool(pattern.fullmatch(str(number))), number
    assert not any(pattern.fullmatch(text) for text in ("007", "-0", "+5", "", "5.", "1e3"))


@pytest.mark.parametrize(
    ("bounds", "inside", "outside"),
    [
        ({"minimum": 0, "maximum": 1}, "0 1 0.5 0.999 1.0 0.0", "1.5 2 1.01 -1 .5"),
        ({"exclusiveMinimum": 0, "maximum": 10}, "0.1 0.01 5 9.99 10 10.0", "0 0.0 0.00 10.5 11 -1"),
        ({"minimum": -5, "exclusiveMaximum": 5}, "-5 -4.9 0 4.99 4 -5.0", "5 5.0 -5.1 -6"),
        ({"minimum": 20}, "20 20.5 99.9 100 12345", "19 19.9 -20 2"),
        ({"maximum": -1}, "-1 -1.5 -200", "0 -0.5 1 -0.9"),
    ],
)
def test_numbers_may_have_a_fraction(bounds, inside, outside):
    """Up to the bound itself, which has none but zeros."""
    pattern = as_pattern(expression({"type": "number", **bounds}, "schema"))
    assert [text for text in inside.split() if not pattern.fullmatch(text)] == []
    assert [text for text in outside.split() if pattern.fullmatch(text)] == []


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"type": "integer", "minimum": 5, "maximum": 4}, "no number is within"),
        ({"type": "number", "exclusiveMinimum": 1, "maximum": 1}, "no number is within"),
        ({"type": "number", "minimum": 0.5}, "must be whole"),
        ({"type": "integer", "maximum": 10**15}, "at most 15 digits"),
    ],
)
def test_what_cannot_be_followed_is_said(schema, message):
    """Rather than an answer that breaks its schema."""
    with pytest.raises(InvalidRequestError, match=message):
        expression(schema, "schema")


def test_only_numbers_have_bounds():
    """`minimum` of a string means nothing, and true is no number."""
    found = [is_bounded(schema) for schema in ({"type": "string", "minimum": 1}, {"type": "integer", "minimum": True})]
    assert found == [False, False]
