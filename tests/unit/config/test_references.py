"""Values that stand elsewhere: where they may, what they become, and that nobody is told what they are."""

import pytest

from extproc.config import parse
from extproc.config.loader import InvalidMeshError
from extproc.config.references import as_written
from extproc.process.mesh_file import MeshFile

MESH = """\
version: 1
models: {general: {endpoints: [{address: "ADDRESS"}]}}
default_model: general
"""


@pytest.fixture(autouse=True)
def _variables(monkeypatch):
    monkeypatch.setenv("HOST", "10.1.2.3")
    monkeypatch.delenv("NOTHING", raising=False)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("${HOST}:80", "10.1.2.3:80"),
        ("${NOTHING:-127.0.0.1}:80", "127.0.0.1:80"),
        ("${HOST:-127.0.0.1}:${PORT:-81}", "10.1.2.3:81"),
    ],
)
def test_variables(written, value):
    """One or several, with a default or without; shown as they were written."""
    mesh = parse(MESH.replace("ADDRESS", written))
    assert mesh.models["general"].endpoints[0].address == value
    shown = as_written(mesh, mesh.model_dump(mode="json"))
    assert shown["models"]["general"]["endpoints"][0]["address"] == written
    assert value not in str(shown)


def test_numbers_and_copies(monkeypatch):
    """A value becomes what its key wants; a copy of the mesh knows what was written."""
    monkeypatch.setenv("WORKERS", "3")
    mesh = parse(MESH.replace("ADDRESS", "127.0.0.1:1") + "processor: {workers: '${WORKERS}'}\n")
    assert mesh.processor.workers == 3
    assert mesh.model_copy(update={"shadow": True}).references == {("processor", "workers"): "${WORKERS}"}


def test_a_file(tmp_path):
    """Its content, without the end of its last line; changed, the mesh.yaml has changed."""
    secret = tmp_path / "endpoint"
    secret.write_text("http://user:hunter2@collector:4317\n")
    (tmp_path / "mesh.yaml").write_text(
        MESH.replace("ADDRESS", "127.0.0.1:1") + f"telemetry: {{otlp: {{endpoint: 'file:{secret}'}}}}\n"
    )
    file = MeshFile(tmp_path / "mesh.yaml")
    mesh = file.load()
    assert mesh.telemetry.otlp.endpoint == "http://user:hunter2@collector:4317"
    assert "hunter2" not in str(as_written(mesh, mesh.model_dump(mode="json")))
    stamp = file.stamp()
    secret.write_text("http://user:swordfish@collector:4317\n")
    assert file.stamp() != stamp


@pytest.mark.parametrize(
    ("text", "key", "message"),
    [
        (MESH.replace("ADDRESS", "${NOTHING}:80"), "models.general.endpoints[0].address", "NOTHING is not set"),
        (MESH.replace("ADDRESS", "file:/nowhere/x"), "models.general.endpoints[0].address", "cannot be read"),
        (MESH.replace("default_model: general", "default_model: ${HOST}"), "default_model", "cannot stand here"),
        (MESH + "shadow: ${HOST}\n", "shadow", "cannot stand here"),
        (MESH + "pii: {enabled: '${HOST:-false}'}\n", "pii.enabled", "cannot stand here"),
        (MESH + "intents: {a: {examples: ['${HOST}']}}\n", "intents.a.examples[0]", "cannot stand here"),
    ],
)
def test_where_none_may_stand(text, key, message):
    """What decides about requests is read where it is reviewed; each mistake is named with its key."""
    with pytest.raises(InvalidMeshError) as caught:
        parse(text.replace("ADDRESS", "127.0.0.1:1"))
    assert any(p.key == key and message in p.message for p in caught.value.problems), caught.value


def test_a_mistake_does_not_tell_the_value(monkeypatch):
    """It tells the reference."""
    monkeypatch.setenv("SECRET", "hunter2-is-no-address")
    with pytest.raises(InvalidMeshError) as caught:
        parse(MESH.replace("ADDRESS", "${SECRET}"))
    assert "hunter2" not in str(caught.value)
    assert "`${SECRET}` is not host:port" in str(caught.value)


def test_what_only_looks_like_one():
    """A text that is more than a reference, or is escaped, is a text."""
    mesh = parse(
        MESH.replace("ADDRESS", "127.0.0.1:1")
        + "intents: {a: {examples: ['echo ${HOST} twice', 'file:/etc/x', '$${HOST}']}}\n"
    )
    assert mesh.intents["a"].examples == ("echo ${HOST} twice", "file:/etc/x", "${HOST}")
    assert not mesh.references
