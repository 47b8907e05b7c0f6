"""`intentmesh unmask`: tokens turned back by whoever has the key."""

import json

from click.testing import CliRunner

from extproc.cli.unmask import unmask
from extproc.errors import ConfigError
from extproc.pii.keys import Keys

KEY = b"sixteen bytes or more"
TOKEN = Keys(KEY).encrypted("PERSON", 'Robert "Bob" Miller')


def test_text_and_json(tmp_path):
    """In a text the value stands as it is, in JSON escaped; the rest is untouched."""
    (tmp_path / "key").write_bytes(KEY)
    options = ["--key-file", str(tmp_path / "key")]
    other = Keys(b"another key, as long").encrypted("PERSON", "x")
    run = CliRunner().invoke(unmask, options, input=f"dear {TOKEN}, {other} [PERSON_1]", catch_exceptions=False)
    assert run.stdout == f'dear Robert "Bob" Miller, {other} [PERSON_1]'
    body = json.dumps({"a": f"dear {TOKEN}", "n": 1.0})
    run = CliRunner().invoke(unmask, options, input=body, catch_exceptions=False)
    assert json.loads(run.stdout) == {"a": 'dear Robert "Bob" Miller', "n": 1.0}


def test_a_mesh_names_the_key(tmp_path):
    """The same file that the processor reads."""
    (tmp_path / "key").write_bytes(KEY)
    mesh = (
        'version: 1\npii: {key_file: key}\nmodels: {m: {endpoints: [{address: "127.0.0.1:8081"}]}}\ndefault_model: m\n'
    )
    (tmp_path / "mesh.yaml").write_text(mesh)
    run = CliRunner().invoke(unmask, ["-c", str(tmp_path / "mesh.yaml")], input=TOKEN, catch_exceptions=False)
    assert run.stdout == 'Robert "Bob" Miller'


def test_without_a_key(monkeypatch):
    """It says where one may come from."""
    monkeypatch.delenv("INTENTMESH_KEY", raising=False)
    run = CliRunner().invoke(unmask, [], input=TOKEN)
    assert isinstance(run.exception, ConfigError)
    assert "--key-file" in str(run.exception)
