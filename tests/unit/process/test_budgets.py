"""Budgets on the admin port: shown and reset for who is near, and their metrics."""

import json
import urllib.error
import urllib.request

import pytest

from extproc.config.prices import Consumption
from extproc.process import admin as admin_module
from extproc.process.admin import Admin
from extproc.process.budgets import measure, obey
from extproc.telemetry.instruments import BUDGET_EXHAUSTED, BUDGET_LIMIT, BUDGET_USED
from extproc.telemetry.meter import Meter
from tests.unit.budget.meshes import budget, facts, treasury


@pytest.fixture
def kept():
    """Ann has spent 40 of her 100 tokens."""
    made = treasury(budget(by="caller", limit=100, limits={"bob": 10}))
    made.reserve(facts(output=90)).reservation.settle("large", Consumption(10, 30))
    return made


@pytest.fixture
def port(kept):
    """Of a processor that keeps them."""
    admin = Admin(
        "127.0.0.1:0", snapshot=dict, ready=lambda: (True, {}), config=dict, budgets=lambda order: obey(kept, order)
    )
    yield admin.port
    admin.close()


def ask(port, path="/budgets", order=None, kind="application/json"):
    """Status and what is told."""
    data = order if order is None or isinstance(order, bytes) else json.dumps(order).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, {"content-type": kind})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_show(port):
    """Every account that somebody has spent of."""
    status, told = ask(port)
    assert status == 200
    (line,) = told["accounts"]
    assert (line["account"], line["used"], line["reserved"], line["left"], line["label"]) == ("ann", 40, 0, 60, "other")


def test_reset(port):
    """One account, all of them; and a budget that there is not."""
    assert ask(port, "/budgets/reset", {"reset": "b", "account": "ann"}) == (200, {"reset": 1})
    assert ask(port)[1]["accounts"][0]["used"] == 0
    assert ask(port, "/budgets/reset", {"reset": "b"}) == (200, {"reset": 1})
    assert ask(port, "/budgets/reset", {"reset": "c"}) == (404, {"error": "there is no budget `c`; there are: b"})


@pytest.mark.parametrize(
    ("path", "order", "kind", "status"),
    [
        ("/budgets/reset", {"reset": "b"}, "text/plain", 415),
        ("/budgets/reset", b"not json", "application/json", 400),
        ("/budgets/reset", {"account": "ann"}, "application/json", 400),
        ("/budgets/reset", ["b"], "application/json", 400),
        ("/config", {"reset": "b"}, "application/json", 404),
        ("/budgets/reset", b" " * 5000, "application/json", 400),
    ],
)
def test_orders_that_are_none(port, path, order, kind, status):
    """Each is said, and changes nothing."""
    assert ask(port, path, order, kind)[0] == status
    assert ask(port)[1]["accounts"][0]["used"] == 40


def test_for_who_is_near(port, monkeypatch):
    """Accounts name callers, and the port may be open to a Prometheus."""
    monkeypatch.setattr(admin_module, "_is_near", lambda _: False)
    assert ask(port)[0] == ask(port, "/budgets/reset", {"reset": "b"})[0] == 403


def test_a_mesh_without_budgets():
    """Says so."""
    assert obey(None, {}) == (404, {"error": "this mesh has no budgets"})


def test_metrics_know_accounts_by_names_of_the_configuration(kept):
    """Of all others the one that has spent most, so that callers make no labels."""
    for caller, output in (("eve", 70), ("joe", 20), ("bob", 0)):
        kept.reserve(facts(caller, output=output))
    meter = Meter()
    measure(kept, meter)
    told = meter.snapshot()
    assert told[BUDGET_USED.name] == {("b", "bob", "tokens"): [10.0], ("b", "other", "tokens"): [80.0]}
    assert told[BUDGET_LIMIT.name] == {("b", "bob", "tokens"): [10.0], ("b", "other", "tokens"): [100.0]}
    assert told[BUDGET_EXHAUSTED.name] == {("b",): [1.0]}
