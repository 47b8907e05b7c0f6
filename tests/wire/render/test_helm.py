"""The Helm chart: what Helm itself makes of it, against what the kustomize base has."""

import pytest
import yaml

from extproc.render import render
from tests.mesh.fixtures import digest
from tests.mesh.helm_case import CHART
from tests.wire.render import mesh_proxy, schemas

VERSIONS = mesh_proxy.versions("helm")
EMPTY = (None, [], {})


@pytest.fixture(params=VERSIONS)
def told(request):
    """What a version of Helm made of the chart."""
    return mesh_proxy.answer("helm", request.param, CHART.name)


def by_name(documents):
    """Objects by kind and name, without what a chart adds and kustomize has otherwise."""
    found = {(d["kind"], d["metadata"]["name"]): d for d in documents if d["kind"] not in ("ConfigMap", "Namespace")}
    for data in found.values():
        template = data["spec"].get("template") if "spec" in data else None
        if template:
            template["metadata"].pop("annotations", None)
            template["spec"] = {key: value for key, value in template["spec"].items() if value not in EMPTY}
    return found


def test_answer_is_fresh(told):
    """Helm was asked about the chart as it is rendered now; else `make mesh-fixtures`."""
    assert told["asked"] == digest(CHART)


def test_a_chart_is_what_render_writes(told):
    """With the values that it comes with, each object is the one of the kustomize base."""
    base = [f for f in render("kubernetes", CHART.parsed()) if f.path.startswith("base/") and f.path.endswith(".yaml")]
    skipped = ("base/kustomization.yaml", "base/mesh.yaml", "base/envoy.yaml")
    documents = [d for f in base if f.path not in skipped for d in yaml.safe_load_all(f.text)]
    assert by_name(told["documents"]) == by_name(documents)
    assert [problem for d in told["documents"] for problem in schemas.problems(d)] == []


def test_the_configuration_is_the_mesh(told):
    """The ConfigMap holds mesh.yaml and Envoy's configuration, to the byte but for the last line's end."""
    (config,) = [d for d in told["documents"] if d["kind"] == "ConfigMap"]
    files = {path.removeprefix("files/"): text for path, text in CHART.files().items() if path.startswith("files/")}
    assert {name: text.rstrip() for name, text in config["data"].items()} == {k: v.rstrip() for k, v in files.items()}


def test_values_reach_their_places(told):
    """Images, counts, pull secrets, where pods run, and what is switched on and off."""
    found = {(d["kind"], d["metadata"]["name"]): d for d in told["changed"]}
    gateway = found["Deployment", "intentmesh"]["spec"]["template"]["spec"]
    processor = next(c for c in gateway["initContainers"] if c["name"] == "intentmesh")
    assert processor["image"] == "registry.example/extproc@sha256:0123"
    assert gateway["imagePullSecrets"] == [{"name": "registry"}]
    model = found["Deployment", "phi"]["spec"]["template"]["spec"]
    assert (model["nodeSelector"], model["runtimeClassName"]) == ({"gpu": "l4"}, "nvidia")
    assert found["HorizontalPodAutoscaler", "intentmesh"]["spec"]["minReplicas"] == 3
    assert ("ServiceMonitor", "intentmesh") in found
    assert not [kind for kind, _ in found if kind == "NetworkPolicy"]


def test_wrong_values_are_refused(told):
    """Helm names the value, and what it should be."""
    assert "replicas" in told["refused"]["a number that is none"]
    assert "integer" in told["refused"]["a number that is none"]
    assert "replica" in told["refused"]["a name that is none"]
    assert "rendered for the namespace intentmesh" in told["refused"]["another namespace"]
