"""Budgets: what crosses is refused before, and settled by what it took after."""

import time

import pytest

from extproc.budget import Treasury
from extproc.budget import treasury as module
from extproc.config.prices import Consumption
from extproc.decision import Unenforced, Verdict
from extproc.errors import RateLimitExceededError
from extproc.identity import Caller
from tests.unit.budget.meshes import budget, facts, mesh, treasury


def used(kept, name="b"):
    """Account -> spent and set aside, of which set aside."""
    return {line.account: (line.used, line.reserved) for line in kept.lines() if line.budget == name}


def refused(ruling):
    """The refusal of a ruling."""
    assert isinstance(ruling.error, RateLimitExceededError)
    assert [v.action for v in ruling.verdicts][-1] == "block"
    assert ruling.reservation is None
    return ruling.error


def test_the_request_that_would_cross_is_refused():
    """Ten of a hundred tokens fit, all of them under way at once; the next does not, and says what is left."""
    kept = treasury(budget(limit=1050))
    holds = [kept.reserve(facts()).reservation for _ in range(10)]
    assert all(holds)
    error = refused(kept.reserve(facts()))
    assert error.status == 429
    assert "budget `b`: 50 tokens of 1,050 tokens a month are left, and this request may take 100 tokens" in str(error)
    assert 0 < int(error.headers["retry-after"]) <= 31 * 86400
    assert error.headers["x-ratelimit-remaining-tokens"] == "50"
    assert used(kept) == {"all": (1000, 1000)}


def test_settled_by_what_it_took():
    """What was not needed is free again; what took more than was set aside has cost that."""
    kept = treasury(budget())
    small, large = (kept.reserve(facts()).reservation for _ in range(2))
    small.settle("large", Consumption(10, 20))
    assert used(kept) == {"all": (130, 100)}
    large.settle("large", Consumption(10, 490))
    assert used(kept) == {"all": (530, 0)}


def test_settled_once():
    """Whoever comes second changes nothing."""
    kept = treasury(budget())
    hold = kept.reserve(facts()).reservation
    hold.settle("large", Consumption(10, 20))
    hold.settle("large", Consumption(10, 20))
    hold.release()
    assert used(kept) == {"all": (30, 0)}


def test_released_costs_nothing():
    """A request that no model has had."""
    kept = treasury(budget(), budget(name="r", unit="requests", limit=1))
    hold = kept.reserve(facts()).reservation
    refused(kept.reserve(facts()))
    hold.release()
    assert kept.reserve(facts()).reservation
    assert used(kept) == {"all": (100, 100)}


def test_nobody_knows_what_it_took():
    """It has cost all that was set aside."""
    kept = treasury(budget())
    kept.reserve(facts()).reservation.settle("large", None)
    assert used(kept) == {"all": (100, 0)}


def test_an_end_that_is_never_told():
    """Settled at its full amount after `timeout_s`; what is told later comes too late."""
    kept = treasury(budget(), budget_state={"timeout_s": 60})
    hold = kept.reserve(facts()).reservation
    assert kept.book.expire(time.time() + 59) == 0
    assert used(kept) == {"all": (100, 100)}
    assert kept.book.expire(time.time() + 61) == 1
    assert used(kept) == {"all": (100, 0)}
    hold.settle("large", Consumption(1, 1))
    assert used(kept) == {"all": (100, 0)}


def test_numbers_beyond_all_measure():
    """Whatever a caller asks for, and whatever an answer tells: an account holds it, and is full."""
    kept = treasury(budget(mode="soft"), budget(name="m", mode="soft", unit="money", limit=1))
    for _ in range(5):
        kept.reserve(facts(output=10**30, answers=1000)).reservation.settle("large", Consumption(2**53, 2**60))
    assert used(kept)["all"][0] > 2**53
    assert kept.steer(facts()) is None


def test_an_end_that_cannot_be_written_down(monkeypatch):
    """Raises nothing where the exchange ends; the request has cost what was set aside."""
    kept = treasury(budget())
    hold = kept.reserve(facts()).reservation

    def fail(*_):
        raise OSError

    with monkeypatch.context() as patch:
        patch.setattr(kept.book, "settle", fail)
        hold.settle("large", Consumption(1, 1))
        hold.release()
    assert used(kept) == {"all": (100, 100)}


def test_all_or_nothing():
    """A request that one budget refuses has cost no other."""
    kept = treasury(budget(), budget(name="small", limit=50))
    refused(kept.reserve(facts()))
    assert used(kept) == used(kept, "small") == {}


@pytest.mark.parametrize(
    ("by", "account", "other"),
    [
        ("caller", "ann", facts("bob")),
        ("model", "large", facts(model="small")),
        ("team", "red", facts()._replace(caller=Caller("ann", "apollo", "blue"))),
        ("project", "apollo", facts()._replace(caller=Caller("ann", "zeus", "red"))),
    ],
)
def test_accounts_apart(by, account, other):
    """One has used up its own, and the other goes on."""
    kept = treasury(budget(by=by, limit=100))
    assert kept.reserve(facts()).reservation
    refused(kept.reserve(facts()))
    assert kept.reserve(other).reservation
    assert used(kept)[account] == (100, 100)


def test_those_of_whom_nothing_is_known_share_one():
    """Whoever hides who he is gets no account of his own."""
    kept = treasury(budget(by="team", limit=100))
    nobody = facts()._replace(caller=Caller())
    assert kept.reserve(nobody).reservation
    refused(kept.reserve(nobody))
    assert used(kept) == {"unknown": (100, 100)}


def test_limits_of_some_accounts():
    """More, less, and nothing at all."""
    kept = treasury(budget(by="caller", limit=100, limits={"ann": 200, "bob": 0}))
    assert [bool(kept.reserve(facts("ann")).reservation) for _ in range(3)] == [True, True, False]
    refused(kept.reserve(facts("bob")))
    assert kept.reserve(facts("eve")).reservation


def test_only_some_are_concerned():
    """Of several conditions all have to hold."""
    kept = treasury(budget(limit=50, only={"caller": ["ann"], "model": ["large"]}))
    refused(kept.reserve(facts()))
    assert kept.reserve(facts("bob")).reservation is None
    assert kept.reserve(facts(model="small")).reservation is None
    assert not kept.reserve(facts("bob")).verdicts


def test_money():
    """By the model's price, cache and thoughts at their own."""
    prices = {"input": 1, "output": 3, "cache_read": 0.1, "cache_write": 1.25, "reasoning": 6}
    models = {"large": {"endpoints": [{"address": "127.0.0.1:8081"}], "price_per_million": prices}}
    kept = treasury(budget(unit="money", limit=1), models=models)
    hold = kept.reserve(facts(output=1000, tokens=1000)).reservation
    assert used(kept) == {"all": (pytest.approx(0.004), pytest.approx(0.004))}
    hold.settle("large", Consumption(1000, 1000, cache_read=500, cache_write=100, reasoning=200))
    spent = (400 * 1 + 500 * 0.1 + 100 * 1.25 + 800 * 3 + 200 * 6) / 1e6
    assert used(kept)["all"][0] == pytest.approx(spent, abs=1e-9)


def test_soft_flags():
    """What crosses goes on, and is told."""
    kept = treasury(budget(mode="soft", limit=150))
    assert not kept.reserve(facts()).verdicts
    ruling = kept.reserve(facts())
    assert [str(v) for v in ruling.verdicts] == ["budget:flag:b"]
    assert ruling.reservation
    assert ruling.learned["budget_left"]["b"] == -50


def test_soft_reroutes():
    """To the cheaper model, whose own budgets it then counts for; from there it goes nowhere else."""
    kept = treasury(
        budget(mode="soft", unit="money", limit=0.0004, reroute="small"), budget(name="m", by="model", limit=1000)
    )
    assert kept.steers
    assert kept.steer(facts()) is None
    assert kept.reserve(facts()).learned["budget_left"]["b"] == pytest.approx(0.00012)
    verdict = kept.steer(facts())
    assert (verdict.action, verdict.reason, verdict.to) == ("reroute", "b", "small")
    assert kept.steer(facts(model="small")) is None
    kept.reserve(facts(model="small"))
    assert used(kept, "m") == {"large": (100, 100), "small": (100, 100)}


def test_a_reroute_goes_no_farther_than_the_request_may():
    """A model beyond the zone to which another step has confined it is no way out."""
    models = {
        "large": {"endpoints": [{"address": "127.0.0.1:8081"}]},
        "small": {"endpoints": [{"address": "small.example.com:443", "zone": "external", "tls": True}]},
    }
    kept = treasury(budget(mode="soft", limit=50, reroute="small"), models=models)
    confined = facts()._replace(verdicts=(Verdict("policy", "confine", "near", to="cluster"),))
    assert kept.steer(facts()).to == "small"
    assert kept.steer(confined) is None
    assert [v.action for v in kept.reserve(confined).verdicts] == ["flag"]


def test_habit():
    """A request that names no limit is taken for what answers of its model take; each of several answers is."""
    kept = treasury(budget(limit=10_000_000), budget_state={"output_tokens": 500})
    unlimited = facts(output=None)
    hold = kept.reserve(unlimited).reservation
    assert used(kept) == {"all": (510, 510)}
    hold.settle("large", Consumption(10, 100))
    for _ in range(200):
        kept.reserve(unlimited).reservation.settle("large", Consumption(10, 100))
    before = used(kept)["all"][0]
    kept.reserve(facts(output=None, answers=3))
    assert used(kept)["all"][0] - before == pytest.approx(310, abs=10)


def test_no_more_is_set_aside_than_a_model_can_write():
    """Of a limit beyond its context only the context."""
    models = {"large": {"endpoints": [{"address": "127.0.0.1:8081"}], "context_tokens": 200}}
    kept = treasury(budget(), models=models)
    kept.reserve(facts(output=10**8))
    assert used(kept) == {"all": (210, 210)}


@pytest.mark.parametrize(
    ("method", "path", "cost"),
    [
        ("POST", "/v1/chat/completions", 110),
        ("POST", "/v1/messages", 110),
        ("POST", "/anything", 110),
        ("POST", "/v1/embeddings", 10),
        ("POST", "/v1/messages/count_tokens", 10),
        ("POST", "/v1/moderations", 10),
        ("GET", "/v1/files", 10),
    ],
)
def test_what_writes_nothing(method, path, cost):
    """Nothing is set aside for an answer that has no tokens of a model's."""
    kept = treasury(budget(), budget_state={"output_tokens": 100})
    kept.reserve(facts(output=None)._replace(method=method, path=path))
    assert used(kept) == {"all": (cost, cost)}


def test_more_than_a_budget_ever_holds():
    """The refusal says that waiting is no use."""
    error = refused(treasury(budget(limit=50)).reserve(facts()))
    assert "more than the budget ever holds: ask for fewer tokens" in str(error)


@pytest.mark.parametrize(("window", "retries"), [("minute", True), ("month", False)])
def test_clients_are_told_whether_to_try_again(window, retries, monkeypatch):
    """Official clients wait for a minute at most."""
    monkeypatch.setattr(module.time, "time", lambda: 1_700_000_030.0)
    headers = refused(treasury(budget(limit=50, window=window)).reserve(facts())).headers
    assert ("x-should-retry" not in headers) is retries


def test_a_window_ends(monkeypatch):
    """What was spent in it is of the past, and what was set aside in it is settled there."""
    now = [1_700_000_000.0]
    monkeypatch.setattr(module.time, "time", lambda: now[0])
    kept = treasury(budget(limit=100, window="minute"))
    hold = kept.reserve(facts()).reservation
    refused(kept.reserve(facts()))
    now[0] += 60
    assert kept.reserve(facts()).reservation
    hold.settle("large", Consumption(10, 10))
    assert used(kept) == {"all": (100, 100)}
    now[0] += 60
    assert used(kept) == {}
    kept.book.prune(now[0])
    assert len(kept.book.accounts()) == 1  # something is still set aside in it


def test_what_is_left_is_a_fact():
    """Of every budget that can be known before the model is."""
    kept = treasury(budget(), budget(name="m", by="model"), budget(name="r", unit="requests", limit=5, by="caller"))
    kept.reserve(facts())
    assert kept.balance(facts()) == {"b": 900, "r": 4}
    assert kept.balance(facts("bob")) == {"b": 900, "r": 5}


def test_reset():
    """One account or all of a budget; what is set aside stays so."""
    kept = treasury(budget(by="caller"))
    for caller in ("ann", "bob"):
        kept.reserve(facts(caller)).reservation.settle("large", Consumption(10, 40))
    kept.reserve(facts("ann"))
    assert kept.reset("b", "ann") == 1
    assert used(kept) == {"ann": (100, 100), "bob": (50, 0)}
    assert kept.reset("b") == 2
    assert used(kept)["bob"] == (0, 0)
    assert kept.reset("c") is None
    assert kept.reset("b", "nobody") == 0


def test_accounts_outlast_a_reload():
    """Whatever else has changed: what is spent is spent, and open holds settle."""
    before = treasury(budget())
    hold = before.reserve(facts()).reservation
    after = treasury(budget(limit=120), budget(name="new"), previous=before)
    refused(after.reserve(facts()))
    hold.settle("large", Consumption(10, 10))
    assert used(after) == {"all": (20, 0)}
    assert after.reserve(facts()).reservation


def test_what_is_rehearsed_is_spent_nowhere(tmp_path):
    """And each request finds what the first one did."""
    kept = treasury(budget(limit=100), budget_state={"path": str(tmp_path / "accounts")})
    kept.rehearse()
    for _ in range(3):
        assert kept.reserve(facts()).learned["budget_left"] == {"b": 0}
    refused(kept.reserve(facts(output=500)))
    assert not (tmp_path / "accounts").exists()


def test_no_budgets_no_treasury():
    """And no step."""
    assert Treasury.of(mesh()) is None


def test_store_away_is_counted_where_it_goes_on():
    """What went on without a lease is in the ledger; where the policy is closed it is refused, for a moment."""
    for policy in ("open", "closed"):
        state = {"store": {"url": "redis://127.0.0.1:1", "lease": 0.2, "on_store_loss": policy}}
        kept = treasury(budget(), budget_state=state)
        assert [kept.reserve(facts()).unenforced for _ in range(2)] == [(), ()]  # its lease goes on
        ruling = kept.reserve(facts())
        if policy == "open":
            assert ruling.unenforced == (Unenforced("budget", "b", "store_away"),)
            assert ruling.reservation
        else:
            error = refused(ruling)
            assert error.headers["retry-after"] == "1"
            assert "the share of budget `b` that this pod holds is used up" in str(error)
