"""`intentmesh render` and `intentmesh doctor`, as they are called."""

import json

import pytest
from click.testing import CliRunner

from extproc.cli.doctor import doctor
from extproc.cli.render import render
from extproc.errors import ConfigError

MESH = 'version: 1\nmodels: {m: {endpoints: [{address: "127.0.0.1:1"}]}}\ndefault_model: m\n'


@pytest.fixture(name="folder")
def _folder(tmp_path):
    """A folder with the smallest mesh.yaml."""
    (tmp_path / "mesh.yaml").write_text(MESH)
    return tmp_path


def call(command, *arguments, text=None):
    """Exit code and output."""
    done = CliRunner().invoke(command, [str(a) for a in arguments], input=text)
    return done.exit_code, done.output


def test_render_and_check(folder):
    """Rendering writes, rendering again writes nothing, and --check tells of a file that was changed by hand."""
    arguments = ("kubernetes", "--mesh", folder / "mesh.yaml", "--out", folder / "out")
    assert "wrote" in call(render, *arguments)[1]
    assert call(render, *arguments) == (0, "")
    assert call(render, *arguments, "--check") == (0, "")
    (folder / "out" / "base" / "network.yaml").write_text("by hand")
    code, output = call(render, *arguments, "--check")
    assert (code, "would change" in output) == (1, True)
    assert (folder / "out" / "base" / "network.yaml").read_text() == "by hand"


def test_all_that_can_be_rendered(folder):
    """The rest is named, each with its reason; a failed call says so by its exit code."""
    models = '{m: {endpoints: [{address: "127.0.0.1:1"}], fallback: [n]}, n: {endpoints: [{address: "127.0.0.1:2"}]}}'
    (folder / "mesh.yaml").write_text(f"version: 1\nmodels: {models}\ndefault_model: m\n")
    done = CliRunner().invoke(render, ["all", "--mesh", str(folder / "mesh.yaml"), "--out", str(folder / "out")])
    written = {path.name for path in (folder / "out").iterdir()} | {
        path.name for path in (folder / "out/k8s").iterdir()
    }
    assert {"envoy", "base", "helm"} <= written
    assert not {"istio-sidecar", "istio-gateway", "envoy-gateway", "linkerd"} & written
    assert isinstance(done.exception, ConfigError)
    refused = str(done.exception).splitlines()
    assert [line.partition(":")[0] for line in refused] == [
        "istio-sidecar",
        "istio-gateway",
        "envoy-gateway",
        "linkerd",
    ]
    assert all("`fallback` of the model `m`" in line for line in refused)


def test_doctor(folder):
    """A clean bill is exit 0; an error is exit 1, a warning only where --strict says so; --json for machines."""
    call(render, "envoy", "--mesh", folder / "mesh.yaml", "--out", folder)
    good = (folder / "envoy.yaml").read_text()
    code, output = call(doctor, folder / "envoy.yaml")
    assert (code, "all well" in output) == (0, True)
    leaking = good.replace("failure_mode_allow: false", "failure_mode_allow: true")
    code, output = call(doctor, "-", "--json", text=leaking)
    report = json.loads(output)
    assert (code, [f["rule"] for f in report["findings"]]) == (1, ["fail-open"])
    slow = good.replace("message_timeout: 1.500s", "message_timeout: 900s")
    assert call(doctor, "-", text=slow)[0] == 0
    assert call(doctor, "-", "--strict", text=slow)[0] == 1
