"""`intentmesh explain`: what would happen to a request, and what each byte of it is."""

import json

import pytest
from click.testing import CliRunner

from extproc.cli import cli

BODY = (
    '{"messages": [{"role": "user", "content": "mail jane.doe@example.com"}], "metadata": {"card": 4111111111111111}}'
)


@pytest.fixture
def mesh(tmp_path):
    """A mesh without intents, which need a model to be loaded."""
    path = tmp_path / "mesh.yaml"
    path.write_text('version: 1\nmodels: {m: {endpoints: [{address: "127.0.0.1:1"}]}}\ndefault_model: m\n')
    return str(path)


def explain(mesh, *options, body=BODY):
    """What it prints."""
    result = CliRunner().invoke(cli, ["explain", mesh, *options], input=body)
    assert result.exit_code == 0, result.output
    return result.output


def test_coverage_is_all_of_the_body(mesh):
    """Bytes by what they are: together the body's length."""
    report = json.loads(explain(mesh, "--coverage", "--json"))
    assert report["coverage"] == {"syntax": 67, "text": 25, "key": 4, "number": 16}
    assert sum(report["coverage"].values()) == len(BODY)
    assert "coverage   112 bytes: 67 syntax, 25 text, 16 number, 4 key" in explain(mesh, "--coverage")


def test_without_coverage(mesh):
    """It is told to whoever asks."""
    assert "coverage" not in explain(mesh)
    assert "coverage" not in json.loads(explain(mesh, "--json"))


def test_numbers_and_keys_are_explained(mesh):
    """With the way to them, and the type."""
    found = json.loads(explain(mesh, "--json"))["entities"]
    assert [(entity["path"], entity["entity_type"]) for entity in found] == [
        ("$.messages[0].content", "EMAIL_ADDRESS"),
        ("$.metadata.card", "CREDIT_CARD"),
    ]


def test_what_is_explained_is_spent_nowhere(tmp_path):
    """Not in the accounts of a processor that runs; nor is the request that is explained the second of its kind."""
    mesh = tmp_path / "mesh.yaml"
    budgets = "budgets: [{name: once, unit: requests, limit: 1, window: month}]\nbudget_state: {path: accounts}\n"
    mesh.write_text(
        'version: 1\nmodels: {general: {endpoints: [{address: "127.0.0.1:8081"}]}}\ndefault_model: general\n' + budgets
    )
    for _ in range(2):
        result = CliRunner().invoke(cli, ["explain", str(mesh), "--json"], input='{"messages":[]}')
        assert json.loads(result.output)["outcome"] == "forwarded", result.output
    assert not (tmp_path / "accounts").exists()
