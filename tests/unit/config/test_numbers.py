"""Values that readers of YAML disagree about, and what a person is told who wrote another kind of value than was wanted."""

from __future__ import annotations

import pytest

from extproc.config.loader import InvalidMeshError, parse

MODEL = (
    'version: 1\nmodels: {general: {endpoints: [{address: "127.0.0.1:8083"}]}}\ndefault_model: general\nintents: {}\n'
)


def told(text: str) -> str:
    """What is said of a file with one mistake, in its fifth line."""
    with pytest.raises(InvalidMeshError) as raised:
        parse(f"{MODEL}{text}\n")
    (problem,) = raised.value.problems
    assert problem.line == 5
    return f"{problem.key}: {problem.message}"


@pytest.mark.parametrize("octal", ["0777", "007", "0_1", "089"])
def test_a_number_that_begins_with_a_zero(octal):
    """It is octal to some: neither is guessed. In quotes it is a text."""
    assert told(f"kubernetes: {{namespace: {octal}}}").startswith(f"kubernetes.namespace: `{octal}` is one number to")
    name = octal.replace("_", "")
    assert parse(f"{MODEL}kubernetes: {{namespace: '{name}'}}\n").kubernetes.namespace == name


@pytest.mark.parametrize(("written", "read"), [("1_000", 1000), ("0x100", 256), ("+5", 5), ("5.0", 5), ("0b101", 5)])
def test_numbers_that_all_read_alike(written, read):
    """They stay what they are."""
    assert parse(f"{MODEL}limits: {{deadline_ms: {written}}}\n").limits.deadline_ms == read


@pytest.mark.parametrize("text", [".inf", "-.INF", ".nan", "1e400", "'inf'"])
def test_no_setting_is_endless(text):
    """Neither infinity nor what is no number, in whichever spelling."""
    assert told(f"processor: {{grace_s: {text}}}").startswith("processor.grace_s: input should be a finite number")


def test_an_address_is_no_number_to_the_base_of_sixty():
    """`12:34` is a text."""
    mesh = parse("version: 1\nmodels: {a: {endpoints: [{address: 12:34}]}}\ndefault_model: a\nintents: {}\n")
    assert mesh.models["a"].endpoints[0].address == "12:34"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("pii:", "pii: is empty: leave the key out, or write `{}`"),
        ("routes:", "routes: is empty: leave the key out, or write `[]`"),
        ("pii: []", "pii: input should be keys with values, as `{key: value}`, not a list"),
        ("routes: {}", "routes: input should be a list, as `[this, that]`, not keys with values"),
        ("limits: {deadline_ms: soon}", "limits.deadline_ms: input should be a whole number, not 'soon'"),
        ("limits: {deadline_ms: 1:30}", "limits.deadline_ms: input should be a whole number, not '1:30'"),
        ("shadow: maybe", "shadow: input should be true or false, not 'maybe'"),
        ("kubernetes: {namespace: no}", "kubernetes.namespace: input should be a text, not False: put it in quotes"),
        ("kubernetes: {namespace: 12}", "kubernetes.namespace: input should be a text, not 12: put it in quotes"),
        ("\u200bshadow: true", "\u200bshadow: there is no key `\\u200bshadow`; did you mean `shadow`?"),
        ("sh\u00a0adow: true", "sh\u00a0adow: there is no key `sh\\xa0adow`; did you mean `shadow`?"),
    ],
)
def test_what_would_be_right(text, sentence):
    """In the words of who writes the file, not of who reads it in Python."""
    assert told(text) == sentence
