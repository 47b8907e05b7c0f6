"""Personal data as people write it: what each row of `written.jsonl` holds is found, by kind; an empty value is nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from extproc.config.pii import PACKS, PiiSettings
from extproc.pii import Analyzer
from tests.unit.pii.shared import analyze

ROWS = [json.loads(line) for line in Path(__file__).with_name("written.jsonl").read_text(encoding="utf-8").splitlines()]
NOBODY = {"PERSON", "PASSWORD", "SECRET_KEY"}


@pytest.fixture(scope="module")
def with_names():
    """Every pack but `extended`, and the name models."""
    return Analyzer(PiiSettings(packs=tuple(pack for pack in PACKS if pack != "extended"))).analyze


@pytest.mark.parametrize("kind", sorted({row["kind"] for row in ROWS}))
def test_found_as_written(kind, with_names):
    """Every letter and digit of the value is covered."""
    missed = []
    for row in ROWS:
        if row["kind"] != kind:
            continue
        text, value = row["text"], row["value"]
        results = with_names(text) if row.get("names") else analyze(text)
        if not value:
            missed += [text] * any(result.entity_type in NOBODY for result in results)
            continue
        start = text.rindex(value)
        covered = {at for result in results for at in range(result.start, result.end)}
        missed += [text] * any(at not in covered for at in range(start, start + len(value)) if text[at].isalnum())
    assert missed == []
