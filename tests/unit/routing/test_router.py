"""Routing: the first rule whose every condition holds decides."""

import pytest

from extproc.config import parse
from extproc.decision import Facts
from extproc.routing import Router

MESH = parse("""
version: 1
intents: {billing: {examples: [pay my bill]}}
models:
  local: {endpoints: [{address: "127.0.0.1:1"}], upstream_name: tiny}
  large: {endpoints: [{address: "127.0.0.1:2"}]}
  other: {endpoints: [{address: "127.0.0.1:3"}]}
routes:
  - {entities: [CREDIT_CARD, US_SSN], model: local, residency: pod}
  - {intent: billing, headers: {X-Team: red}, model: other}
  - {intent: billing, model: large}
default_model: other
default_residency: cluster
""")


@pytest.mark.parametrize(
    ("intent", "entities", "headers", "expected"),
    [
        ("billing", {"US_SSN"}, {}, ("local", "pod", "route[0]", "tiny")),
        ("billing", {"EMAIL_ADDRESS"}, {}, ("large", "external", "route[2]", None)),
        ("billing", (), {"x-team": "red"}, ("other", "external", "route[1]", None)),
        ("billing", (), {"x-team": "blue"}, ("large", "external", "route[2]", None)),
        (None, (), {"x-team": "red"}, ("other", "cluster", "default", None)),
    ],
)
def test_first_match_decides(intent, entities, headers, expected):
    """Conditions of one rule are joined by and; rules are tried in order."""
    decision = Router(MESH).decide(Facts(intent=intent, entities=dict.fromkeys(entities, 1), headers=headers))
    assert (decision.model, decision.residency, decision.reason, decision.upstream_name) == expected
