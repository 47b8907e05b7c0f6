"""`intentmesh mask`: what people try first."""

import json

import pytest
from click.testing import CliRunner

from extproc.cli.mask import mask


def run(text, *arguments):
    """Stdout of the command."""
    result = CliRunner().invoke(mask, arguments, input=text, catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout_bytes


def test_text():
    """A text leaves as it came, but for the personal data."""
    assert run("mail ada@example.org \n") == b"mail [EMAIL_ADDRESS_1] \n"


@pytest.mark.parametrize("path", ["/", "/v1/chat/completions"])
def test_json_body(path):
    """A body is edited in place."""
    body = b'{ "messages":[{"role":"user","content":"ada@example.org"}],"n":1.0 }\n'
    assert run(body, "--path", path) == body.replace(b"ada@example.org", b"[EMAIL_ADDRESS_1]")


def test_json_report():
    """For machines: texts with their entities, and counts."""
    report = json.loads(run('{"a": "to ada@example.org"}', "--json"))
    assert report["entities"] == [{"entity_type": "EMAIL_ADDRESS", "operator": "replace", "count": 1}]
    text = report["texts"][0]
    assert (text["path"], text["masked"]) == ("$.a", "to [EMAIL_ADDRESS_1]")
    assert (text["entities"][0]["start"], text["entities"][0]["end"]) == (3, 18)


def test_config(tmp_path):
    """A mesh.yaml decides what is done with each type."""
    config = tmp_path / "mesh.yaml"
    config.write_text(
        'version: 1\nmodels: {m: {endpoints: [{address: "127.0.0.1:1"}]}}\ndefault_model: m\n'
        "pii: {entities: {EMAIL_ADDRESS: {operator: mask, keep_last: 4}}}\n"
    )
    assert run("ada@example.org", "--config", str(config)) == b"***********.org"


def test_broken_body_is_an_error():
    """A body that is not what it is said to be is an error, not a crash."""
    from extproc.errors import UnreadableBodyError

    with pytest.raises(UnreadableBodyError, match="ends before the JSON does"):
        run("{", "--content-type", "application/json")
