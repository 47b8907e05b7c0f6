"""The tables: every row is found by its own example, and says the truth about itself."""

from __future__ import annotations

import pytest

from extproc.config.pii import PACKS, PiiSettings
from extproc.pii import Analyzer
from extproc.pii.packs import everything
from extproc.pii.recognizer import expand
from tests.unit.pii.shared import analyze

ROWS = everything()
OFF = sorted({row.entity_type for row in ROWS if row.pack == "off"})


@pytest.fixture(scope="module")
def analyzer():
    """Every pack, and the types that are off by default."""
    return Analyzer(PiiSettings(packs=PACKS, entities=dict.fromkeys(OFF, "replace")))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.entity_type}: {row.example}")
def test_example_is_found(analyzer, row):
    """The example of a row is found as its type."""
    assert row.entity_type in {result.entity_type for result in analyzer.analyze(row.example)}


def test_checksums_exist():
    """Every checksum that a row names is one."""
    from extproc.pii import checksums

    named = [row for row in ROWS if row.check]
    assert len(named) > 100
    for row in named:
        assert isinstance(checksums.valid(row.check, row.example), bool), row
        checksums.find(row.check)


def test_names_are_known_to_the_configuration():
    """The list against which `mesh.yaml` is checked is the one of the tables."""
    from extproc.config.entities import BY_RULES

    assert {row.entity_type for row in ROWS} == BY_RULES


def test_shapes_expand():
    """`?` makes optional, `X` is either, a space separates alternatives."""
    assert expand("9-?A") == ["9-A", "9A"]
    assert expand("X 99") == ["9", "A", "99"]


@pytest.mark.parametrize("text", ["2024-03-15", "10.0.0.1", "::1", "8.8.8.8", "6f1ed002-ab5e-4c1d-9f0e-1d2c3b4a5968"])
def test_off_by_default(text):
    """Bare dates, reserved addresses, resolvers and UUIDs are nobody's until they are named."""
    assert analyze(text) == []


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("our swift code is DEUTDEFF", None, "DEUTDEFF"),
        ("DEUTDEFF", "bic", "DEUTDEFF"),
        ("name,bic\nAnna,DEUTDEFF\nBert,COBADEFF\n", None, "COBADEFF"),
        ("my UPI is ada@oksbi", None, "ada@oksbi"),
        ("plate 12-34-56", None, "12-34-56"),
        ("customer number 12-34-56", None, None),
    ],
)
def test_a_row_says_what_its_values_may_do_without(text, key, value):
    """A code of letters alone needs no digit, in a sentence, a cell or a value of JSON; a plate may look like a date."""
    found = [text[result.start : result.end] for result in analyze(text, key)]
    assert (value in found) if value else not found
