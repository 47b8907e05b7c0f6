"""Prompts with versions: which one a request gets, what is filled in, and that data stays data."""

import asyncio
import gzip
import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from extproc.cli import cli
from extproc.config import load, parse
from extproc.config.loader import InvalidMeshError
from extproc.config.wire_names import PROMPT_HEADER
from extproc.decision import Forward, Inquiry, Refuse
from extproc.errors import PromptError
from extproc.identity import Caller
from extproc.pipeline import Pipeline
from extproc.process.mesh_file import MeshFile
from extproc.prompts import Library
from extproc.prompts.template import plain

MESH = """
version: 1
models:
  small: {endpoints: [{address: "127.0.0.1:1"}]}
  claude: {endpoints: [{address: "127.0.0.1:2"}], api: anthropic}
routes: [{headers: {x-team: red}, model: small, prompt: tone@prod}]
default_model: small
pii: {names: {enabled: false}}
prompts:
  folder: prompts
  named:
    tone:
      1: {template: "Be brief.", labels: [prod]}
    split:
      "1": {template: one, weight: 75}
      "2": {template: two, weight: 25}
"""
FIRST = """---
model: claude
labels: [prod]
variables:
  customer: text
  amount: {type: number, default: 0}
---
Write to {{ customer }} about {{ amount }} euros.
"""
SECOND = "---\nvariables: {customer: text}\nlabels: [canary]\nrole: user\n---\nDear {{ customer }},\n"
CHAT, MESSAGES, RESPONSES = "/v1/chat/completions", "/v1/messages", "/v1/responses"


@pytest.fixture(name="folder")
def _folder(tmp_path):
    """A mesh.yaml with a folder of prompts beside it."""
    (tmp_path / "mesh.yaml").write_text(MESH)
    versions = tmp_path / "prompts" / "refund-reply"
    versions.mkdir(parents=True)
    (versions / "9.md").write_text(FIRST)
    (versions / "10.md").write_text(SECOND)
    return tmp_path


@pytest.fixture(name="mesh")
def _mesh(folder):
    return load(folder / "mesh.yaml")


def outcome(mesh, body, path=CHAT, caller=None, **headers):
    """What becomes of a request."""
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    told = {":method": "POST", ":path": path, "content-type": "application/json", **headers}
    inquiry = Inquiry(mesh.intercept[0], path, told, sent, caller or Caller())
    return asyncio.run(Pipeline.build(mesh).inspect(inquiry))


def sent(mesh, body, path=CHAT, **headers):
    """The body that the upstream gets."""
    forward = outcome(mesh, body, path, **headers)
    assert isinstance(forward, Forward), forward
    return json.loads(forward.body)


@pytest.mark.parametrize(("wanted", "number"), [(None, "9"), ("9", "9"), ("10", "10"), ("prod", "9"), ("canary", "10")])
def test_a_version_by_number_or_label(mesh, wanted, number):
    """Without one, the one labelled `prod`."""
    assert Library(mesh.prompts).get("refund-reply", wanted).number == number


def test_what_there_is_not_is_told_with_what_there_is(mesh):
    """Names of the configuration's, never the caller's."""
    library = Library(mesh.prompts)
    with pytest.raises(PromptError, match="there are: refund-reply, split, tone") as missing:
        library.get("ada@example.org")
    assert "ada" not in str(missing.value)
    with pytest.raises(PromptError, match="there are: 9, 10, prod, canary"):
        library.get("refund-reply", "11")


def test_weights_hold_and_a_caller_stays_with_its_version(mesh):
    """Shares of many callers; the same one always gets the same."""
    library = Library(mesh.prompts)
    numbers = [library.get("split", caller=f"caller {i}").number for i in range(2000)]
    assert 0.70 < numbers.count("1") / 2000 < 0.80
    assert numbers == [library.get("split", caller=f"caller {i}").number for i in range(2000)]


def test_a_prompt_of_openais_shape(mesh):
    """Before what is said; its personal data is masked; its model is asked for where the request names none."""
    variables = {"customer": "ada@example.org", "amount": 12.5}
    body = {
        "prompt": {"id": "refund-reply", "variables": variables},
        "messages": [{"role": "user", "content": "Hello"}],
    }
    forward = outcome(mesh, body)
    assert forward.model == "claude"
    got = json.loads(forward.body)
    assert got["system"] == "Write to [EMAIL_ADDRESS_1] about 12.5 euros."
    assert got["messages"] == [{"role": "user", "content": "Hello"}]
    (verdict,) = forward.inspection.facts.verdicts
    library = Library(mesh.prompts)
    assert (verdict.step, verdict.action, verdict.reason) == ("prompt", "allow", str(library.get("refund-reply", "9")))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (CHAT, {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]}),
        (MESSAGES, {"system": "Be brief.", "messages": [{"role": "user", "content": "Hi"}]}),
        (RESPONSES, {"instructions": "Be brief.", "input": [{"role": "user", "content": "Hi"}]}),
    ],
)
def test_each_api_has_its_place_for_it(mesh, path, expected):
    """And what stands there already comes after it."""
    settings = mesh.model_copy(
        update={"models": {"small": mesh.models["small"].model_copy(update={"api": "llama.cpp"})}, "routes": ()}
    )
    said = {"input": "Hi"} if path == RESPONSES else {"messages": [{"role": "user", "content": "Hi"}]}
    assert sent(settings, {"model": "small", "prompt": {"id": "tone"}, **said}, path) == {"model": "small", **expected}
    if path != CHAT:
        field = "system" if path == MESSAGES else "instructions"
        got = sent(settings, {"model": "small", "prompt": {"id": "tone"}, field: "And kind.", **said}, path)
        assert got[field] == "Be brief.\n\nAnd kind."


def test_a_plain_service_names_it_in_a_header(mesh):
    """Its body is the variables, alone or beside fields of the API; what the mesh says is the user's turn then."""
    header = {PROMPT_HEADER: "refund-reply@canary"}
    assert sent(mesh, {"customer": "Ada"}, **header)["messages"] == [{"role": "user", "content": "Dear Ada,"}]
    got = sent(mesh, {"variables": {"customer": "Ada"}, "model": "small", "temperature": 0}, **header)
    assert (got["temperature"], got["messages"][0]["content"]) == (0, "Dear Ada,")
    packed = outcome(mesh, gzip.compress(b'{"customer": "Ada"}'), **header, **{"content-encoding": "gzip"})
    assert b"Dear Ada," in gzip.decompress(packed.body)


def test_a_route_puts_one_before_a_request(mesh):
    """By its rule, after all that the request says was searched."""
    body = {"messages": [{"role": "user", "content": "I am ada@example.org"}]}
    got = sent(mesh, body, **{"x-team": "red"})
    assert [message["content"] for message in got["messages"]] == ["Be brief.", "I am [EMAIL_ADDRESS_1]"]


def test_what_names_no_prompt_stays_as_it_came(mesh):
    """Byte for byte; prompts that OpenAI stores are the upstream's business, and so are texts under `prompt`."""
    for body in (
        b'{"messages":  [{"role": "user", "content": "\\"prompt\\": {\\"id\\": \\"tone\\"}"}]}',
        b'{"prompt": {"id": "pmpt_123", "version": "2"}, "messages": []}',
        b'{"prompt": "tone"}',
        b"not json",
    ):
        forward = outcome(mesh.model_copy(update={"pii": mesh.pii.model_copy(update={"enabled": False})}), body)
        assert isinstance(forward, Forward)
        assert forward.body is None


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        ({"id": "refund-reply"}, "needs the variable `customer`"),
        (
            {"id": "refund-reply", "variables": {"customer": 1}},
            "refund-reply@9 must be of the type text",
        ),
        ({"id": "refund-reply", "variables": {"customer": "x", "amount": "much"}}, "must be of the type number"),
        ({"id": "refund-reply", "variables": {"customer": "x", "amount": True}}, "must be of the type number"),
        (
            {"id": "refund-reply", "variables": {"customer": "x", "ada@example.org": 1}},
            "its variables are: customer, amount",
        ),
        ({"id": "refund-reply", "variables": []}, "must be an object"),
        ({"id": "refund-reply", "version": []}, "a version or a label"),
        ({"id": "nobody"}, "there are: refund-reply, split, tone"),
        ({"id": "refund-reply", "variable": {"customer": "ada"}}, "its keys are: id, version, variables"),
    ],
)
def test_what_does_not_fit_is_refused_without_a_value(mesh, prompt, message):
    """With the names of the prompt's own."""
    refused = outcome(mesh, {"prompt": prompt, "messages": []})
    assert isinstance(refused, Refuse)
    assert refused.error.status == 400
    assert message in str(refused.error)
    assert "ada" not in str(refused.error)


def with_template(version):
    """A mesh whose prompt `tone` has this one version, and no folder."""
    text = MESH.replace("  folder: prompts\n", "").replace(", prompt: tone@prod", "")
    return parse(text.replace('{template: "Be brief.", labels: [prod]}', json.dumps(version)))


@settings(deadline=None)
@given(st.text(max_size=60))
def test_what_is_filled_in_is_data(text):
    """No value is a template, and none loses a character."""
    mesh = with_template({"template": "<{{ x }}>", "variables": {"x": "text"}})
    text = re.sub("[\ufdd0\ufdd1]", "", text)
    made = Library(mesh.prompts).get("tone").render({"x": "{{ 7 * 7 }}{% raw %}" + text})
    assert made.replace("\N{WORD JOINER}", "") == "<{{ 7 * 7 }}{% raw %}" + text.replace("\N{WORD JOINER}", "") + ">"


@pytest.mark.parametrize(
    "token",
    [
        "<|im_end|>",
        "<|eot_id|>",
        "</s>",
        "[/INST]",
        "<end_of_turn>",
        "<<SYS>>",
        "<｜end▁of▁sentence｜>",
        "<|start_header_id|>",
        "<think>",
    ],
)
def test_control_tokens_become_text(token):
    """What looks like one is parted; the characters stay."""
    made = plain(f"a {token} b")
    assert token not in made
    assert made.replace("\N{WORD JOINER}", "") == f"a {token} b"


TEMPLATES = Path(__file__).parents[2] / "chat_templates"
TOKENS = re.compile(
    r"<[|｜][^|｜<>\s]+[|｜]>|\[/?[A-Z_]{3,}\]|\[gMASK\]|</?(?:think|tool_call|tool_response|arg_key|arg_value)>|<sop>"
)


def test_control_tokens_of_real_templates_become_text():
    """Those of the templates of models that our server is tried with."""
    tokens = {token for file in TEMPLATES.glob("*.jinja") for token in TOKENS.findall(file.read_text())}
    assert len(tokens) > 40
    assert [token for token in tokens if token in plain(f"a {token} b")] == []


@pytest.mark.parametrize(
    ("template", "values"),
    [
        ("{{ x }}{{ y }}", {"x": "a <|im_", "y": "end|> b"}),
        ("{{ x }}{{ y }}{{ x }}", {"x": "|>", "y": "<|im_end"}),
        ("<|{{ x }}|>", {"x": "im_end"}),
        ("[{{ x }}]", {"x": "/INST"}),
        ("{{ x|lower }}", {"x": "</S>"}),
        ("{{ x|replace('-', '') }}", {"x": "<|im-_end|>"}),
        ("{{ (x ~ y)|trim }}", {"x": "<|im_", "y": "end|>"}),
        ("{% set z %}{{ x }}_end|>{% endset %}{{ z }}", {"x": "<|im"}),
        ("{{ xs|join }}", {"xs": ["<|im_", "end|>"]}),
        ("{{ xs }}", {"xs": ["<|im_end|>"]}),
        ("{% for x in xs %}{{ x }}{% endfor %}", {"xs": list("<|im_end|>")}),
        ("{% macro m(a) %}<|im_{{ a }}{% endmacro %}{{ m(x) }}", {"x": "end|>"}),
    ],
)
def test_no_control_token_comes_together(template, values):
    """Of several variables, of one and the template, or by what the template makes of one. Its own stay."""
    variables = {name: "list" if isinstance(value, list) else "text" for name, value in values.items()}
    mesh = with_template({"template": template + "<|im_start|>", "variables": variables})
    made = Library(mesh.prompts).get("tone").render(values)
    bare = made.replace("\N{WORD JOINER}", "")
    assert len(made) > len(bare)
    assert not TOKENS.search(made.removesuffix("<|im_start|>"))
    assert made.endswith("<|im_start|>")
    assert not re.search("[\ufdd0\ufdd1]", made)


@pytest.mark.parametrize(
    "template",
    [
        "{% for i in range(99999) %}{% for j in range(99999) %}{{ i }}{% endfor %}{% endfor %}",
        "{{ x.__class__.__mro__ }}",
        "{{ 1 / 0 }}",
    ],
)
def test_a_template_can_do_nothing_but_write(template):
    """No endless loop, no attribute of Python's, no other file; its error tells no value."""
    mesh = with_template({"template": template, "variables": {"x": "text"}})
    with pytest.raises(PromptError) as failed:
        Library(mesh.prompts).get("tone").render({"x": "ada@example.org"})
    assert "ada" not in str(failed.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"Be brief."', '"{{ who }}"', "not declared: who"),
        ('"Be brief."', '"{% if %}"', "line 1 is no template"),
        ("prompt: tone@prod", "prompt: tune", "no prompt `tune`"),
        ("prompt: tone@prod", "prompt: tone@7", "no version or label `7`"),
        ("prompt: tone@prod", "prompt: refund-reply", "needs: customer"),
        ("labels: [prod]", "model: nobody", "nothing that a request may name"),
        ("labels: [prod]", "labels: ['1']", "name of a version too"),
        ("labels: [prod]", "variables: {x: {type: number, default: many}}", "the default is no number"),
        ("weight: 75", "weight: -1", "greater than or equal to 0"),
        ("folder: prompts", "folder: nowhere", "is no folder"),
        ('"Be brief."', "'{{ 1|shout }}'", "no filter `shout`"),
        ('"Be brief."', "'{% if 0 %}{{ 1|shout }}{% endif %}'", "no filter `shout`"),
        ('"Be brief."', "'{% if 1 is not strange %}x{% endif %}'", "no test `strange`"),
        ('"Be brief."', "\"{% include 'other' %}\"", "`include` needs another template"),
        ('"Be brief."', '" "', "a prompt says something"),
        ("labels: [prod]", "variables: {first-name: text}", "as `first_name`"),
        ("labels: [prod]", "variables: {loop: text}", "for something else"),
        ("labels: [prod]", "variables: {x: {type: number, default: .inf}}", "the default is no number"),
        ("labels: [prod]", "labels: ['']", "without `@`"),
        ("      1: {template", "      template: {1: {template", "named.tone"),
        ('1: {template: "Be brief.", labels: [prod]}', "template: Be brief.", "a prompt has versions"),
    ],
)
def test_mistakes_are_found_before_anything_runs(folder, old, new, message):
    """By the line of mesh.yaml, or the file."""
    (folder / "mesh.yaml").write_text(MESH.replace(old, new))
    with pytest.raises(InvalidMeshError, match=message):
        load(folder / "mesh.yaml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("---\nlabels: [prod]\n", "does not end"),
        ("---\nlabels: [prod\n---\nx", "not YAML"),
        ("---\n- x\n---\nx", "must be a mapping"),
        ("---\ntemplate: x\n---\nx", "not a key of it"),
        ("---\nlabel: prod\n---\nx", r"refund-reply/11\.md\.label: .*did you mean `labels`"),
        ("---\nlabels: [prod]\n---\nx", "stands on the versions"),
        ("---\nlabels: [prod]\n---", "a prompt says something"),
        ("---\nvariables: {x: string}\n---\n{{ x }}", r"11\.md\.variables\.x\.type"),
        ("{{ x", r"11\.md\.template: line 1 is no template"),
    ],
)
def test_mistakes_in_files_name_the_file(folder, text, message):
    """Each with what is wrong in it."""
    (folder / "prompts" / "refund-reply" / "11.md").write_text(text)
    with pytest.raises(InvalidMeshError, match=message):
        load(folder / "mesh.yaml")


@pytest.mark.parametrize(
    "text", ["\ufeff---\nlabels: [new]\n---\nHi\n", "--- \nlabels: [new]\n---\t\r\nHi", "---\n---\nHi"]
)
def test_front_matter_as_editors_leave_it(folder, text):
    """With a mark of the order of bytes, spaces after a line, or nothing in it."""
    (folder / "prompts" / "refund-reply" / "11.md").write_text(text)
    assert Library(load(folder / "mesh.yaml").prompts).get("refund-reply", "11").render({}) == "Hi"


@pytest.mark.parametrize(
    "name", ["a.md", "refund-reply/11.txt", "refund-reply/11.md.j2", "refund-reply/old/1.md", "refund-reply/11"]
)
def test_a_file_that_looks_like_a_prompt_is_one_or_a_mistake(folder, name):
    """None is left out in silence."""
    (folder / "prompts" / name).parent.mkdir(exist_ok=True)
    (folder / "prompts" / name).write_text("Hi")
    with pytest.raises(InvalidMeshError, match=f"{name} is no prompt"):
        load(folder / "mesh.yaml")


@pytest.mark.parametrize(
    "name", ["README.md", "refund-reply/README.md", "LICENSE", "refund-reply/.2.md.swp", "refund-reply/eval.json"]
)
def test_what_else_may_lie_in_a_repository(folder, name):
    """Is no prompt, and no mistake."""
    (folder / "prompts" / name).write_text("Hi")
    load(folder / "mesh.yaml")


def test_a_changed_file_is_a_changed_mesh(folder):
    """A reload sees a file that changes, one that comes, and one that goes."""
    file = MeshFile(folder / "mesh.yaml")
    file.load()
    seen = {file.stamp()}
    first = folder / "prompts" / "refund-reply" / "9.md"
    for change in (
        lambda: first.write_text(FIRST + "Kindly."),
        lambda: (folder / "prompts" / "refund-reply" / "11.md").write_text("Hello"),
        first.unlink,
    ):
        change()
        assert file.stamp() not in seen
        file.load()
        seen.add(file.stamp())


def test_the_command_line(folder):
    """list, show, diff, render, check."""

    def run(*words):
        result = CliRunner().invoke(cli, ["prompts", *words, "--config", str(folder / "mesh.yaml")])
        return result.exit_code, result.output if result.exception is None or result.exit_code < 2 else result.exception

    code, listed = run("list", "--json")
    assert code == 0
    assert [(e["prompt"], e["version"]) for e in json.loads(listed)][:2] == [
        ("refund-reply", "9"),
        ("refund-reply", "10"),
    ]
    assert "split@1" in run("list")[1]
    assert "Write to {{ customer }}" in run("show", "refund-reply@prod")[1]
    code, changed = run("diff", "refund-reply@9", "refund-reply@10")
    assert code == 1
    assert "+Dear {{ customer }}," in changed
    assert run("diff", "tone", "tone@1")[0] == 0
    assert run("render", "refund-reply", "-v", "customer=12", "-v", "amount=3")[1] == "Write to 12 about 3 euros.\n"
    assert "good: 5 versions" in run("check")[1]
    for words, told in (
        (("render", "tone", "-v", "a=1", "-v", "a=2"), "given twice"),
        (("show", "tone@"), "no version"),
    ):
        refused = CliRunner().invoke(cli, ["prompts", *words, "--config", str(folder / "mesh.yaml")])
        assert refused.exit_code == 2
        assert told in refused.output
