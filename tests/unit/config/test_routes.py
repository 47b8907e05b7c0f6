"""Routes that choose a model by what the registry declares."""

import json

import pytest
from click.testing import CliRunner

from extproc.cli import cli
from extproc.config import parse
from extproc.config.loader import InvalidMeshError
from extproc.decision import Facts
from extproc.routing import Router

MESH = """\
version: 1
models:
  plain: {endpoints: [{address: "127.0.0.1:1"}]}
  small:
    endpoints: [{address: "127.0.0.1:2"}]
    capabilities: [tools]
    owner: platform
    sla: {ttft_ms: 400, tokens_per_s: 90}
    price_per_million: {input: 1, output: 2}
  large:
    endpoints: [{address: "a.example:443", zone: external, tls: true}]
    api: anthropic
    capabilities: [tools, vision]
    owner: vendor
    data: {residency: eu}
    context_tokens: 200000
    sla: {ttft_ms: 200, tokens_per_s: 50}
    price_per_million: {input: 3, output: 9}
default_model: plain
"""


def mesh(choose, **route):
    """One whose only route chooses so."""
    return parse(MESH + "routes: " + json.dumps([{"choose": choose, **route}]))


@pytest.mark.parametrize(
    ("choose", "model"),
    [
        ({}, "plain"),
        ({"capabilities": ["tools"]}, "small"),
        ({"capabilities": ["tools", "vision"]}, "large"),
        ({"capabilities": ["tools"], "prefer": "ttft"}, "large"),
        ({"capabilities": ["tools"], "prefer": "speed"}, "small"),
        ({"prefer": "price"}, "small"),
        ({"owner": "vendor"}, "large"),
        ({"api": "anthropic"}, "large"),
        ({"data": {"residency": "eu"}}, "large"),
        ({"context_tokens": 8000}, "large"),
        ({"sla": {"ttft_ms": 300}}, "large"),
        ({"sla": {"tokens_per_s": 60}}, "small"),
        ({"price_per_million": {"output": 5}}, "small"),
    ],
)
def test_the_model_that_fits(choose, model):
    """What a model does not say of itself, it is not."""
    assert Router(mesh(choose)).decide(Facts()).model == model


def test_as_near_as_the_route_keeps_it():
    """A model that is too far does not fit."""
    assert (
        Router(mesh({"capabilities": ["tools"], "prefer": "ttft"}, residency="cluster")).decide(Facts()).model
        == "small"
    )


@pytest.mark.parametrize(
    ("route", "key", "told"),
    [
        (
            {"choose": {"capabilities": ["vision"]}, "residency": "pod"},
            "routes[0].choose",
            "no model is all of that within",
        ),
        ({"choose": {"owner": "nobody"}}, "routes[0].choose", "`small` has tools, 4096 tokens"),
        ({"choose": {}, "model": "small"}, "routes[0]", "and not both"),
        ({}, "routes[0]", "give `model`, or `choose`"),
        ({"choose": {"capabilities": ["tool"]}}, "routes[0].choose.capabilities[0]", "'tools'"),
        ({"choose": {"ownr": "x"}}, "routes[0].choose.ownr", "did you mean `owner`"),
        (
            {"choose": {"capabilities": ["tools"]}, "when": {"images": True}},
            "routes[0].when",
            "requests that use vision",
        ),
    ],
)
def test_mistakes(route, key, told):
    """Each with its key, and what would be right."""
    with pytest.raises(InvalidMeshError) as caught:
        parse(MESH + "routes: " + json.dumps([route]))
    assert any(problem.key == key and told in problem.message for problem in caught.value.problems), caught.value


def test_check_tells_what_it_comes_to(tmp_path):
    """And who else would fit."""
    (tmp_path / "mesh.yaml").write_text(MESH + "routes: [{choose: {capabilities: [tools], prefer: price}}]\n")
    result = CliRunner().invoke(cli, ["check", str(tmp_path / "mesh.yaml")])
    assert result.exit_code == 0
    assert "routes[0]: chooses small, of small, large" in result.output
