"""Proofs about conditions: never wrong, and found where a person would see them."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extproc.expressions import language
from extproc.expressions.logic import Facts, possible

KINDS = {
    "a": "string",
    "b": "string",
    "n": "int",
    "x": "double",
    "y": "bool",
    "z": "string",
    "c": "claims",
    "l": "strings",
}
CLOSED = {"z": ("pod", "external")}
FACTS = Facts(KINDS, CLOSED, {"n": (0, float("inf")), "x": (0.0, 1.0)})


def tree(text):
    """Of a condition."""
    return language(KINDS).condition(text).tree


@pytest.mark.parametrize(
    "text",
    [
        "false",
        'a == "p" && a == "q"',
        'a == "p" && a in ["q", "r"]',
        'a == "p" && !a.startsWith("p")',
        "n < 0",
        "n > 3 && n < 4",
        "n >= 3 && !(n > 2)",
        "x > 1.0",
        "x > 0.5 && x < 0.25",
        "y && !y",
        'z == "elsewhere"',
        '!(z in ["pod", "external"])',
        '(y ? a == "p" : a == "q") && a == "r"',
        'a.matches("^p") && !a.matches("^p")',
        'c.role == "x" && !(c.role == "x")',
        'n == 0 && n > 0 && c.role == "x"',
        'a.startsWith("p") && !a.startsWith("p")',
    ],
)
def test_what_no_facts_make_true(text):
    """It is proved."""
    assert not possible(FACTS, [tree(text)])
    assert not possible(FACTS, [], [tree(f"!({text})")])


@pytest.mark.parametrize(
    "text",
    [
        "true",
        'a == "p" || a == "q"',
        'a != "p" && a != "q"',
        'a.startsWith("p") && a.endswith("q")'.replace("endswith", "endsWith"),
        "n > 2 && n < 4",
        "x > 0.25 && x < 0.5",
        'z == "pod"',
        "a == b",
        'a < "m"',
        'a > "m"',
        "n + 1 > 7",
        'l.exists(t, t == "p") && a == "p"',
        'c.role == "x" && c.role == "y"',
        "size(a) > 3 && a == 'pqrst'",
    ],
)
def test_what_may_be_true(text):
    """And what is not understood is proved nothing of."""
    assert possible(FACTS, [tree(text)])


def test_one_of_others():
    """What makes one true makes one of the others true."""
    few, none = tree('a == "p" && n > 5'), tree("n > 5 && y")
    assert not possible(FACTS, [few], [tree("n > 3")])
    assert not possible(FACTS, [few], [tree('a == "p" && y'), tree("n > 5 && !y")])
    assert possible(FACTS, [few], [none])
    assert not possible(FACTS, [tree('z == "pod"')], given={"z": "external"})


def test_too_much_proves_nothing():
    """In no time."""
    text = " || ".join(f"(a == '{i}' && b == '{i}' && n == {i} && x > 0.{i:03})" for i in range(60))
    assert possible(FACTS, [tree(f"({text}) && y && !y")])


TEXTS = ('a == "p"', 'a != "q"', 'a in ["p", "q"]', 'a.startsWith("p")', 'z == "pod"', "a == b")
ATOMS = st.sampled_from([*TEXTS, "n > 2", "n <= 2", "n == 0", "x >= 0.5", "y"])
CONDITIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["&&", "||"]), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        inner.map(lambda t: f"!({t})"),
        st.tuples(inner, inner, inner).map(lambda t: f"({t[0]} ? {t[1]} : {t[2]})"),
    ),
    max_leaves=5,
)
WORLD = [
    dict(zip(("a", "b", "n", "x", "y", "z"), values, strict=True))
    for values in itertools.product(
        ("p", "q", "pq", ""), ("p", ""), (0, 2, 3), (0.0, 0.5, 1.0), (True, False), ("pod", "external")
    )
]


@settings(max_examples=30, deadline=None)
@given(CONDITIONS)
def test_a_proof_is_never_wrong(text):
    """What some facts make true by CEL itself is not said to be impossible; and where all is understood, the other way round."""
    cel = language(KINDS)
    condition = cel.condition(text)
    true = any(condition.program.eval(cel.env.Activation(world | {"c": {}, "l": []})).value() for world in WORLD)
    if true:
        assert possible(FACTS, [condition.tree])
    elif "a == b" not in text:
        assert not possible(FACTS, [condition.tree])
