"""Budgets in mesh.yaml: every mistake is named with its line and what would be right."""

import pytest

from extproc.config import parse
from extproc.config.loader import InvalidMeshError

GOOD = """\
version: 1
models:
  general: {endpoints: [{address: "127.0.0.1:8081"}]}
  away: {endpoints: [{address: "llm.example.com:443", zone: external, tls: true}]}
default_model: general
identity: {headers: {id: x-id}}
budgets:
- {name: a, by: caller, unit: tokens, limit: 100, window: day}
- {name: b, unit: requests, limit: 5, window: minute, mode: soft, reroute: general}
budget_state: {timezone: Europe/Berlin, store: {url: "redis://valkey:6379"}}
"""


def test_good():
    """As it stands."""
    mesh = parse(GOOD)
    assert [budget.name for budget in mesh.budgets] == ["a", "b"]
    assert mesh.counts_tokens
    assert mesh.reads_usage


@pytest.mark.parametrize(
    ("change", "line", "key", "message"),
    [
        (("reroute: general", "reroute: genral"), 9, "budgets[1].reroute", "did you mean `general`?"),
        (("mode: soft, ", ""), 9, "budgets[1]", "`reroute` needs `mode: soft`"),
        (("name: b", "name: a"), 9, "budgets[1].name", "there is a budget `a` above"),
        (("by: caller", "by: team"), 8, "budgets[0].by", "nothing in `identity` tells one team from another"),
        (("limit: 100", "limit: 1.5"), 8, "budgets[0]", "a limit in tokens is a whole number"),
        (("limit: 100", "limit: -1"), 8, "budgets[0].limit", "greater than 0"),
        (("window: day", "window: fortnight"), 8, "budgets[0].window", "'minute', 'hour', 'day', 'week' or 'month'"),
        (("unit: tokens", "unit: money"), 8, "budgets[0].unit", "nobody says what `away` costs"),
        (("limit: 5", "limit: 5, limits: {x: 3}"), 9, "budgets[1]", "`by: all` has one account only"),
        (
            ("window: day", "window: day, only: {model: [gneral]}"),
            8,
            "budgets[0].only.model[0]",
            "did you mean `general`?",
        ),
        (("by: caller", "by: model, limits: {x: 1}"), 8, "budgets[0].limits.x", "there is no model `x`"),
        (("window: day", "window: day, limits: {x: -3}"), 8, "budgets[0].limits", "cannot be negative"),
        (("Europe/Berlin", "Europe/Berlim"), 10, "budget_state.timezone", "there is no time zone `Europe/Berlim`"),
        (("redis://", "http://"), 10, "budget_state.store.url", "begins with redis://, rediss:// or unix://"),
        (("valkey:6379", "valkey:port"), 10, "budget_state.store.url", "a port that is none"),
        (("redis://", "redis://:pw@"), 10, "budget_state.store.url", "name that as `password_file`"),
        (
            ("budgets:", "telemetry: {usage: false}\nbudgets:"),
            9,
            "budgets[0].unit",
            "take `telemetry.usage: false` out",
        ),
        (
            ("budgets:", "telemetry: {enabled: false}\nbudgets:"),
            9,
            "budgets[0].unit",
            "needs `telemetry.enabled: true`",
        ),
    ],
)
def test_each_mistake_once(change, line, key, message):
    """One mistake, one problem that says where it is."""
    with pytest.raises(InvalidMeshError) as caught:
        parse(GOOD.replace(*change))
    found = [(p.line, p.key, p.message) for p in caught.value.problems]
    assert any(f[:2] == (line, key) and message in f[2] for f in found), found


def test_state_of_nothing():
    """A state without budgets is a mistake too."""
    with pytest.raises(InvalidMeshError, match="there are no `budgets` whose state this would be"):
        parse("\n".join(line for line in GOOD.split("\n") if "name: " not in line and line != "budgets:"))
