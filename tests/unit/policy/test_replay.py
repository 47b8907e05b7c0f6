"""What the rules of tomorrow would have done last week, by the lines of an audit trail that hold no text."""

import asyncio
import json

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from extproc.cli import cli
from extproc.config.loader import InvalidMeshError
from extproc.decision import Facts, Inquiry
from extproc.exchange.record import ExchangeRecord
from extproc.identity import Caller
from extproc.policy.replay import replay
from extproc.telemetry.audit_facts import AuditFacts
from extproc.telemetry.audit_line import audit_line
from extproc.telemetry.bill import Bill
from tests.unit.policy.test_policy import CARD, CARDS, CODE, CONTRACTOR, HEADERS, HEALTH, MESH, built, mesh, rule

PRICED = MESH.replace("code-large: {", "code-large: {price_per_million: {input: 10, output: 20}, ").replace(
    "general: {", "general: {price_per_million: {input: 1, output: 2}, "
)
AUDIT = "telemetry: {{audit: {{path: a.jsonl, facts: [{}]}}}}\n"


def line(settings, text="hello", caller=None, model="", outcome="forwarded", headers=None, **more):
    """The audit line of a chat that went through the pipeline of a mesh."""
    pipeline = built(settings)
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": text}]}).encode()
    caller = caller or Caller()
    given = HEADERS | (headers or {})
    inquiry = Inquiry(settings.intercept[0], HEADERS[":path"], given, body, caller)
    admission = pipeline.admit(inquiry)
    assert isinstance(admission, Facts)
    inquiry.admission = admission
    forward = asyncio.run(pipeline.inspect(inquiry))
    facts = forward.inspection.facts
    record = ExchangeRecord(
        outcome, 1.79e9, 0.1, caller=caller, model=forward.model, residency=forward.residency, facts=facts, **more
    )
    kept = AuditFacts(settings).told(facts)
    return json.loads(audit_line(record, caller.project, Bill(1000, 1000, 0.03, estimated=False), "d", kept))


@pytest.fixture(scope="module")
def before():
    """The mesh of last week, with a rule of its own, so that entities are told."""
    return mesh([rule("entities.total < 0", {"flag": True}, "old")])


def test_what_would_have_been_denied_and_moved(before):
    """By rule; requests that were refused then are nobody's."""
    from extproc.config.loader import parse

    rows = [
        line(before, caller=CONTRACTOR, model="code-large"),
        line(before, f"python {CARD}"),
        line(before, "my doctor"),
        line(before, "hello"),
        line(before, "hello", outcome="rejected"),
        {"gap": 3},
        None,
    ]
    after = parse(PRICED + "policy: " + json.dumps([HEALTH, CODE | {"mode": "dry_run"}, CARDS]))
    found = replay(after, rows)
    assert (found.lines, found.ended, found.unread) == (5, 1, 2)
    assert dict(found.denied) == {"code": 1}
    assert dict(found.moved) == {("cards", "code-large", "general"): 1}
    assert dict(found.confined) == {"cards": 1, "health": 1}
    assert dict(found.others) == {("health", "redact"): 1}
    assert dict(found.undecidable) == {}
    assert found.cost_then == pytest.approx(0.12)
    assert found.cost_now == pytest.approx(0.03 + 0.03 + 0.003)


def test_no_text_is_kept(before):
    """Of what callers write themselves nothing that the configuration does not know."""
    row = line(
        before,
        "ada@example.org",
        model="canary-7f3a",
        headers={"x-tier": "canary-7f3a"},
        caller=Caller(claims={"sub": "canary-7f3a"}),
    )
    assert "canary-7f3a" not in json.dumps(row)
    assert "ada" not in json.dumps(row)
    assert row["facts"]["entities"] == {"EMAIL_ADDRESS": 1}


@pytest.mark.parametrize(
    ("when", "lacks"),
    [
        ('request.model.startsWith("canary")', "request.model"),
        ('has(caller.claims.role) && caller.claims.role == "x"', "caller.claims.role"),
        ("size(caller.claims) > 0", "caller.claims.*"),
        ('request.headers["X-Tier"] == "gold"', "request.headers.X-Tier"),
        ('request.path == "/v1/x"', "request.path"),
        ('request.tools.exists(t, t == "shell")', "request.tools"),
    ],
)
def test_lines_that_lack_a_fact_are_counted(before, when, lacks):
    """And decide nothing; where the audit keeps the fact, they do."""
    row = line(before, model="canary-7f3a")
    found = replay(mesh([rule(when)]), [row, row])
    assert dict(found.undecidable) == {("r", lacks): 2}
    assert not found.denied
    names = lacks.replace("X-Tier", "x-tier")
    if not lacks.endswith("*"):
        keeping = mesh([rule("entities.total < 0", {"flag": True})], more=AUDIT.format(names))
        caller = Caller(claims={"role": "x", "sub": "y"})
        row = line(keeping, model="canary-7f3a", headers={"x-tier": "gold"}, caller=caller)
        found = replay(mesh([rule(when)]), [row])
        assert not found.undecidable
        assert dict(found.denied) == ({"r": 1} if lacks.split(".")[-1] in ("model", "role", "X-Tier") else {})


def test_a_claim_that_the_token_had_not_is_known_not_to_be_there(before):
    """Kept as such, and not undecidable."""
    keeping = mesh([rule("entities.total < 0", {"flag": True})], more=AUDIT.format("caller.claims.role"))
    found = replay(mesh([rule("!has(caller.claims.role)")]), [line(keeping)])
    assert dict(found.denied) == {"r": 1}


def test_time_is_that_of_the_line(before):
    """And not of now."""
    found = replay(mesh([rule('request.time < timestamp("2026-09-24T00:00:00Z")')]), [line(before)])
    assert dict(found.denied) == {"r": 1}


@pytest.mark.parametrize("name", ["caller.id", "request.headers.authorization", "caller.claims.", "entities.URL"])
def test_what_an_audit_may_keep(name):
    """Nothing that it keeps anyway, and no credential."""
    with pytest.raises(InvalidMeshError, match=r"telemetry\.audit\.facts"):
        mesh([], more=AUDIT.format(name))


def test_the_command(before, tmp_path):
    """As text and as JSON; a part of the trail by `--since`."""
    rows = [line(before, caller=CONTRACTOR, model="code-large"), line(before, f"python {CARD}")]
    rows[1]["time"] = 1.0e9
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows) + "torn {\n")
    (tmp_path / "mesh.yaml").write_text(PRICED + "policy: " + json.dumps([CODE, CARDS]))
    arguments = ["policy", "replay", str(tmp_path / "a.jsonl"), "--mesh", str(tmp_path / "mesh.yaml")]
    told = CliRunner().invoke(cli, arguments, catch_exceptions=False).output
    assert "code: 1 would have been denied" in told
    assert "cards: 1 would have gone to general instead of code-large" in told
    assert "1 lines are no decisions" in told
    assert "cost: 0.0600 USD then, 0.0030 USD with these rules" in told
    report = json.loads(CliRunner().invoke(cli, [*arguments, "--json", "--since", "2020-01-01"]).output)
    assert (report["lines"], report["denied"], report["moved"]) == (1, {"code": 1}, [])
    assert CliRunner().invoke(cli, [*arguments, "--since", "soon"]).exit_code == 2


def test_a_trail_without_rules_is_enough():
    """What rules of tomorrow may name is kept before there are any, but for the language, which is looked for where rules ask."""
    bare = mesh([], more=AUDIT.format(""))
    row = line(bare, f"ada@example.org {CARD}")
    assert row["facts"]["entities"] == {"EMAIL_ADDRESS": 1, "CREDIT_CARD": 1}
    assert line(bare)["facts"]["entities"] == {}
    assert "request.language" not in row["facts"]
    found = replay(mesh([rule('entities.CREDIT_CARD > 0 && request.turns < 9 && intent == ""')]), [row])
    assert (dict(found.denied), dict(found.undecidable)) == ({"r": 1}, {})
    assert dict(replay(mesh([rule('request.language == "de"')]), [row]).undecidable) == {("r", "request.language"): 1}


JUNK = st.sampled_from(
    [None, True, -1, 1e308, float("inf"), float("nan"), "x", "", [], {}, [1], {"a": 1}, "\ud800", 10**40]
)


def spoiled(draw, value):
    """The same with a part of it left out, or turned into something else."""
    if not isinstance(value, dict) or not value:
        return draw(JUNK)
    key = draw(st.sampled_from(sorted(value)))
    what = draw(st.sampled_from(["remove", "replace", "go on"]))
    rest = {name: part for name, part in value.items() if name != key}
    if what == "remove":
        return rest
    return rest | {key: draw(JUNK) if what == "replace" else spoiled(draw, value[key])}


@settings(deadline=None)
@given(st.data())
def test_lines_that_somebody_has_spoiled(before_row, four_rules, data):
    """One of them ends nothing, and what it lacks or has wrong decides no rule: it is undecidable there, never a denial."""
    row = spoiled(data.draw, before_row)
    found = replay(four_rules, [row, before_row])
    assert found.lines + found.unread == 2
    assert found.denied["numbers"] == 0


@pytest.fixture(scope="module")
def four_rules():
    """One of them by numbers of the request."""
    numbers = rule("request.tokens >= 0 && request.turns >= 0 && score >= 0.0", {"flag": True}, "numbers")
    return mesh([CODE, CARDS, HEALTH, numbers])


@pytest.fixture(scope="module")
def before_row(before):
    """A line of last week."""
    return line(before, f"python {CARD}", caller=CONTRACTOR, model="code-large")
