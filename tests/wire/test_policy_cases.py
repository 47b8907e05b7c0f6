"""`intentmesh policy test --envoy`: cases through a real Envoy, and a violation that is planted is found."""

import json

import pytest
import yaml
from click.testing import CliRunner

from extproc.cli import cli
from tests.unit.policy.test_cases import GOOD, RULES
from tests.unit.policy.test_policy import MESH, rule

ANY = {"name": "any", "request": {"text": "hello"}}


@pytest.fixture(name="run")
def _run(tmp_path):
    def run(rules, cases):
        (tmp_path / "mesh.yaml").write_text(MESH + "policy: " + json.dumps(rules))
        (tmp_path / "cases.yaml").write_text(yaml.safe_dump(cases))
        files = [str(tmp_path / "cases.yaml"), "--mesh", str(tmp_path / "mesh.yaml")]
        result = CliRunner().invoke(cli, ["policy", "test", *files, "--envoy", "--json"], catch_exceptions=False)
        return result.exit_code, {case["name"]: case["problems"] for case in json.loads(result.stdout)["cases"]}

    return run


def test_cases_hold_through_envoy(run):
    """Denied ones reach no upstream; the others the model and the zone that they name, over TLS where it is abroad."""
    abroad = {
        "name": "abroad",
        "request": {"text": "python"},
        "expect": {"model": "code-large", "residency": "external"},
    }
    code, problems = run(RULES, [*GOOD, abroad])
    assert (code, problems) == (0, {case["name"]: [] for case in [*GOOD, abroad]})


def test_a_planted_violation_is_found(run):
    """A rule that only tells, where its case wants it to deny: what reached an upstream is named."""
    cases = [
        ANY | {"expect": {"denied": "r", "status": 403}},
        ANY | {"name": "place", "request": {"text": "python"}, "expect": {"model": "small", "residency": "pod"}},
    ]
    code, problems = run([rule("true", mode="dry_run")], cases)
    assert code == 1
    assert "through Envoy: it reached general (pod), and was to reach no upstream" in problems["any"]
    assert "through Envoy: 403 was expected, and 200 came" in problems["any"]
    assert "through Envoy: it went to code-large, and not to small" in problems["place"]
    assert "through Envoy: it went to the zone external, and may travel to pod at most" in problems["place"]
