"""`intentmesh policy explain` and `test`: rules on one request, and on cases."""

import json

import pytest
import yaml
from click.testing import CliRunner

from extproc.cli import cli
from tests.unit.policy.test_policy import CARD, CARDS, CODE, HEALTH, MESH, rule

GOOD = [
    {
        "name": "contractors may not code",
        "caller": {"id": "bob", "team": "contractors"},
        "request": {"model": "code-1", "text": "hello"},
        "expect": {"denied": "code", "status": 403},
    },
    {
        "name": "staff may",
        "request": {"model": "code-1", "text": "hello"},
        "expect": {"model": "general", "quiet": ["code"]},
    },
    {
        "name": "cards stay",
        "request": {"body": {"model": "x", "messages": [{"role": "user", "content": f"python {CARD}"}]}},
        "expect": {"model": "general", "residency": "pod", "fires": ["cards"], "redacted": False},
    },
    {
        "name": "health is redacted",
        "request": {"text": "my doctor"},
        "expect": {"redacted": True, "residency": "cluster"},
    },
    {
        "name": "claims",
        "caller": {"claims": {"role": "intern"}},
        "request": {"text": "hello"},
        "expect": {"denied": "interns"},
    },
]
RULES = [HEALTH, CODE, CARDS, rule('has(caller.claims.role) && caller.claims.role == "intern"', name="interns")]


def run(tmp_path, cases, *options):
    """The command on these cases."""
    (tmp_path / "mesh.yaml").write_text(MESH + "policy: " + json.dumps(RULES))
    (tmp_path / "cases.yaml").write_text(cases if isinstance(cases, str) else yaml.safe_dump(cases))
    arguments = ["policy", "test", str(tmp_path / "cases.yaml"), "--mesh", str(tmp_path / "mesh.yaml"), *options]
    return CliRunner().invoke(cli, arguments)


def test_cases_that_hold(tmp_path):
    """Each is told, in a list or under `cases`."""
    result = run(tmp_path, GOOD)
    assert (result.exit_code, result.output.count("passed  "), "5 passed, 0 failed" in result.output) == (0, 5, True)
    assert run(tmp_path, {"cases": GOOD}).exit_code == 0


@pytest.mark.parametrize(
    ("case", "problem"),
    [
        ({"expect": {"model": "small"}}, "model: small was expected; it goes to general"),
        ({"expect": {"denied": "code"}}, "denied by: code was expected"),
        ({"expect": {"fires": ["cards"]}}, "cards was to fire, and is quiet"),
        ({"request": {"text": "my doctor"}, "expect": {"quiet": ["health"]}}, "health was to be quiet, and fires"),
        ({"caller": {"claims": {"role": "intern"}}, "expect": {"quiet": ["code"]}}, "it was refused with 403"),
        ({"expect": {"denied": "codes"}}, "there is no rule `codes`; did you mean `code`?"),
    ],
)
def test_cases_that_do_not_hold(tmp_path, case, problem):
    """What was wanted, and what came; exit 1."""
    result = run(tmp_path, [{"name": "x", "request": {"text": "hello"}, **case}], "--json")
    (told,) = json.loads(result.stdout)["cases"]
    assert result.exit_code == 1
    assert not told["passed"]
    assert problem in told["problems"][0]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[]", "has no list of cases"),
        (
            "- {name: x, request: {text: a}, expct: {}}",
            "cases[0].expct: there is no key `expct`; did you mean `expect`?",
        ),
        ("- {name: x, request: {txt: a}, expect: {}}", "did you mean `text`?"),
        ("- {name: x, request: {}, expect: {}}", "give one of `text` and `body`"),
        ("- {name: [", "not YAML"),
        ("- {name: x, request: {text: a, path: /none}, expect: {}}", "no rule of `intercept` matches POST /none"),
    ],
)
def test_mistakes_in_cases(tmp_path, text, sentence):
    """Where, and what would be right."""
    result = run(tmp_path, text)
    assert result.exit_code != 0
    assert sentence in f"{result.output}{result.exception}"


def test_explain(tmp_path):
    """Which rules fire on a body, on what facts, those after a refusal too."""
    (tmp_path / "mesh.yaml").write_text(MESH + "policy: " + json.dumps(RULES))
    body = json.dumps({"model": "code-1", "messages": [{"role": "user", "content": f"doctor {CARD}"}]})
    arguments = ["policy", "explain", str(tmp_path / "mesh.yaml"), "--team", "contractors", "--claim", 'role="x"']
    told = CliRunner().invoke(cli, arguments, input=body, catch_exceptions=False).stdout.splitlines()
    assert told[0] == 'fired    health, asked once it is understood: entities.US_SSN = 0, intent = "health"'
    assert told[1].startswith("fired    code, asked with the body: caller.team = ")
    assert [line[:15] for line in told[2:4]] == ["quiet    cards,", "fired    cards,"]
    assert told[4] == 'quiet    interns, asked at the headers: caller.claims = {"role": "x"}'
    assert told[-1] == "refused with 403: refused by policy: coding models are for staff"
    report = json.loads(CliRunner().invoke(cli, [*arguments, "--json"], input=body).stdout)
    assert (report["outcome"], report["rule"], len(report["rules"])) == ("rejected", "code", 5)
    said = json.loads(CliRunner().invoke(cli, [*arguments, "--json"], input=f"doctor {CARD}").stdout)
    assert said["outcome"] == "forwarded"  # as a user's message, which names no model
