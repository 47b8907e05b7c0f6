"""Rules over caller, request, intent, entities and destination: what they decide, and when."""

import asyncio
import base64
import json
from functools import cache
from pathlib import Path

import pytest

from extproc.config.loader import InvalidMeshError, parse
from extproc.config.places import TOLD, places
from extproc.config.policy_facts import FACTS, Stage
from extproc.decision import Facts, Forward, Inquiry, Refuse, unenforced
from extproc.errors import RuleFailedError
from extproc.exchange.settings import ExchangeSettings
from extproc.identity import Caller
from extproc.intent import IntentScore
from extproc.pipeline import Pipeline
from extproc.policy import rules_of
from extproc.policy.values import Values
from extproc.render.envoy.processor import fails_open

MESH = """\
version: 1
models:
  general: {endpoints: [{address: "127.0.0.1:1"}, {address: "eu.example:443", zone: external, tls: true}]}
  code-large: {endpoints: [{address: "eu.example:443", zone: external, tls: true}], upstream_name: big}
  small: {endpoints: [{address: "127.0.0.1:2"}]}
intents:
  health: {patterns: ['doctor']}
  coding: {patterns: ['python']}
routes: [{intent: coding, model: code-large}]
default_model: general
pii: {names: {enabled: false}}
"""
CARD = "4111 1111 1111 1111"
HEADERS = {":method": "POST", ":path": "/v1/chat/completions", "content-type": "application/json"}


@cache
def shared():
    """What meshes have in common takes long to build."""
    return Pipeline.build(parse(MESH))


def built(settings):
    """The pipeline of a mesh."""
    return Pipeline.build(settings, shared())


def mesh(policy, more=""):
    """One with these rules."""
    return parse(MESH + more + "policy: " + json.dumps(policy))


def rule(when, then=None, name="r", **more):
    """One rule."""
    return {"name": name, "when": when, "then": then or {"deny": "no"}, **more}


def decided(policy, text="hello", caller=None, headers=None, model="m", more="", body=None):
    """What becomes of a chat, through the whole pipeline."""
    settings = policy if not isinstance(policy, list | dict) else mesh(policy, more)
    pipeline = built(settings)
    if body is None:
        body = json.dumps({"model": model, "messages": [{"role": "user", "content": text}]}).encode()
    inquiry = Inquiry(settings.intercept[0], HEADERS[":path"], HEADERS | (headers or {}), body, caller or Caller())
    admission = pipeline.admit(inquiry)
    if not isinstance(admission, Facts):
        return admission
    inquiry.admission = admission
    return asyncio.run(pipeline.inspect(inquiry))


def verdicts(outcome):
    """What was said, in short."""
    return [str(verdict) + (f"->{verdict.to}" if verdict.to else "") for verdict in outcome.inspection.facts.verdicts]


def ledger(outcome):
    """What it went on without."""
    return [tuple(entry) for entry in unenforced(outcome.inspection)]


HEALTH = rule('entities.US_SSN > 0 || intent == "health"', {"residency": "cluster", "redact_output": True}, "health")
CODE = rule(
    'caller.team == "contractors" && request.model.startsWith("code")', {"deny": "coding models are for staff"}, "code"
)
CARDS = rule('entities.CREDIT_CARD > 0 && destination.zone == "external"', {"deny": "cards stay here"}, "cards")
CONTRACTOR = Caller("bob", "red", "contractors")


def test_deny():
    """With the configuration's words and 403, before the body is searched."""
    outcome = decided([HEALTH, CODE, CARDS], model="code-1", caller=CONTRACTOR)
    assert isinstance(outcome, Refuse)
    assert (outcome.error.status, str(outcome.error)) == (403, "refused by policy: coding models are for staff")
    assert verdicts(outcome) == ["policy:block:code"]
    assert not outcome.inspection.facts.knows("entities")
    assert isinstance(decided([HEALTH, CODE, CARDS], model="code-1"), Forward)
    assert isinstance(decided([HEALTH, CODE, CARDS], model="other", caller=CONTRACTOR), Forward)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, "authentication_error"),
        (403, "permission_error"),
        (429, "rate_limit_error"),
        (451, "invalid_request_error"),
    ],
)
def test_deny_with_a_status(status, kind):
    """Any that is an error."""
    outcome = decided([rule("true", {"deny": {"reason": "no", "status": status}})])
    assert (outcome.error.status, outcome.error.error_type) == (status, kind)


def test_confine_and_redact():
    """It stays in the zone, and its answer is redacted."""
    outcome = decided([HEALTH], text="my doctor says")
    assert (outcome.model, outcome.residency) == ("general", "cluster")
    assert [link.name for link in outcome.answer] == ["redact"]
    assert verdicts(outcome) == ["policy:confine:health->cluster", "policy:redact:health"]
    outcome = decided([HEALTH], text="my shoes say")
    assert (outcome.residency, outcome.answer) == ("external", ())


def test_a_destination_is_taken_out():
    """A model that is only abroad is another; one that is here too stays here; what has no card goes where it would."""
    outcome = decided([CARDS], text=f"python {CARD}")
    assert (outcome.model, outcome.residency) == ("general", "pod")
    assert verdicts(outcome) == ["policy:reroute:cards->general", "policy:confine:cards->pod"]
    outcome = decided([CARDS], text=CARD)
    assert (outcome.model, outcome.residency, verdicts(outcome)) == ("general", "pod", ["policy:confine:cards->pod"])
    outcome = decided([CARDS], text="python")
    assert (outcome.model, outcome.residency, verdicts(outcome)) == ("code-large", "external", [])


def test_the_other_model_is_called_by_its_own_name():
    """And the one that was taken out is not."""
    outcome = decided([rule('destination.model == "code-large"')], text="python")
    assert outcome.model == "general"
    assert outcome.body is None  # `model` stays as the caller wrote it: general has no name of its own


def test_no_destination_is_left():
    """It is refused, as the first rule that objected says."""
    outcome = decided([rule('destination.zone in ["pod", "external"]', {"deny": "nowhere"})], text="python")
    assert str(outcome.error) == "refused by policy: nowhere"
    assert verdicts(outcome) == ["policy:block:r"]


def test_confined_beyond_reach():
    """A model that has no endpoint within the bound is another's."""
    outcome = decided([rule('intent == "coding"', {"residency": "pod"})], text="python")
    assert (outcome.model, outcome.residency) == ("general", "pod")


def test_choose_among_models():
    """What the routes choose, if it is among them; else the first that may take it."""
    interns = rule('caller.team == "interns"', {"models": ["small", "general"]})
    intern = Caller("i", "red", "interns")
    assert decided([interns], text="hello", caller=intern).model == "general"
    outcome = decided([interns], text="python", caller=intern)
    assert (outcome.model, verdicts(outcome)) == ("general", ["policy:flag:r", "policy:reroute:r->general"])
    only = rule("true", {"models": ["small"]})
    assert decided([only], text="python").model == "small"
    assert isinstance(decided([only, rule('destination.model == "small"', name="s")]), Refuse)
    assert isinstance(decided([only, rule("true", {"models": ["general"]}, "g")]), Refuse)


def test_change_operators():
    """For this caller's requests alone, and known before they are masked."""
    block = rule('caller.team == "contractors"', {"operators": {"EMAIL_ADDRESS": "block"}})
    outcome = decided([block], text="ada@example.org", caller=CONTRACTOR)
    assert type(outcome.error).__name__ == "BlockedEntityError"
    outcome = decided([block], text="ada@example.org")
    assert b"[EMAIL_ADDRESS_1]" in outcome.body
    last = rule("request.tokens > 3", {"operators": {"CREDIT_CARD": {"operator": "mask", "keep_last": 4}}})
    assert b"1111" in decided([last], text=CARD).body


def test_flag():
    """Told, and nothing else."""
    outcome = decided(
        [rule('request.tools.exists(t, t == "shell")', {"flag": True}), rule("true", {"flag": True}, "all")]
    )
    assert verdicts(outcome) == ["policy:flag:all"]


def test_dry_run():
    """Per rule and for all: told, counted apart, and nothing is done."""
    for policy in (
        [CODE | {"mode": "dry_run"}, CARDS | {"mode": "dry_run"}],
        {"mode": "dry_run", "rules": [CODE, CARDS]},
    ):
        outcome = decided(policy, text=f"python {CARD}", model="code-1", caller=CONTRACTOR)
        assert (outcome.model, outcome.residency) == ("code-large", "external")
        assert verdicts(outcome) == ["policy:block:code (dry run)", "policy:block:cards (dry run)"]
        assert ledger(outcome) == [("policy", "code", "dry_run"), ("policy", "cards", "dry_run")]


@pytest.mark.parametrize(
    "then",
    [
        {"residency": "pod", "redact_output": True},
        {"models": ["small"]},
        {"operators": {"EMAIL_ADDRESS": "block"}},
        {"deny": "no"},
    ],
)
def test_dry_run_of_each_effect(then):
    """The request is as it would be without the rule, and the ledger says which rule it went on without."""
    quiet = decided([rule("request.tokens > 0", then, mode="dry_run")], text="ada@example.org")
    bare = decided([], text="ada@example.org")
    assert (quiet.model, quiet.residency, quiet.body, len(quiet.answer)) == (
        bare.model, bare.residency, bare.body, len(bare.answer),
    )  # fmt: skip
    assert ledger(quiet) == [("policy", "r", "dry_run")]


FAILS = "caller.claims.role == 'x'"


@pytest.mark.parametrize("then", [{"deny": "no"}, {"flag": True}, {"residency": "pod"}, {"models": ["small"]}])
@pytest.mark.parametrize("when", [FAILS, f"request.tokens >= 0 && {FAILS}", "1 / (request.tokens * 0) == 1"])
def test_a_rule_that_errs_denies(when, then):
    """Whatever it would have done; rules beside it are told as they are."""
    outcome = decided([rule("true", {"flag": True}, "beside"), rule(when, then)])
    assert isinstance(outcome.error, RuleFailedError)
    assert outcome.error.status == 503
    assert verdicts(outcome)[-1] == "policy:block:r"


def test_a_rule_that_errs_over_a_destination_denies():
    """Each candidate is taken out."""
    outcome = decided([rule(f'destination.model != "small" && {FAILS}')])
    assert isinstance(outcome.error, RuleFailedError)


def test_a_rule_that_errs_in_dry_run_does_not():
    """It stands in the ledger."""
    outcome = decided([rule(FAILS, mode="dry_run")])
    assert (verdicts(outcome), ledger(outcome)) == (["policy:block:r (dry run)"], [("policy", "r", "dry_run")])


def test_has_is_for_claims():
    """And `||` and `&&` keep an error that does not matter from mattering."""
    asks = rule('has(caller.claims.role) && caller.claims.role == "intern"')
    assert isinstance(decided([asks]), Forward)
    assert isinstance(decided([asks], caller=Caller(claims={"role": "intern"})), Refuse)
    assert isinstance(decided([rule(f"{FAILS} && false", {"flag": True})]), Forward)


@pytest.mark.parametrize(
    ("then", "on_missing", "refused"),
    [
        ({"deny": "no"}, None, True),
        ({"residency": "pod"}, None, True),
        ({"flag": True}, None, False),
        ({"redact_output": True}, None, False),
        ({"deny": "no"}, "skip", False),
        ({"flag": True}, "deny", True),
    ],
)
def test_a_fact_that_came_too_late(then, on_missing, refused):
    """A body that nobody can read tells no intent: deny for what denies or confines, skip and count for the others."""
    more = 'intercept: [{path_prefix: "/v1/", on_unreadable: pass}]\n'
    made = rule('intent == "health"', then, **({"on_missing": on_missing} if on_missing else {}))
    outcome = decided([made], body=b"\xff\x00 no JSON", more=more)
    assert isinstance(outcome, Refuse) is refused
    if refused:
        assert isinstance(outcome.error, RuleFailedError)
    else:
        assert ledger(outcome) == [("policy", "r", "missing"), ("payload", "body", "unreadable")]


def test_facts_are_total():
    """A rule may compare each of them of any request whatever, and none is an error."""
    values = {"string": '!= "x"', "int": ">= 0", "double": ">= 0.0", "bool": "in [true, false]", "strings": "!= ['x']"}
    values |= {"claims": "!= {'x': 1}", "time": "> timestamp('2020-01-01T00:00:00Z')", "headers": '["x-tier"] == ""'}
    named = {name: fact for name, fact in FACTS.items() if not name.startswith("destination")}
    closed = dict.fromkeys(("caller.source", "intent"), "== ''") | {"request.uses": "!= ['vision']"}
    rules = [
        rule(f"{name} {closed.get(name) or values[fact.kind]}", {"flag": True}, name) for name, fact in named.items()
    ]
    outcome = decided(rules, body=b'{"messages": []}')
    assert {verdict.reason for verdict in outcome.inspection.facts.verdicts} == named.keys()
    assert {verdict.action for verdict in outcome.inspection.facts.verdicts} == {"flag"}


def test_every_fact_is_read():
    """From what is known of a request; a name that nothing reads would be an error of each."""
    names = [name for name in FACTS if name != "request.headers"]
    told = places(mesh([]))["general", "pod"]
    assert Values(names).read(Facts(), **told).keys() == set(names)
    assert set(TOLD) == told.keys()


def test_rules_are_asked_as_soon_as_all_is_known():
    """The latest of the facts that they name decides."""
    texts = {
        'caller.team == "a" && request.headers["x"] == ""': Stage.HEADERS,
        "true": Stage.HEADERS,
        "caller.id == request.model": Stage.BODY,
        "request.tokens > 1 && entities.total > 1": Stage.UNDERSTOOD,
        'intent == "health" && destination.zone == "pod"': Stage.ROUTED,
        "request.uses.exists(u, !(u in destination.capabilities))": Stage.ROUTED,
    }
    rules = rules_of(mesh([rule(text, name=f"r{i}") for i, text in enumerate(texts)]))
    assert [rule.stage for rule in rules] == list(texts.values())


def test_headers_are_total_and_read_by_any_case():
    """Without the header it is empty."""
    tier = rule('request.headers["X-Tier"] == "gold"')
    assert isinstance(decided([tier], headers={"x-tier": "gold"}), Refuse)
    assert isinstance(decided([tier]), Forward)


@pytest.mark.parametrize("model", ["\ud800", "\x00", "é" * 5000, "\udfff\ud800x", "💥", ""])
def test_what_is_no_text_is_read_all_the_same(model):
    """Half a surrogate pair, as JSON can say it, is no error and no way past a rule."""
    body = json.dumps({"model": model, "messages": []}).encode()
    assert isinstance(decided([rule('request.model.startsWith("code")')], body=body), Forward)
    assert isinstance(decided([rule("request.tokens >= 0 && request.model != 'never'")], body=body), Refuse)


def test_more_than_the_library_takes_denies():
    """A loop over what a caller sends is bounded; beyond the bound nobody knows what the rule would have said."""
    tools = [{"type": "function", "function": {"name": f"t{i}", "parameters": {}}} for i in range(12_000)]
    body = json.dumps({"model": "m", "messages": [], "tools": tools}).encode()
    outcome = decided([rule('request.tools.exists(t, t == "shell")')], body=body, more="limits: {deadline_ms: 20000}\n")
    assert isinstance(outcome.error, RuleFailedError)


REGISTRY = """\
version: 1
models:
  near: {endpoints: [{address: "127.0.0.1:1"}], owner: platform, capabilities: [tools], context_tokens: 8192}
  far:
    endpoints:
      - {address: "eu.example:443", zone: region, tls: true}
      - {address: "1.2.3.4:443", host: api.openai.com, zone: external, tls: true}
    api: openai-responses
    owner: vendor
    capabilities: [tools, vision]
    sla: {ttft_ms: 300, tokens_per_s: 40}
    data: {trained_by: Others, residency: eu}
    price_per_million: {input: 3, output: 9}
default_model: near
routes: [{headers: {x-far: "yes"}, model: far}]
pii: {names: {enabled: false}}
"""


@pytest.mark.parametrize(
    ("when", "left"),
    [
        ('destination.owner == "vendor"', None),
        ('destination.api == "openai-responses"', None),
        ('destination.provider == "openai"', "region"),
        ('destination.hosts.exists(h, h.endsWith(".openai.com"))', "region"),
        ('"1.2.3.4" in destination.hosts', "region"),
        ('"vision" in destination.capabilities', None),
        ("destination.context_tokens < 8192", None),
        ("destination.sla.ttft_ms > 200 && destination.sla.tokens_per_s >= 40.0", None),
        ('destination.data.trained_by == "Others" && destination.data.residency == "eu"', None),
        ("destination.price.output > 5.0", None),
        ("destination.price.input > 5.0", "external"),
    ],
)
def test_what_the_registry_declares_of_a_destination(when, left):
    """Each fact of a candidate takes it out, or keeps it near where only a far endpoint is meant; what is not said is empty."""
    settings = parse(REGISTRY + "policy: " + json.dumps([rule(when)]))
    outcome = decided(settings, headers={"x-far": "yes"})
    assert (outcome.model, outcome.residency) == (("near", "external") if left is None else ("far", left))


def test_a_model_that_cannot_do_what_a_request_uses_is_left_out():
    """One rule for all of them: what is asked for beside what each model says it can."""
    able = rule("size(destination.capabilities) > 0 && request.uses.exists(u, !(u in destination.capabilities))")
    routes = 'routes: [{headers: {x-any: "yes"}, model: near}, '
    settings = parse(REGISTRY.replace("routes: [", routes) + "policy: " + json.dumps([able]))
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": [image]}]}).encode()
    assert decided(settings, headers={"x-far": "yes"}, body=body).model == "far"
    outcome = decided(settings, body=body)
    assert isinstance(outcome, Refuse)
    assert decided(settings, headers={"x-far": "yes"}).model == "far"


def test_operators_by_intent():
    """The texts are masked when the intent is known: what the rule says of a type, and nothing of others."""
    hide = rule('intent == "health"', {"operators": {"EMAIL_ADDRESS": "redact"}}, "hide")
    sent = decided([hide], text="my doctor is ada@example.org").body
    assert b"[EMAIL_ADDRESS]" in sent
    sent = decided([hide], text="my shop is ada@example.org").body
    assert b"[EMAIL_ADDRESS]" not in sent
    assert b"ada@" not in sent
    block = rule('intent == "health" && caller.team == ""', {"operators": {"EMAIL_ADDRESS": "block"}}, "block")
    outcome = decided([block], text="my doctor is ada@example.org")
    assert isinstance(outcome, Refuse)
    assert "EMAIL_ADDRESS" in str(outcome.error)
    assert isinstance(decided([block], text="my doctor"), Forward)


@pytest.mark.parametrize(("operator", "refused"), [("block", True), ("redact", False)])
def test_operators_by_an_intent_that_nobody_knows(operator, refused):
    """A rule that would block denies, any other is skipped and stands in the ledger; the texts are masked all the same."""
    more = "limits: {deadline_ms: 60}\n"
    made = mesh([rule('intent == "health"', {"operators": {"EMAIL_ADDRESS": operator}})], more)
    pipeline = built(made)
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "it is ada@example.org"}]}).encode()
    inquiry = Inquiry(made.intercept[0], HEADERS[":path"], HEADERS, body, Caller())
    outcome = asyncio.run(pipeline.inspect(inquiry, waited_s=0.05))
    assert isinstance(outcome, Refuse) is refused
    if not refused:
        assert b"ada@" not in outcome.body
        assert ledger(outcome) == [("policy", "r", "missing"), ("intent", "classifier", "late")]


GOOD = rule('caller.team == "a"')


@pytest.mark.parametrize(
    ("policy", "key", "sentence"),
    [
        ([GOOD, rule('caller.tem == "a"', name="s")], "policy[1].when", "s: there is no fact `caller.tem`; did"),
        ({"rules": [rule("intent")]}, "policy.rules[0].when", "says string, where it has to say true or false"),
        ([rule('intent == "helth"')], "policy[0].when", "there is no intent `helth`; did you mean `health`?"),
        ([rule('destination.model in ["general", "smal"]')], "policy[0].when", "no model `smal`; did you mean"),
        ([rule('destination.zone == "abroad"')], "policy[0].when", "there are: pod, cluster, region, external"),
        ([rule('request.headers["authorization"] != ""')], "policy[0].when", "credentials are not shown to the processor"),
        ([rule("true", {"models": ["smal"]})], "policy[0].then.models", "no model `smal`; did you mean"),
        ([rule("true", {"operators": {"EMAIL": "block"}})], "policy[0].then.operators", "did you mean `EMAIL_ADDRESS`?"),
        ([rule('destination.api == "antropic"')], "policy[0].when", "no api `antropic`; did you mean `anthropic`"),
        ([rule('"tool" in destination.capabilities')], "policy[0].when", "no capability `tool`; did you mean `tools`"),
        ([rule('destination.owner != "platform"')], "policy[0].when", "there is no owner `platform`; there are: "),
        ([rule('destination.provider == "opnai"')], "policy[0].when", "no provider `opnai`; did you mean `openai`"),
        ([rule("destination.sla.ttft_ms > 1.5")], "policy[0].when", "does not take int"),
        ([rule('destination.sla == ""')], "policy[0].when", "`destination.sla` is no fact by itself; there are"),
        ([rule('destination.ownr == ""')], "policy[0].when", "did you mean `destination.owner`"),
        ([rule("true", {"require": ["injection"]})], "policy[0].then.require", "there is no guardrail `injection`"),
        ([rule("entities.total > 0", {"operators": {"URL": "keep"}})], "policy[0].then.operators", "which is too late"),
        ([rule('destination.zone == "pod"', {"residency": "pod"})], "policy[0].then.residency", "`deny` takes a destination out"),
        ([rule("true", {"flag": False})], "policy[0].then", "does nothing; give it one of: deny"),
        ([rule("true", {"deny": "a", "residency": "pod"})], "policy[0].then", "`residency` beside `deny` would do nothing"),
        ([rule("true", {"deny": False})], "policy[0].then.deny", "give what the caller is told, in quotes"),
        ([rule("true", {"dney": "a"})], "policy[0].then.dney", "there is no key `dney`; did you mean `deny`?"),
        ([GOOD, GOOD], "policy", "two rules are called `r`"),
        ([rule("true", name="a b")], "policy[0].name", "pattern"),
        ([rule("true", {"deny": {"reason": "x", "status": 200}})], "policy[0].then.deny.status", "greater than or equal to 400"),
        ({"mode": "dryrun", "rules": []}, "policy.mode", "'enforce' or 'dry_run'"),
    ],
)  # fmt: skip
def test_mistakes(policy, key, sentence):
    """Each is told with its key and what would be right, whether rules are listed in `policy` itself or in `rules`."""
    with pytest.raises(InvalidMeshError) as caught:
        mesh(policy)
    assert any(problem.key == key and sentence in problem.message for problem in caught.value.problems), caught.value


def test_facts_that_are_never_known_are_mistakes():
    """Without intents there is none, and where nobody looks nothing is found."""
    without = MESH.replace("routes:", "x:").split("intents:")[0] + "default_model: general\n"
    with pytest.raises(InvalidMeshError, match=r"names the intent, and mesh\.yaml has no `intents`"):
        parse(without + "policy: " + json.dumps([rule('intent == ""')]))
    with pytest.raises(InvalidMeshError, match="nobody looks for any"):
        parse(
            MESH.replace("names: {enabled: false}", "enabled: false")
            + "policy: "
            + json.dumps([rule("entities.total > 0")])
        )


def test_custom_types_are_facts():
    """A recognizer of one's own is counted as every other."""
    own = "pii: {names: {enabled: false}, recognizers: [{entity: STAFF_ID, pattern: 'ACME-[0-9]{6}'}]}"
    settings = parse(
        MESH.replace("pii: {names: {enabled: false}}", own) + "policy: " + json.dumps([rule("entities.STAFF_ID > 0")])
    )
    assert isinstance(decided(settings, text="I am ACME-123456"), Refuse)


def test_the_line_of_a_mistake():
    """That of the rule's own key."""
    text = (
        MESH
        + "policy:\n- name: one\n  then: {deny: 'no'}\n  when: |-\n    caller.team == 'a' &&\n    caller.tem == 'b'\n"
    )
    with pytest.raises(InvalidMeshError) as caught:
        parse(text)
    assert [problem.line for problem in caught.value.problems] == [len(MESH.splitlines()) + 4]


def test_nothing_loads_the_library_where_there_are_no_rules(tmp_path):
    """14 MB stay on the disk."""
    import subprocess
    import sys

    (tmp_path / "mesh.yaml").write_text(MESH)
    code = (
        "import sys; from extproc.config import load; from pathlib import Path; from extproc.pipeline import Pipeline;"
        "Pipeline.build(load(Path(sys.argv[1]))); print('cel_expr_python' in sys.modules)"
    )
    root = Path(__file__).parents[3]
    out = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "mesh.yaml")], capture_output=True, text=True, cwd=root, check=True
    )
    assert out.stdout.strip() == "False"


def test_require_a_guardrail():
    """One that is there; a name that is none is a mistake."""
    more = "guardrails: {jailbreaks: {kind: injection, action: flag}}\n"
    outcome = decided([rule('caller.team == "contractors"', {"require": ["jailbreaks"]})], more=more, caller=CONTRACTOR)
    assert [tuple(duty)[:2] for duty in outcome.inspection.facts.duties] == [("guardrails", "jailbreaks")]
    with pytest.raises(InvalidMeshError, match="there is no guardrail `jailbreak`; did you mean `jailbreaks`"):
        mesh([rule("true", {"require": ["jailbreak"]})], more)


def test_who_needs_the_body_cannot_let_headers_go_first():
    """An Envoy that sends headers before the body is refused where a rule decides by the body."""

    def routes(*rules):
        bare = parse(
            MESH.replace("intents:", "x:").split("x:")[0]
            + "default_model: general\n"
            + "policy: "
            + json.dumps(list(rules))
        )
        return ExchangeSettings.of(bare).routes

    assert not routes(rule('caller.team == "a"'))
    assert routes(rule("request.tokens > 3"))
    assert routes(rule('caller.team == "a"', {"models": ["small"]}))
    assert routes(rule('destination.zone == "external"'))


def test_a_rendered_envoy_fails_closed():
    """Where a rule is enforced, an Envoy that cannot ask lets nothing pass."""
    bare = MESH.replace("pii: {names: {enabled: false}}", "pii: {enabled: false}")
    for rules, closed in (([], False), ([CODE], True), ([CODE | {"mode": "dry_run"}], False)):
        assert fails_open(parse(bare + "policy: " + json.dumps(rules))) is not closed


@pytest.mark.parametrize("reason", ["deadline", "busy"])
def test_a_classifier_that_was_late_knows_no_intent(monkeypatch, reason):
    """A request whose intent nobody could tell in time is none that has no intent: what denies by it denies."""
    made = mesh([rule('intent == "health"')])
    pipeline = built(made)

    async def answer(_asked):
        return IntentScore(None, 0.1, "transformer", reason)

    monkeypatch.setattr(pipeline.classifier, "answer", answer)
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "my knee hurts"}]}).encode()
    outcome = asyncio.run(pipeline.inspect(Inquiry(made.intercept[0], HEADERS[":path"], HEADERS, body, Caller())))
    assert isinstance(outcome.error, RuleFailedError)
    skipped = mesh([rule('intent == "health"', on_missing="skip")])
    pipeline = built(skipped)
    monkeypatch.setattr(pipeline.classifier, "answer", answer)
    outcome = asyncio.run(pipeline.inspect(Inquiry(made.intercept[0], HEADERS[":path"], HEADERS, body, Caller())))
    assert ledger(outcome) == [("policy", "r", "missing"), ("intent", "classifier", "late")]


@pytest.mark.parametrize(
    ("magic", "refused"),
    [(b"%PDF-1.7 ", True), (b"PK\3\4", True), (b"\x89PNG\r\n\x1a\n", True), (b"plain words of a text file. ", False)],
)
def test_what_nobody_looked_into_stays_here(magic, refused):
    """Files in which nobody looks are a fact, whatever they call themselves; a file that is text was searched."""
    data = base64.b64encode(magic + (b"plain " if not refused else bytes(range(256))) * 4).decode()
    part = {"type": "file", "file": {"filename": "a", "file_data": f"data:application/octet-stream;base64,{data}"}}
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": [part]}]}).encode()
    here = [rule('request.unsearched > 0 && destination.zone == "external"', {"deny": "files stay here"}, "files")]
    abroad = "routes: [{when: {tokens: '>0'}, model: code-large}]\n"
    settings = parse(
        MESH.replace("routes: [{intent: coding, model: code-large}]\n", abroad) + "policy: " + json.dumps(here)
    )
    outcome = decided(settings, body=body)
    assert isinstance(outcome, Forward)
    assert outcome.model == ("general" if refused else "code-large")
    assert (outcome.inspection.facts.unsearched > 0) == refused
