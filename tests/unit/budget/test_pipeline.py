"""Budgets among the other steps: what nobody refuses is set aside, and what comes to nothing is free again."""

import asyncio
import base64
import json
import random

import pytest
import yaml

from extproc.config import parse
from extproc.decision import Forward, Inquiry, Refuse
from extproc.identity import Caller
from extproc.pipeline import Pipeline
from tests.unit.budget.meshes import BASE, budget

AWAY = {"endpoints": [{"address": "llm.example.com:443", "zone": "external", "tls": True}]}
CHAT = {"model": "any", "messages": [{"role": "user", "content": "card 4111 1111 1111 1111"}], "max_tokens": 100}


def pipeline(**sections):
    """That of a mesh with these sections."""
    names = {"pii": {"names": {"enabled": False}}}
    return Pipeline.build(parse(yaml.safe_dump(BASE | names | {"telemetry": {"usage": True}} | sections)))


def inspect(built, body=CHAT, **headers):
    """What becomes of a chat of Ann's."""
    told = {":method": "POST", ":path": "/v1/chat/completions", "content-type": "application/json", **headers}
    inquiry = Inquiry(
        built.mesh.intercept[0], told[":path"], told, json.dumps(body).encode(), Caller("ann", "p", "red")
    )
    return asyncio.run(built.inspect(inquiry))


def accounts(built, name="b"):
    """Account -> used, reserved."""
    return {line.account: (line.used, line.reserved) for line in built.treasury.lines() if line.budget == name}


def rule(when, **then):
    """A policy of one rule."""
    return {"rules": [{"name": "r", "when": when, "then": then}]}


def test_a_budget_s_reroute_is_asked_about_by_the_policy():
    """The cheaper model may be where the request must not go: it stays, and is flagged."""
    models = BASE["models"] | {"away": AWAY}
    soft = budget(limit=50, mode="soft", reroute="away")
    free = pipeline(models=models, budgets=[soft])
    assert inspect(free).model == "away"
    bound = pipeline(
        models=models,
        budgets=[soft],
        policy=rule('entities.CREDIT_CARD > 0 && destination.zone == "external"', deny="cards stay here"),
    )
    outcome = inspect(bound)
    assert isinstance(outcome, Forward)
    assert outcome.model == "large"
    assert [str(v) for v in outcome.inspection.facts.verdicts if v.action == "flag"] == ["budget:flag:b"]


def test_a_rule_goes_by_what_is_left():
    """Of the caller's own account, before it is refused; and it is no objection to whom the budget does not concern."""
    built = pipeline(
        budgets=[budget(name="my-day", by="caller", limit=300), budget(name="other", only={"team": ["blue"]})],
        policy=rule("budget_left.my_day < 200.0 && budget_left.other > 1e9", deny="nearly spent"),
    )
    assert isinstance(inspect(built), Forward)
    refused = inspect(built)
    assert isinstance(refused, Refuse)
    assert "nearly spent" in str(refused.error)


def test_an_image_costs_less_than_a_text_of_its_size():
    """Some hundred kilobytes of base64 are not a hundred thousand tokens."""
    image = base64.b64encode(b"\x89PNG\r\n\x1a\n" + random.Random(3).randbytes(300_000)).decode()
    part = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{image}"}}
    built = pipeline(budgets=[budget(limit=10**9)])
    inspect(built, CHAT | {"messages": [{"role": "user", "content": [{"type": "text", "text": "what is it?"}, part]}]})
    ((used, _),) = accounts(built).values()
    assert 800 < used < 1200


def test_what_another_step_refuses_costs_nothing():
    """It has not been set aside yet."""
    built = pipeline(budgets=[budget()], policy=rule("caller.team == 'red' && request.tokens > 0", deny="no"))
    assert isinstance(inspect(built), Refuse)
    assert accounts(built) == {}


def test_what_is_refused_after_it_was_set_aside_is_free_again(monkeypatch):
    """Also where nobody waits for it any more."""
    built = pipeline(budgets=[budget()])

    async def leave(_case):
        raise asyncio.CancelledError

    monkeypatch.setattr(type(built.steps[-1]), "__call__", lambda _self, case: leave(case))
    with pytest.raises(asyncio.CancelledError):
        inspect(built)
    assert accounts(built) == {"all": (0, 0)}


def test_the_next_pipeline_goes_on_with_the_accounts():
    """When mesh.yaml is read again."""
    built = pipeline(budgets=[budget()])
    inspect(built)
    after = Pipeline.build(built.mesh.model_copy(), built)
    assert accounts(after) == accounts(built) != {}
