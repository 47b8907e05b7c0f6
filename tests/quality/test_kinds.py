"""Floors for personal data by the kind of what people write it in: the rows that were developed on, and those that came after."""

from __future__ import annotations

import collections
from pathlib import Path

import pytest

from extproc.config.pii import PACKS, PiiSettings
from extproc.pii import Analyzer

DATA = Path(__file__).parent / "data"
OPENS, CLOSES = "⟦", "⟧"


def rows(name):
    """Kind, strictness, text and spans of each row. The spans are to be covered, and in kinds with a mode nothing else."""
    kind = mode = ""
    for line in (DATA / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            kind, _, mode = line.removeprefix("# kind: ").partition(" ")
            continue
        text, spans = "", []
        for nth, part in enumerate(line.replace("\\n", "\n").replace("\\t", "\t").replace(CLOSES, OPENS).split(OPENS)):
            if nth % 2:
                spans.append((len(text), len(text) + len(part)))
            text += part
        yield kind, mode, text, spans


def is_right(results, mode, text, spans):
    """Whether every letter and digit of the spans is covered, and nothing beside them where the kind says so."""
    covered = {at for result in results for at in range(result.start, result.end)}
    if any(at not in covered and text[at].isalnum() for start, end in spans for at in range(start, end)):
        return False
    return not mode or all(any(r.start < end and start < r.end for start, end in spans) for r in results)


@pytest.fixture(scope="module")
def analyze():
    """Every regional pack, and the name models."""
    return Analyzer(PiiSettings(packs=tuple(pack for pack in PACKS if pack != "extended"))).analyze


@pytest.mark.parametrize(
    ("name", "floor", "floor_of_a_kind"),
    [
        ("kinds_read.txt", 0.97, 0.87),
        ("kinds_fresh.txt", 0.98, 0.95),
        ("kinds_wider.txt", 0.97, 0.94),
        ("kinds_strange.txt", 0.97, 0.8),
    ],
)
def test_share_of_each_kind(analyze, name, floor, floor_of_a_kind):
    """Of all rows, and of the worst kind."""
    right, all_of = collections.Counter(), collections.Counter()
    for kind, mode, text, spans in rows(name):
        all_of[kind] += 1
        right[kind] += is_right(analyze(text), mode, text, spans)
    assert right.total() / all_of.total() >= floor, {kind: all_of[kind] - right[kind] for kind in all_of}
    assert min(right[kind] / all_of[kind] for kind in all_of) >= floor_of_a_kind
