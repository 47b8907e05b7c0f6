"""`intentmesh eval pii --sample` and `tune --sample`: texts without labels."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from extproc.cli.eval_pii import eval_pii
from extproc.cli.tune import tune
from extproc.errors import ConfigError

MESH = """
version: 1
pii: {names: {enabled: false}}
models: {general: {endpoints: [{address: "127.0.0.1:8081"}]}}
default_model: general
"""
TEXTS = [
    "Write to help@corp.example.",
    "help@corp.example again",
    "and help@corp.example once more, order 10000000146",
    "my account number is 76983425",
    "x 76983425 y",
]


@pytest.fixture
def files(tmp_path):
    """A mesh.yaml, and texts."""
    mesh, sample = tmp_path / "mesh.yaml", tmp_path / "sample.jsonl"
    mesh.write_text(MESH)
    sample.write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS))
    return str(mesh), str(sample)


def test_what_is_masked_and_what_nearly(files):
    """By type and evidence; a number with a checksum and no label is nearly one."""
    mesh, sample = files
    told = json.loads(CliRunner().invoke(eval_pii, ["--sample", sample, "--config", mesh, "--json"]).output)
    assert [(row["type"], row["count"]) for row in told["masked"]] == [("EMAIL_ADDRESS", 3), ("US_BANK_NUMBER", 1)]
    assert "TR_NATIONAL_ID" in {row["type"] for row in told["nearly"]}
    assert told["allow"] == ["help@corp.example"]
    assert told["deny"] == {"US_BANK_NUMBER": ["76983425"]}


def test_for_people(files):
    """The same in lines, and the suggestions alone in `tune`."""
    mesh, sample = files
    shown = CliRunner().invoke(eval_pii, ["--sample", sample, "--config", mesh]).output
    assert "EMAIL_ADDRESS" in shown
    assert "nearly" in shown
    suggested = CliRunner().invoke(tune, [mesh, "--sample", sample]).output
    assert '"help@corp.example"  # 3 texts' in suggested
    assert "EMAIL_ADDRESS" not in suggested


def test_mistakes(tmp_path):
    """Neither or both inputs, no text, a row without one: each is said."""
    runner = CliRunner()
    assert "either --data" in runner.invoke(eval_pii, []).output
    empty, wrong = tmp_path / "empty.txt", tmp_path / "wrong.jsonl"
    empty.write_text("\n")
    wrong.write_text('{"txt": 1}\n')
    for path, message in ((empty, "holds no text"), (wrong, "line 1"), (tmp_path / "none", "cannot be read")):
        error = runner.invoke(eval_pii, ["--sample", str(path)]).exception
        assert isinstance(error, ConfigError)
        assert message in str(error)


@pytest.mark.parametrize("sign", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_lines_end_where_those_of_json_do(tmp_path, sign, end):
    """What Unicode calls the end of a line may stand in a string."""
    mesh, rows = tmp_path / "mesh.yaml", tmp_path / "rows.jsonl"
    mesh.write_text(MESH)
    text = f"a{sign if sign >= ' ' else 'b'}help@corp.example"
    row = json.dumps({"text": text, "spans": [{"start": 2, "end": 19, "label": "EMAIL_ADDRESS"}]}, ensure_ascii=False)
    rows.write_bytes((row + end).encode() * 2)
    for option in ("--data", "--sample"):
        ran = CliRunner().invoke(eval_pii, [option, str(rows), "--config", str(mesh), "--json"])
        assert ran.exception is None, ran.output
    assert json.loads(ran.output)["texts"] == 2
