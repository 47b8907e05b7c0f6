"""Floors for names: on sentences written by hand for this test, and on the public sets beside the project."""

import json
import re
from pathlib import Path

import pytest

from extproc.config.names import NAME_TYPES, NameSettings
from extproc.pii.names import recognizer

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "data"
MARK = re.compile(r"<([PLOA]) ([^>]*)>")
KINDS = {"P": "PERSON", "L": "LOCATION", "O": "ORGANIZATION", "A": "ADDRESS"}


def by_hand():
    """Text and spans of `data/names.txt`."""
    rows = []
    for line in (ROOT / "tests" / "quality" / "data" / "names.txt").read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        text, spans, last = "", [], 0
        for mark in MARK.finditer(line):
            text += line[last : mark.start()]
            spans.append((len(text), len(text) + len(mark[2]), KINDS[mark[1]]))
            text += mark[2]
            last = mark.end()
        rows.append((text + line[last:], spans))
    return rows


def shared(name):
    """The rows of a file beside the project; skips where there is none."""
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{name} is not beside this checkout")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def overlap(rows, entity_type, types=NAME_TYPES, **settings):
    """Precision, recall, F1 by overlap, each gold span and each finding used once."""
    find = recognizer(NameSettings(**settings), frozenset(types))
    gold = found = hits = 0
    for text, spans in rows:
        free = [r for r in find(text) if r.entity_type == entity_type]
        wanted = [s for s in spans if s[2] == entity_type]
        gold, found = gold + len(wanted), found + len(free)
        for start, end, _ in wanted:
            hit = next((r for r in free if r.start < end and start < r.end), None)
            if hit:
                free.remove(hit)
                hits += 1
    precision, recall = hits / max(1, found), hits / max(1, gold)
    return precision, recall, 2 * precision * recall / max(1e-9, precision + recall)


@pytest.mark.parametrize(
    ("entity_type", "floor"), [("PERSON", 0.90), ("LOCATION", 0.80), ("ORGANIZATION", 0.60), ("ADDRESS", 0.75)]
)
def test_sentences_written_by_hand(entity_type, floor):
    """Encyclopaedia, office and chat, none of it from the training grammar."""
    assert overlap(by_hand(), entity_type)[2] >= floor


def test_people_in_business_text():
    """Documents of firms, clinics and banks: people are found, and little else is taken for one."""
    names = (
        json.loads((SHARED / "pii" / "labels.json").read_text())["datasets"]["ambientmeta.jsonl"]
        if SHARED.exists()
        else {}
    )
    rows = [
        (row["text"], [(s["start"], s["end"], names.get(s["label"])) for s in row["spans"]])
        for row in shared("pii/ambientmeta.jsonl")
        if "PERSON" in row.get("scope", [])
    ]
    _, recall, f1 = overlap(rows, "PERSON")
    assert (recall, f1) >= (0.92, 0.0)
    assert f1 >= 0.84


def test_people_in_social_text():
    """The development part of WNUT 2017, which training never sees: noisy, in any case, full of stage names."""
    rows = [
        (row["text"], [(s["start"], s["end"], s["label"]) for s in row["spans"]])
        for row in shared("names/names.jsonl")
        if row["split"] == "val"
    ]
    assert overlap(rows, "PERSON")[2] >= 0.72


def test_gate_costs_no_recall():
    """Of the people that the model finds when it reads all, the gate loses less than one in a hundred."""
    rows = by_hand() + [
        (row["text"], [(s["start"], s["end"], s["label"]) for s in row["spans"]])
        for row in shared("names/names.jsonl")
        if row["split"] == "val"
    ]
    assert overlap(rows, "PERSON", run="always")[1] - overlap(rows, "PERSON")[1] < 0.01


def test_code_names_nobody():
    """At most two findings in 100 KB of code that no name list knows."""
    find = recognizer(NameSettings(), frozenset({"PERSON", "ADDRESS"}))
    texts = [row["text"] for row in shared("pii/no_pii_probe.jsonl") if row["kind"] == "python-code"]
    people = {"Mary", "John", "Jerry", "Uncle", "Ali"}
    false = [
        text[r.start : r.end]
        for text in texts
        for r in find(text)
        if not any(word.capitalize() in people for word in re.findall(r"\w+", text[r.start : r.end]))
    ]
    assert len(false) * 102_400 / sum(map(len, texts)) <= 4, false
