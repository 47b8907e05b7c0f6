"""Values that readers of YAML disagree about, and what a person is told who wrote another kind of value than was wanted."""

from __future__ import annotations

import pytest

from extproc.config.loader import InvalidMeshError, parse
from extproc.config.mesh import Mesh

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


@pytest.mark.parametrize("text", [".inf", "-.INF", ".nan", "1e400"])
def test_no_setting_is_endless(text):
    """Neither infinity nor what is no number, in whichever spelling."""
    assert told(f"processor: {{grace_s: {text}}}").startswith("processor.grace_s: input should be a finite number")


@pytest.mark.parametrize(("written", "read"), [("1e3", 1000), ("2.0", 2), ("1.5e2", 150), ('"${COUNT}"', 7)])
def test_whole_numbers_in_other_spellings(monkeypatch, written, read):
    """What has no fraction is a whole number, and a reference is read as what is wanted where it stands."""
    monkeypatch.setenv("COUNT", "7")
    key = "processor: {workers" if "$" in written else "limits: {deadline_ms"
    mesh = parse(f"{MODEL}{key}: {written}}}\n")
    assert (mesh.processor.workers if "$" in written else mesh.limits.deadline_ms) == read


def test_no_number_is_a_yes_nor_a_text_one(monkeypatch):
    """Of every section: a whole number, a number and a yes or no take nothing of another type, wherever they stand."""
    wrong = {
        "integer": ("true", "'2'", "2.5", "[2]"),
        "number": ("false", "'2.5'", "{}"),
        "boolean": ("1", "'true'", "0.0"),
    }
    wanted = {"integer": "a whole number", "number": "a number", "boolean": "true or false"}
    tried = 0
    for section, field, kind in _plain_fields():
        for value in wrong[kind]:
            message = told(f"{section}: {{{field}: {value}}}")
            assert message.startswith(f"{section}.{field}: input should be {wanted[kind]}, not "), message
            tried += 1
    assert tried > 40
    monkeypatch.setenv("COUNT", "true")
    assert told("processor: {workers: '${COUNT}'}").endswith("a whole number, not '${COUNT}'")


def _plain_fields():
    """Section, key and type of each number, and of each yes or no, of the sections at the top of the file."""
    schema = Mesh.model_json_schema()
    for section, where in schema["properties"].items():
        fields = schema["$defs"].get(where.get("$ref", "").rpartition("/")[2], {}).get("properties", {})
        for field, found in fields.items():
            if found.get("type") in ("integer", "number", "boolean"):
                yield section, field, found["type"]


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
