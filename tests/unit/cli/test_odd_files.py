"""Files in the way of commands, as they are found in the wild: one clear line each, and nothing waits or dies."""

from __future__ import annotations

import os

import pytest
from click.testing import CliRunner

from extproc.cli import cli
from extproc.cli.importing import imported
from extproc.config import files, load
from extproc.errors import ConfigError
from extproc.process.host import claimed
from extproc.telemetry import audit

GOOD = (
    'version: 1\nmodels: {general: {endpoints: [{address: "127.0.0.1:8083"}]}}\ndefault_model: general\nintents: {}\n'
)
AWAY = "model_list:\n- model_name: good\n  litellm_params: {model: openai/a, api_base: http://h:1/v1}\n"


@pytest.fixture(autouse=True)
def _hasty(monkeypatch):
    monkeypatch.setattr(files, "PATIENCE_S", 0.05)


def told(*arguments):
    """What a command says in one line of refusal."""
    with pytest.raises(ConfigError) as raised:
        CliRunner().invoke(cli, list(map(str, arguments)), catch_exceptions=False, standalone_mode=False)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_a_trail_and_its_anchors_that_are_no_files(tmp_path):
    """A pipe on which nothing comes, a device without an end, anchors nested without end, a folder with a part's name."""
    os.mkfifo(tmp_path / "pipe")
    trail = tmp_path / "audit.jsonl"
    trail.write_text("")
    (tmp_path / "audit.jsonl.1").mkdir()
    (tmp_path / "deep").write_text("[" * 100_000)
    assert told("audit", "verify", tmp_path / "pipe").endswith("cannot be read: nothing was written to it for 0.05 s")
    assert "larger than" in told("audit", "verify", trail, "--anchors", "/dev/zero")
    assert told("audit", "verify", trail, "--anchors", tmp_path / "pipe").endswith("for 0.05 s")
    assert told("audit", "verify", trail, "--anchors", tmp_path / "deep").endswith("line 1 is no anchor")
    assert told("audit", "anchor", tmp_path / "pipe").endswith("is no file")
    assert CliRunner().invoke(cli, ["audit", "verify", str(trail)]).exit_code == 0


@pytest.mark.parametrize("kind", ["pipe", "folder", "under a file"])
def test_a_trail_that_cannot_be_begun(tmp_path, kind):
    """The parent of several workers knows it as one who writes would: before there are any."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").write_text("")
    paths = {"pipe": "pipe", "folder": ".", "under a file": "file/audit.jsonl"}
    mesh = tmp_path / "mesh.yaml"
    mesh.write_text(f"{GOOD}telemetry: {{audit: {{path: '{tmp_path / paths[kind]}'}}}}\n")
    with pytest.raises(ConfigError, match=r"telemetry\.audit\.path: .* cannot be written: "):
        audit.check(load(mesh).telemetry.audit)


def test_a_socket_where_something_else_is(tmp_path):
    """Nothing is removed that is no socket."""
    (tmp_path / "file").write_text("kept")
    for path in (tmp_path, tmp_path / "file"):
        mesh = tmp_path / "mesh.yaml"
        mesh.write_text(f"{GOOD}processor: {{socket: '{path}'}}\n")
        with pytest.raises(ConfigError, match="is there, and is no socket"), claimed(load(mesh)):
            pass
    assert (tmp_path / "file").read_text() == "kept"


@pytest.mark.parametrize(
    ("entry", "note"),
    [
        ("{model_name: '*', litellm_params: {model: openai/b, api_base: http://h:2}}", "cannot be a name"),
        ("{model_name: 模型, litellm_params: {model: openai/b, api_base: http://h:2}}", "cannot be a name"),
        ("{model_name: b, litellm_params: {model: openai/b, api_base: 'http://[::1:2/'}}", "is not host:port"),
        ("{model_name: b, litellm_params: {model: openai/b, api_base: 'http://h:99999/'}}", "is not host:port"),
        ("{model_name: b, litellm_params: {model: azure/b, api_base: os.environ/AZURE}}", "its address"),
        ("{model_name: b, litellm_params: [a]}", "has no model_name or litellm_params.model"),
        ("{model_name: , litellm_params: }", "has no model_name or litellm_params.model"),
    ],
)
def test_one_entry_that_cannot_be_taken_over(tmp_path, entry, note):
    """It is named, and the others are taken."""
    path = tmp_path / "litellm.yaml"
    path.write_text(f"{AWAY}- {entry}\n")
    draft = imported(path)
    assert list(draft.models) == ["good"]
    assert note in draft.notes[0]


@pytest.mark.parametrize(
    "text",
    [
        (
            "model_list:\n- model_name: a\n  model_info: [5]\n"
            "  litellm_params: {model: openai/a, api_base: http://h:1, input_cost_per_token: .inf}\n"
        ),
        "routes:\n- {name: a, utterances: 5}\n- {name: b, utterances: [[1], {c: d}, 7, x]}\n- 5\n",
        (
            "vllm_endpoints:\n- {name: e, address: 1.2.3.4, port: 8000}\ndefault_model: '*'\n"
            "model_config: {m: {preferred_endpoints: 5, pricing: [1]}, n: 7}\n"
        ),
        "vllm_endpoints:\n- {name: e, address: 1.2.3.4, port: 8000}\nmodel_config: {m: {preferred_endpoints: [[e], e]}}\n",
        (
            "static_resources:\n  clusters: [7, {name: {a: b}}, {name: x, load_assignment: {endpoints: 5}}]\n"
            "  listeners: [{address: 5}]\n"
        ),
        "static_resources: 5\n",
    ],
)
def test_a_configuration_laid_out_otherwise(tmp_path, text):
    """What can be taken is; the rest is passed over or named, and nothing is a fault of ours."""
    path = tmp_path / "theirs.yaml"
    path.write_text(text)
    draft = imported(path)
    assert all(model["endpoints"] for model in draft.models.values())
