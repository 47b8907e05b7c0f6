"""Whatever a mesh.yaml holds, it is read, or refused with the line and the key of what is wrong."""

import contextlib
import random
import re
from pathlib import Path

import pytest

from extproc.config import parse
from extproc.config.loader import InvalidMeshError
from extproc.config.yaml_text import DEEPEST, NotYamlError, read

GOOD = """\
version: 1
models: {general: {endpoints: [{address: "127.0.0.1:8081"}]}}
default_model: general
"""
SHIPPED = (Path(__file__).parents[3] / "mesh.yaml").read_text()
LAUGHS = "a: &a0 [x]\n" + "".join(f"b{i}: &a{i + 1} [{','.join([f'*a{i}'] * 10)}]\n" for i in range(12))
MERGES = "a: &m0 {k: v}\n" + "".join(f"b{i}: &m{i + 1} {{<<: [{','.join([f'*m{i}'] * 10)}]}}\n" for i in range(12))
HOSTILE = (
    *(
        "2026-02-30",
        "!!timestamp 2026-02-30",
        "2026-13-45 99:99:99",
        "[" * 3000,
        "{a: " * 3000,
        "9" * 5000,
        "0b",
        "-0x_",
    ),
    *(
        "!!int abc",
        "!!float abc",
        "!!binary zzz",
        "!!python/object/apply:os.system [x]",
        "!!omap 3",
        "!!set {a}",
        "!!null x",
    ),
    *(
        "&a [*a]",
        "*nope",
        ".inf",
        ".nan",
        "-.inf",
        "1:99:99",
        "~",
        "",
        "''",
        '"\\ud800"',
        '"\\0"',
        "\x07",
        "? {a: b}",
        "%x",
    ),
    *("{1: 2, true: 3, ~: 4}", "{<<: 3}", "{<<: [3]}", "- x", "[]", "{}", "'", "@", "`", "|", ">-", "\ufeff", "\u2028"),
)


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: repr(value[:20]))
def test_each_hostile_value(value):
    """A key with such a value is named, with its line: or the value is none that YAML has trouble with."""
    with pytest.raises(InvalidMeshError) as caught:
        parse(f"{GOOD}limits: {value}\n  \nnonsense: {value}\n")
    for problem in caught.value.problems:
        assert problem.line > 3
        assert problem.key.startswith(("limits", "nonsense")) or "not YAML" in problem.message


@pytest.mark.parametrize("text", [LAUGHS, MERGES], ids=["lists", "merges"])
def test_aliases_do_not_multiply(text):
    """What a file repeats by name is looked at once: twelve levels of ten are no trillion."""
    with pytest.raises(InvalidMeshError) as caught:
        parse(GOOD + text)
    assert len(caught.value.problems) == 13


def test_nothing_but_a_mistake_comes_out():
    """The shipped file, with a random value of it replaced by a hostile one, or cut, or with a character in it."""
    dice = random.Random(7)
    places = [match.span(1) for match in re.finditer(r"(?m)^ *[\w-]+: ([^#\n]+)$", SHIPPED)]
    for _ in range(30):
        start, end = dice.choice(places)
        text = SHIPPED[:start] + dice.choice(HOSTILE) + SHIPPED[end:]
        if dice.random() < 0.3:
            text = text[: dice.randrange(len(text))]
        if dice.random() < 0.3:
            at = dice.randrange(len(text))
            text = text[:at] + dice.choice("[]{}&*!|>'\"%@`:#-?,\t\0") + text[at:]
        with contextlib.suppress(NotYamlError):
            read(text)


def test_keys_are_words():
    """A model may be called 404, or on; a date is a name."""
    found = read("{404: a, on: b, null: c, day: 2024-05-13}").data
    assert found == {"404": "a", "on": "b", "null": "c", "day": "2024-05-13"}


def test_merged_keys():
    """`<<` brings in what it names; what stands there itself counts."""
    assert read("a: &a {x: 1, y: 2}\nb: {<<: *a, x: 3}").data["b"] == {"x": 3, "y": 2}


def test_depth():
    """So deep and no deeper."""
    read("[" * DEEPEST + "]" * DEEPEST)
    with pytest.raises(NotYamlError, match="deep"):
        read("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1))
