"""The first steps: `init`, from answers or from what others have; `schema`, `version`."""

import json
from pathlib import Path

import jsonschema_rs
import pytest
import yaml
from click.testing import CliRunner

from extproc.cli import cli
from extproc.cli.schema import text
from extproc.config import load

ROOT = Path(__file__).parents[3]
LITELLM = """
model_list:
  - model_name: GPT 4o
    litellm_params: {model: openai/gpt-4o, api_key: sk-123, input_cost_per_token: 0.0000025, output_cost_per_token: 0.00001}
  - model_name: local
    litellm_params: {model: openai/qwen, api_base: "http://vllm:8000/v1"}
  - model_name: local
    litellm_params: {model: openai/qwen, api_base: "http://vllm-2:8000/v1"}
  - model_name: claude
    litellm_params: {model: anthropic/claude-sonnet}
  - model_name: azure
    litellm_params: {model: azure/gpt, api_base: os.environ/AZURE}
router_settings: {num_retries: 2}
"""
ROUTES = """
encoder_type: openai
routes:
  - {name: politics, utterances: [isn't politics the best thing ever, they will save the country], score_threshold: 0.3}
  - {name: chitchat, utterances: [how's the weather today]}
  - {name: empty, utterances: []}
"""
VLLM = """
vllm_endpoints: [{name: one, address: 10.0.0.5, port: 8000}]
model_config: {Qwen3: {preferred_endpoints: [one], pricing: {prompt_per_1m: 0.5, completion_per_1m: 1.5}}}
categories: [{name: math}]
default_model: Qwen3
"""
ENVOY = """
static_resources:
  listeners: [{name: main, address: {socket_address: {address: 0.0.0.0, port_value: 10000}}}]
  clusters:
  - name: llm
    load_assignment: {endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 10.0.0.9, port_value: 80}}}}]}]}
  - name: ext_proc_cluster
    load_assignment: {endpoints: [{lb_endpoints: [{endpoint: {address: {pipe: {path: /tmp/x}}}}]}]}
"""


def run(*arguments, **options):
    """A command's result."""
    return CliRunner().invoke(cli, [*map(str, arguments)], catch_exceptions=False, **options)


def test_three_questions(tmp_path):
    """Each with an answer that holds where nothing is said; what comes out is good."""
    result = run("init", tmp_path / "mesh.yaml", input="10.0.0.1:8000\nMy Model\nn\n")
    assert result.exit_code == 0, result.output
    mesh = load(tmp_path / "mesh.yaml")
    assert (list(mesh.models), mesh.pii.enabled) == (["my-model"], False)
    assert mesh.models["my-model"].endpoints[0].zone == "cluster"
    again = CliRunner().invoke(cli, ["init", str(tmp_path / "mesh.yaml"), "--address", "x:1"])
    assert "is there already" in str(again.exception)


@pytest.mark.parametrize(
    ("source", "models", "intents", "notes"),
    [
        (LITELLM, {"gpt-4o", "local", "claude"}, set(), ("api_key", "azure", "router_settings")),
        (ROUTES, {"general"}, {"politics", "chitchat"}, ("score_threshold", "encoder_type", "empty")),
        (VLLM, {"qwen3"}, set(), ("math",)),
        (ENVOY, {"llm"}, set(), ("ext_proc_cluster",)),
    ],
    ids=["litellm", "semantic-router", "vllm", "envoy"],
)
def test_from_what_others_have(tmp_path, source, models, intents, notes):
    """What mesh.yaml has words for is taken over, what it has not is said, and no key is copied."""
    (tmp_path / "other.yaml").write_text(source)
    result = run(
        "init", tmp_path / "mesh.yaml", "--from", tmp_path / "other.yaml", "--address", "127.0.0.1:8081", input="\n"
    )
    assert result.exit_code == 0, result.output
    mesh = load(tmp_path / "mesh.yaml")
    assert (set(mesh.models), set(mesh.intents)) == (models, intents)
    for note in notes:
        assert note in result.output
    assert "sk-123" not in (tmp_path / "mesh.yaml").read_text() + result.output
    if source is LITELLM:
        assert len(mesh.models["local"].endpoints) == 2
        assert mesh.models["gpt-4o"].price_per_million.output == 10
        assert mesh.models["gpt-4o"].endpoints[0].tls


@pytest.mark.parametrize(
    "source", ["a: 1", "[1]", "{", "model_list: 3", "routes: [3]", "static_resources: x", "vllm_endpoints: 7"]
)
def test_from_what_is_none(tmp_path, source):
    """One clear line, or the questions."""
    (tmp_path / "other.yaml").write_text(source)
    result = CliRunner().invoke(
        cli,
        ["init", str(tmp_path / "mesh.yaml"), "--from", str(tmp_path / "other.yaml"), "--address", "127.0.0.1:1"],
        input="\n",
    )
    assert result.exit_code == 0 or type(result.exception).__name__ == "ConfigError", result


def test_the_schema_takes_the_shipped_mesh():
    """And refuses what the loader refuses; the one beside the docs is this one."""
    schema = json.loads(run("schema").output)
    mesh = yaml.safe_load((ROOT / "mesh.yaml").read_text())
    validator = jsonschema_rs.validator_for(schema)
    validator.validate(mesh)
    for wrong in ({**mesh, "modells": {}}, {**mesh, "version": 2}, {**mesh, "processor": {"workers": 0}}):
        with pytest.raises(jsonschema_rs.ValidationError):
            validator.validate(wrong)
    assert "JSON Schema" not in schema.get("title", "")
    published = json.loads((ROOT / "docs" / "mesh.schema.json").read_text())
    now = json.loads(text())
    assert published["properties"].keys() == now["properties"].keys(), "intentmesh schema > docs/mesh.schema.json"


@pytest.mark.parametrize("unit", sorted((ROOT / "packaging" / "systemd").iterdir()), ids=lambda path: path.name)
def test_units_call_what_there_is(unit):
    """Each command of the systemd units is one of ours, with options that it has."""
    lines = [
        line.partition("=")[2]
        for line in unit.read_text().splitlines()
        if line.startswith(("ExecStart", "ExecStartPre"))
    ]
    assert len(lines) == 2
    for line in lines:
        name, *arguments = line.split()[1:]
        command = cli.get_command(None, name)
        known = {option for parameter in command.params for option in parameter.opts}
        assert {argument for argument in arguments if argument.startswith("--")} <= known


def test_version():
    """Of what runs, as lines and as JSON."""
    told = json.loads(run("version", "--json").output)
    assert {"intentmesh", "python", "platform", "protobuf"} <= told.keys()
    assert f"intentmesh {told['intentmesh']}" in run("version").output
