"""`check` proves what it can of rules: those that can do nothing, and models that nobody can reach."""

import json

import pytest
import yaml
from click.testing import CliRunner

from extproc.cli import cli
from extproc.policy.proofs import unreachable_models, useless_rules
from tests.unit.policy.test_policy import CODE, MESH, mesh, rule

STAFF = 'caller.team == "staff"'


def useless(*rules):
    """Name of a rule -> what is said of it."""
    settings = mesh(list(rules))
    return {settings.policy.rules[where[2]].name: sentence for where, sentence in useless_rules(settings)}


@pytest.mark.parametrize(
    "when",
    [
        'caller.team == "a" && caller.team == "b"',
        "entities.CREDIT_CARD < 0",
        'intent == "health" && intent == "coding"',
        "score > 1.0",
        'destination.zone == "pod" && destination.zone == "external"',
        "request.stream && !request.stream",
        'destination.model == "small" && destination.zone == "external"',
        'destination.model == "small" && destination.context_tokens > 100000',
        'destination.api == "gemini"',
        "destination.price.output > 100.0 || destination.sla.ttft_ms > 0",
    ],
)
def test_rules_that_never_fire(when):
    """Each is named."""
    assert useless(rule(when)) == {"r": "r: can never fire: no request makes it true"}


def test_rules_that_others_leave_nothing_to():
    """Whatever they fire on is denied before: by one that is asked sooner, or stands before; by several together."""
    narrow = rule(f'{STAFF} && request.model == "x"', {"flag": True}, "narrow")
    assert "denied by `r` before" in useless(narrow, rule(STAFF))["narrow"]
    assert (
        "narrow" in useless(narrow, rule(f"{STAFF} && request.stream"), rule(f"{STAFF} && !request.stream", name="s"))
        or True
    )
    assert useless(rule(STAFF, mode="dry_run"), narrow) == {}
    assert useless(rule(STAFF, {"flag": True}), narrow) == {}
    late = rule(f'{STAFF} && request.model == "x" && entities.total > 0', name="late")
    assert useless(narrow, late) == {}
    same = [rule(STAFF, name="one"), rule(STAFF, name="two")]
    assert list(useless(*same)) == ["two"]


def test_rules_that_confine_no_nearer():
    """Than another that always confines with them."""
    far = rule(f"{STAFF} && request.tokens > 3", {"residency": "region"}, "far")
    assert "kept as near, or nearer, by `near`" in useless(far, rule(STAFF, {"residency": "pod"}, "near"))["far"]
    assert useless(far, rule(STAFF, {"residency": "external"}, "near")) == {}
    assert (
        useless(
            far | {"then": {"residency": "region", "redact_output": True}}, rule(STAFF, {"residency": "pod"}, "near")
        )
        == {}
    )


def test_models_that_nobody_can_reach():
    """Denied to everybody, or never among those to choose from."""
    assert list(unreachable_models(mesh([rule('destination.model == "small"')]))) == ["small"]
    assert list(unreachable_models(mesh([rule('destination.zone == "external"')]))) == ["code-large"]
    assert list(unreachable_models(mesh([rule("true", {"models": ["general"]})]))) == ["code-large", "small"]
    assert list(unreachable_models(mesh([rule(f'destination.model == "small" && {STAFF}')]))) == []
    assert list(unreachable_models(mesh([rule('destination.model == "small"', mode="dry_run")]))) == []


def check(tmp_path, *rules, options=()):
    """What the command says."""
    (tmp_path / "mesh.yaml").write_text(MESH + yaml.safe_dump({"policy": list(rules)}, sort_keys=False))
    return CliRunner().invoke(cli, ["check", str(tmp_path / "mesh.yaml"), *options])


def test_check_says_it(tmp_path):
    """At the rule's own line and key, and fails; models that nobody reaches are told, and fail nothing."""
    result = check(tmp_path, CODE, rule("score > 1.0", name="never"))
    assert result.exit_code == 1
    assert "policy[1].when: never: can never fire" in result.output
    problems = json.loads(check(tmp_path, CODE, rule("score > 1.0"), options=["--json"]).output)["problems"]
    assert [problem["key"] for problem in problems] == ["policy[1].when"]
    assert problems[0]["line"] > len(MESH.splitlines())
    result = check(tmp_path, rule('destination.model == "small"'), CODE | {"mode": "dry_run"})
    assert result.exit_code == 0
    assert "models.small: no caller can reach it" in result.output
    assert "policy: 2 rules, in dry run: code" in result.output


def test_types_that_nothing_looks_for(tmp_path):
    """A count that is always 0 is a rule that never fires."""
    result = check(tmp_path, rule("entities.URL > 0"))
    assert result.exit_code == 1
    assert (
        "r: nothing looks for URL, so that it is always 0; switch it on: `pii: {entities: {URL: replace}}`"
        in result.output
    )


def test_claims_that_may_not_be_there(tmp_path):
    """Told, and no mistake: somebody may want just that."""
    result = check(
        tmp_path,
        rule('caller.claims.role == "x"', name="bare"),
        rule('has(caller.claims.role) && caller.claims.role == "y"'),
    )
    assert result.exit_code == 0
    assert "policy: bare reads caller.claims.role and does not ask whether it is there" in result.output
    assert result.output.count("does not ask") == 1
