"""What is known of a request: one account that only grows."""

import pytest

from extproc.config.intercept import Intercept
from extproc.decision import Duty, Facts, Inquiry, Verdict
from extproc.identity import Caller


def test_facts_are_total_and_say_what_is_known():
    """A rule may read any of them at any time, and can ask first whether it is known yet."""
    facts = Facts()
    assert (facts.model, facts.entities.get("US_SSN", 0), facts.intent, facts.verdicts) == ("", 0, None, ())
    assert facts.knows("caller", "path", "method", "headers")
    assert not facts.knows("caller", "model")


def test_facts_are_extended_and_never_changed():
    """A step adds to a copy; what it adds is known from then on, whatever its value."""
    before = Facts(path="/v1/chat/completions")
    after = before.with_(model="gpt", tokens=3)
    assert (after.path, after.model, after.tokens) == ("/v1/chat/completions", "gpt", 3)
    assert after.knows("model", "tokens", "path")
    assert (before.model, before.knows("model")) == ("", False)
    assert before.with_(intent=None).knows("intent")
    with pytest.raises(AttributeError):
        before.model = "other"


def test_what_is_not_enforced_does_not_count():
    """A verdict of a dry run is told, and nothing more."""
    dry, real = Verdict("policy", "block", "a", enforced=False), Verdict("policy", "flag", "b")
    assert Facts(verdicts=(dry, real)).enforced() == (real,)


def test_an_inquiry_s_facts():
    """By its headers; what gates have made of them holds."""
    headers = {":method": "POST", "x-team": "red"}
    rule, caller = Intercept(path_prefix="/"), Caller("spiffe://a/b", "red")
    inquiry = Inquiry(rule, "/v1/x?q=1", headers, b"", caller)
    assert inquiry.facts() == Facts(caller, "POST", "/v1/x", headers)
    admitted = Facts(caller, duties=(Duty("guardrails", "injection"),))
    assert Inquiry(rule, "/", headers, b"", caller, admitted).facts() is admitted


@pytest.mark.parametrize(
    ("verdict", "spelled", "told"),
    [
        (Verdict("policy", "flag"), "policy:flag", {"step": "policy", "action": "flag"}),
        (
            Verdict("guardrails", "block", "injection", score=0.0, enforced=False),
            "guardrails:block:injection (dry run)",
            {"step": "guardrails", "action": "block", "reason": "injection", "score": 0.0, "enforced": False},
        ),
        (
            Verdict("budgets", "reroute", "team-red", "small"),
            "budgets:reroute:team-red",
            {"step": "budgets", "action": "reroute", "reason": "team-red", "to": "small"},
        ),
    ],
)
def test_a_verdict_in_words(verdict, spelled, told):
    """Its fields that say something, for JSON, and in one word for metadata and spans."""
    assert str(verdict) == spelled
    assert verdict.told() == told
