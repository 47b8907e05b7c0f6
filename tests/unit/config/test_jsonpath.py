"""JSONPaths in mesh.yaml: what is supported, and what is said about the rest."""

import pytest

from extproc.config import parse
from extproc.config.jsonpath import Step, parse_jsonpath
from extproc.config.loader import InvalidMeshError

MESH = """\
version: 1
models: {general: {endpoints: [{address: "127.0.0.1:8081"}]}}
default_model: general
"""


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("$", ()),
        ("$.a.b", (Step("a"), Step("b"))),
        ("$['a b'][\"c\"]", (Step("a b"), Step("c"))),
        ("$.a[*].b", (Step("a"), Step(None, items=True), Step("b"))),
        ("$.*", (Step(None),)),
        ("$..x", (Step("x", deep=True),)),
        ("$..[*]", (Step(None, items=True, deep=True),)),
    ],
)
def test_supported_paths(path, steps):
    """Keys, quoted keys, every item, everything, and any depth."""
    assert steps == parse_jsonpath(path)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("a.b", "must start with `$`"),
        ("$.a[0]", "`[*]` stands for every item"),
        ("$.a[?(@.x)]", "filters are not supported"),
        ("$.a b", "from ` b` on"),
        ("$.a..", "from `..` on"),
        ("$a", "from `a` on"),
    ],
)
def test_other_paths_are_explained(path, said):
    """A path outside the subset says where it stops being one."""
    with pytest.raises(ValueError, match="`") as caught:
        parse_jsonpath(path)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("extra", "line", "said"),
    [
        ("intercept:\n  - {path: /t, payload: json, texts: [body]}", 5, "must start with `$`"),
        ("intercept:\n  - {path: /t, payload: openai, texts: [$.a]}", 5, "`texts` belongs to the payloads json"),
        ("intercept:\n  - {path: /t, payload: text, intent_from: $.a}", 5, "nothing to choose from"),
        ("intercept:\n  - {path: /t, keep_masked: [$.a.b, x]}", 5, "must start with `$`"),
        (
            "pii:\n  entities: {US_SSN: blok}",
            5,
            "'replace', 'mask', 'hash', 'encrypt', 'redact', 'keep', 'block' or 'flag'",
        ),
        ("pii:\n  entities: {US_SSN: {operator: hash, keep_last: 4}}", 5, "belongs to the operator `mask`"),
        ("pii:\n  entities: {US_SSN: {operator: mask, keep_first: 4}}", 5, "no key `keep_first`"),
    ],
)
def test_mistakes_are_found_at_check(extra, line, said):
    """Paths and operators are checked before anything runs, by line."""
    with pytest.raises(InvalidMeshError) as caught:
        parse(MESH + extra)
    assert [line] == [problem.line for problem in caught.value.problems]
    assert said in caught.value.problems[0].message


def test_operators_have_two_spellings():
    """A name alone, or an object with parameters."""
    pii = parse(MESH + "pii:\n  entities: {US_SSN: block, IBAN_CODE: {operator: mask, keep_last: 4}}").pii
    assert (
        pii.entities["US_SSN"].operator,
        pii.entities["IBAN_CODE"].operator,
        pii.entities["IBAN_CODE"].keep_last,
    ) == ("block", "mask", 4)
