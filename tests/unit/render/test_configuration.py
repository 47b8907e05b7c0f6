"""The processor's files in a cluster: no path of the machine that rendered, no key, and every example that it needs."""

import yaml

from extproc.config import load, parse
from extproc.render import render
from extproc.render.kubernetes.configuration import config_files
from extproc.render.kubernetes.objects import gateway_deployment

MESH = """\
version: 1
models: {m: {endpoints: [{address: "127.0.0.1:1"}]}}
default_model: m
intents:
  one: {examples_file: both.jsonl}
  two: {examples_file: both.jsonl}
pii: {default_operator: hash, hash_key_file: key}
"""
EXAMPLES = '{"text": "a", "intent": "one"}\n{"text": "b", "intent": "two"}\n'


def test_files_travel(tmp_path):
    """Example files come along, once; what is rendered reads back as a mesh; the key stays where it is."""
    (tmp_path / "mesh.yaml").write_text(MESH)
    (tmp_path / "both.jsonl").write_text(EXAMPLES)
    (tmp_path / "key").write_text("secret-key-0123456789")
    mesh = load(tmp_path / "mesh.yaml")
    files = config_files(mesh)
    assert files.keys() == {"mesh.yaml", "examples-one.jsonl"}
    out = tmp_path / "pod"
    out.mkdir()
    for name, text in files.items():
        (out / name).write_text(text)
    assert load(out / "mesh.yaml").intents["two"].examples_file.read_text() == EXAMPLES
    for target in ("kubernetes", "envoy-gateway"):
        for file in render(target, mesh):
            assert str(tmp_path) not in file.text
            assert "secret-key" not in file.text
    deployment = next(f for f in render("kubernetes", mesh) if f.path == "base/gateway.yaml")
    assert "INTENTMESH_HASH_KEY" in deployment.text


def test_reads_back():
    """The configuration in a ConfigMap is the one that was given."""
    mesh = parse("version: 1\nmodels: {m: {endpoints: [{address: 'a:1', zone: cluster}]}}\ndefault_model: m\n")
    assert parse(config_files(mesh)["mesh.yaml"]) == mesh
    assert yaml.safe_load(config_files(mesh)["mesh.yaml"])["default_model"] == "m"


def test_an_audit_trail_has_a_volume_and_its_key_a_secret(tmp_path):
    """Beside mesh.yaml is a ConfigMap, which nobody can write to; on a claim, each pod has a folder of its own."""
    audit = "telemetry: {audit: {path: audit.jsonl, key_file: key, anchors: anchors}}\n"
    text = 'version: 1\nmodels: {m: {endpoints: [{address: "127.0.0.1:8081"}]}}\ndefault_model: m\n' + audit
    mesh = parse(text, folder=tmp_path)
    shown = yaml.safe_load(config_files(mesh)["mesh.yaml"])["telemetry"]["audit"]
    assert shown == {"path": "/var/log/intentmesh/audit.jsonl", "anchors": "/var/log/intentmesh/anchors"}
    claimed = parse(text + "kubernetes: {audit_claim: trails}\n", folder=tmp_path)
    for each, volume, mount in (
        (mesh, {"emptyDir": {}}, {}),
        (claimed, {"persistentVolumeClaim": {"claimName": "trails"}}, {"subPathExpr": "$(POD_NAME)"}),
    ):
        spec = gateway_deployment(each)["spec"]["template"]["spec"]
        assert {"name": "intentmesh-audit", **volume} in spec["volumes"]
        processor = next(c for c in spec["initContainers"] if c["name"] == "intentmesh")
        assert {"name": "intentmesh-audit", "mountPath": "/var/log/intentmesh", **mount} in processor["volumeMounts"]
        assert "INTENTMESH_AUDIT_KEY" in [variable["name"] for variable in processor["env"]]


def test_prompts_of_a_folder_travel_with_the_mesh(tmp_path):
    """A pod has no folder of prompts: what was in it stands in its mesh.yaml, and says the same."""
    (tmp_path / "prompts" / "tone").mkdir(parents=True)
    (tmp_path / "prompts" / "tone" / "2.md").write_text("---\nlabels: [prod]\nvariables: {x: text}\n---\nBe {{ x }}.\n")
    (tmp_path / "mesh.yaml").write_text(f"{MESH.partition('intents:')[0]}prompts: {{folder: prompts}}\n")
    mesh = load(tmp_path / "mesh.yaml")
    text = config_files(mesh)["mesh.yaml"]
    assert str(tmp_path) not in text
    assert parse(text).prompts.named == mesh.prompts.named
