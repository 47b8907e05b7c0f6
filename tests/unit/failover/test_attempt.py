"""What may stand in for a chosen model, and what each attempt asks and gets."""

import asyncio
import json

import pytest

from extproc.config import parse
from extproc.config.loader import InvalidMeshError
from extproc.config.prices import Consumption
from extproc.decision import NOTHING, Forward, Inquiry, Refuse, Ruling, Verdict
from extproc.failover import attempts
from extproc.pipeline import Pipeline
from extproc.render import render

MESH = """
version: 1
models:
  first: {endpoints: [{address: "127.0.0.1:1"}], api: openai, upstream_name: gpt-x, fallback: [second, third]}
  second: {endpoints: [{address: "127.0.0.1:2"}], api: anthropic, upstream_name: claude-x}
  third: {endpoints: [{address: "127.0.0.1:3", zone: cluster}], api: openai}
  other: {endpoints: [{address: "127.0.0.1:4"}]}
default_model: first
pii: {names: {enabled: false}}
"""
SETTINGS = parse(MESH)
PATH = "/v1/chat/completions"
BODY = b'{"model": "auto",  "messages": [{"role": "user", "content": "I am [EMAIL_ADDRESS_1]"}]}'


def inquiry(body=BODY, **headers):
    """A request as the first pass has left it."""
    told = {":method": "POST", ":path": PATH, "content-type": "application/json"}
    told |= {name.replace("_", "-"): value for name, value in headers.items()}
    return Inquiry(SETTINGS.intercept[0], PATH, told, body)


def attempted(name, **headers):
    """What becomes of an attempt at a model."""
    decided = {"x_intentmesh_model": "first", "x_intentmesh_fallback": "second"} | headers
    return asyncio.run(attempts(SETTINGS)[name].inspect(inquiry(**decided)))


def test_only_models_that_are_tried_have_an_attempt():
    """Those that begin, and those that stand in."""
    assert list(attempts(SETTINGS)) == ["first", "second", "third"]


def test_each_attempt_says_it_as_its_own_model_wants():
    """The first in the caller's own bytes but for the name; the second translated; nothing else is looked for."""
    first, second = attempted("first"), attempted("second")
    assert first.body == BODY.replace(b'"auto"', b'"gpt-x"')
    assert (first.model, first.target, first.answer) == ("first", None, ())
    assert (second.model, second.target, json.loads(second.body)["model"]) == ("second", "/v1/messages", "claude-x")
    assert len(second.answer) == 1


@pytest.mark.parametrize(
    ("name", "headers", "reason"),
    [
        ("third", {}, "does not allow it"),
        ("second", {"x_intentmesh_fallback": ""}, "does not allow it"),
        ("third", {"x_intentmesh_fallback": "second,third", "x_intentmesh_residency": "pod"}, "beyond the residency"),
        ("third", {"x_intentmesh_fallback": "third", "x_intentmesh_residency": "moon"}, "beyond the residency"),
    ],
)
def test_an_attempt_that_the_decision_does_not_allow_is_refused(name, headers, reason):
    """With 503, so that Envoy goes on to the next."""
    refused = attempted(name, **headers)
    assert isinstance(refused, Refuse)
    assert (refused.error.status, reason in str(refused.error)) == (503, True)


def test_what_a_stand_in_cannot_carry_is_left_to_the_next():
    """And what the chosen model itself cannot is the caller's fault."""
    body = BODY.replace(b'"auto"', b'"auto", "seed": 1')
    headers = {"x_intentmesh_fallback": "second"}
    models = attempts(SETTINGS)
    refused = asyncio.run(models["second"].inspect(inquiry(body, x_intentmesh_model="first", **headers)))
    assert refused.error.status == 503
    refused = asyncio.run(models["second"].inspect(inquiry(body, x_intentmesh_model="second")))
    assert (refused.error.status, "`seed`" in str(refused.error)) == (400, True)


class Objector:
    """A policy that has something against some destinations."""

    name = "policy"
    edits_answers = False

    def __init__(self, action, where, to=""):
        self._action, self._where, self._to = action, where, to

    async def judge(self, facts, _content):
        """See decision.Judge."""
        if self._action == "err":
            if facts.destination in self._where:
                raise ZeroDivisionError
            return NOTHING
        return Ruling((Verdict(self.name, self._action, to=self._to),)) if facts.destination in self._where else NOTHING


@pytest.mark.parametrize(
    ("objector", "allowed"),
    [
        (None, "second,third"),
        (Objector("block", ["second"]), "third"),
        (Objector("reroute", ["third"], to="other"), "second"),
        (Objector("confine", ["third"], to="pod"), "second"),
        (Objector("confine", ["third"], to="region"), "second,third"),
        (Objector("err", ["second"]), "third"),
        (Objector("flag", ["second", "third"]), "second,third"),
    ],
)
def test_whoever_has_a_say_about_a_destination_is_asked_about_each(objector, allowed):
    """As if it had been chosen; who errs denies."""

    class Judged(Pipeline):
        ROUTED = (*Pipeline.ROUTED, *([lambda _: objector] if objector else []))

    forward = asyncio.run(Judged.build(SETTINGS).inspect(inquiry()))
    assert isinstance(forward, Forward)
    assert (forward.model, forward.set_headers["x-intentmesh-fallback"]) == ("first", allowed)
    assert forward.body is None  # nothing is translated or named before it is known who answers


@pytest.mark.parametrize(
    ("condition", "allowed"),
    [
        ('destination.zone == "cluster"', "second"),
        ('destination.model == "second"', "third"),
        ('entities.EMAIL_ADDRESS > 0 && destination.zone != "pod"', "second,third"),
        ('destination.model in ["second", "third"]', None),
    ],
)
def test_the_policy_holds_at_each_of_them(condition, allowed):
    """Rules over destinations are asked about those that stand in, as about the one that is chosen."""
    rules = json.dumps([{"name": "near", "when": condition, "then": {"deny": "not there"}}])
    settings = parse(f"{MESH}\npolicy: {rules}")
    forward = asyncio.run(Pipeline.build(settings).inspect(inquiry()))
    assert forward.model == "first"
    assert forward.set_headers.get("x-intentmesh-fallback") == allowed


def test_a_model_without_fallbacks_is_as_it_was():
    """No list, and its own name in the body."""
    settings = parse(MESH.replace("default_model: first", "default_model: second"))
    forward = asyncio.run(Pipeline.build(settings).inspect(inquiry()))
    assert (forward.model, forward.target) == ("second", "/v1/messages")
    assert "x-intentmesh-fallback" not in forward.set_headers


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[second, third]", "[second, nobody]", "no model `nobody`"),
        ("[second, third]", "[second, second]", "twice"),
        ("[second, third]", "[first]", "twice"),
        ("fallback: [second, third]", "fallback: [second], capabilities: [tools]", None),
    ],
)
def test_check_finds_fallbacks_that_are_none(old, new, message):
    """By line and key."""
    if message is None:
        text = MESH.replace(old, new).replace("claude-x}", "claude-x, capabilities: []}")
        message = "lacks tools"
    else:
        text = MESH.replace(old, new)
    with pytest.raises(InvalidMeshError, match=message):
        parse(text)


@pytest.mark.parametrize("target", ["istio-sidecar", "istio-gateway", "envoy-gateway", "linkerd"])
def test_targets_that_cannot_do_it_say_so(target):
    """Rather than leave the fallbacks out."""
    with pytest.raises(Exception, match="`fallback` of the model `first` needs internal listeners"):
        render(target, SETTINGS)


def asked_with(*budgets, policy=(), calls=1):
    """What becomes of requests, one after the other, in a mesh with these budgets."""
    priced = MESH.replace("upstream_name: claude-x", "price_per_million: {input: 1000, output: 1000}").replace(
        "fallback: [second, third]", "fallback: [second, third], price_per_million: {input: 1, output: 1}"
    )
    settings = parse(
        priced + f"budgets: {json.dumps(budgets)}\npolicy: {json.dumps(policy)}\ntelemetry: {{usage: true}}\n"
    )
    built = Pipeline.build(settings)
    body = BODY.replace(b'"auto"', b'"auto", "max_tokens": 100')
    return built, [asyncio.run(built.inspect(inquiry(body))) for _ in range(calls)]


def spent(built):
    """(budget, account) -> used, reserved."""
    return {(line.budget, line.account): (line.used, line.reserved) for line in built.treasury.lines()}


def money(**more):
    """A budget in money, for all."""
    return {"name": "m", "by": "all", "unit": "money", "limit": 10, "window": "day"} | more


def test_a_stand_in_that_a_budget_has_not_enough_for_is_passed_over():
    """The chosen model goes on with those that are left; without any, alone; and where it has not enough itself, nowhere."""
    (forward,) = asked_with(money())[1]
    assert forward.set_headers["x-intentmesh-fallback"] == "second,third"
    (forward,) = asked_with(money(limit=0.05))[1]
    assert forward.set_headers["x-intentmesh-fallback"] == "third"
    only = {
        "name": "o",
        "by": "all",
        "unit": "requests",
        "limit": 1,
        "window": "day",
        "only": {"model": ["second", "third"]},
    }
    first, second = asked_with(only, calls=2)[1]
    assert first.set_headers["x-intentmesh-fallback"] == "second,third"
    assert second.set_headers == {}
    (refused,) = asked_with(money(limit=0.0000001))[1]
    assert isinstance(refused, Refuse)
    assert refused.error.status == 429


def test_the_model_that_answers_settles():
    """At its own price, in its own accounts; what was set aside for the others is free again."""
    built, (forward,) = asked_with(
        money(), {"name": "each", "by": "model", "unit": "tokens", "limit": 10_000, "window": "day"}
    )
    (hold,) = forward.inspection.reservations
    before = spent(built)
    assert before["m", "all"][1] > 0.1
    assert {account for budget, account in before if budget == "each"} == {"first", "second", "third"}
    hold.settle("second", Consumption(10, 20))
    after = spent(built)
    assert after["m", "all"] == (pytest.approx(0.03), 0)
    assert after["each", "second"] == (30, 0)
    assert after["each", "first"] == after["each", "third"] == (0, 0)


def test_nobody_knows_how_much_the_model_that_answered_took():
    """It has cost what was set aside for it, and nothing of the others."""
    built, (forward,) = asked_with(money())
    (hold,) = forward.inspection.reservations
    hold.settle("first", None)
    assert spent(built)["m", "all"][0] < 0.001


def test_what_a_stand_in_would_have_done_to_the_answer_is_done_whoever_answers():
    """Who will is not known beforehand."""
    rules = [{"name": "far", "when": 'destination.zone == "cluster"', "then": {"redact_output": True}}]
    settings = parse(f"{MESH}\npolicy: {json.dumps(rules)}")
    forward = asyncio.run(Pipeline.build(settings).inspect(inquiry()))
    assert forward.set_headers["x-intentmesh-fallback"] == "second,third"
    assert [link.name for link in forward.answer] == ["redact"]
