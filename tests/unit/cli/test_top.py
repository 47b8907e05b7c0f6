"""`intentmesh top`: what two looks at the metrics become on a screen of 80 columns."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from rich.console import Console

from extproc.cli import cli
from extproc.cli.top import UnreachableError, samples_of, screen, summary
from extproc.telemetry import instruments as names
from extproc.telemetry.meter import Meter
from extproc.telemetry.prometheus import negotiated

LONG = "a_very_long_name_of_an_intent_that_fits_nowhere_at_all"


def look(meter):
    """One look."""
    return samples_of(negotiated(meter.snapshot(), "")[0].decode())


def busy(meter, intents=("hardware_telemetry", LONG, "")):
    """Some requests."""
    for intent in intents:
        meter.add(names.REQUESTS, 10, (intent, "telemetry", "", "static", "route[0]", "forwarded"))
        for _ in range(10):
            meter.record(names.OPERATION_DURATION, 0.03, ("chat", "llama.cpp", "telemetry", "", ""))
        meter.record(names.STEP_DURATION, 0.06, ("pii",))
    meter.add(names.ENTITIES, 5, ("EMAIL_ADDRESS", "replace"))
    meter.add(names.PROJECT_TOKENS, 1234, ("red", "i", "telemetry", "input", "false"))
    meter.add(names.PROJECT_COST, 0.5, ("red", "i", "telemetry"))


def printed(view):
    """The lines of a screen of 80 columns."""
    console = Console(width=80, height=40, record=True, force_terminal=False, file=None)
    with console.capture() as capture:
        console.print(screen(view, "127.0.0.1:9464"))
    return capture.get().splitlines()


def test_figures_are_those_between_two_looks():
    """Rates and latency are of the interval, entities and money since the start."""
    meter = Meter()
    busy(meter)
    before = look(meter)
    busy(meter)
    view = summary(before, look(meter), 2.0)
    assert view["requests_per_s"] == 15.0
    assert view["requests"] == 60
    assert view["intents"]["hardware_telemetry"] == 10
    assert 20 < view["latency_ms"]["p50"] <= 40
    assert view["added_ms"] == 6.0
    assert view["entities"] == {"EMAIL_ADDRESS": 10}
    assert view["cost"] == {"red": 1.0}


def test_fits_eighty_columns():
    """No line is wider; a name that does not fit is cut, figures never are; troubles show only where there are some."""
    meter = Meter()
    before = look(meter)
    busy(meter)
    lines = printed(summary(before, look(meter), 1.0))
    text = "\n".join(lines)
    assert max(map(len, lines)) <= 80
    assert "30.0 requests/s" in text
    assert "a_very_long_name" in text
    assert "…" in text
    assert "2,468" not in text
    assert "1,234 0.5000" in text
    assert "fault" not in text
    meter.add(names.FAIL_OPEN, 3, ("late",))
    assert "default model after a fault: 3" in "\n".join(printed(summary(before, look(meter), 1.0)))


def test_many_names_are_summed_up():
    """A mesh of 150 intents does not scroll."""
    meter = Meter()
    before = look(meter)
    busy(meter, [f"[bold]{number}" for number in range(150)])
    lines = printed(summary(before, look(meter), 1.0))
    assert len(lines) < 30
    assert any("144 more" in line for line in lines)
    assert any("[bold]0" in line for line in lines)


def test_budgets():
    """Share of each account that a metric knows, the most exhausted first; a limit of nothing has no share."""
    meter = Meter()
    busy(meter)
    for account, limit, used in (("a", 100, 20), ("b", 0, 0), ("other", 50, 40)):
        meter.set(names.BUDGET_LIMIT, limit, ("day", account, "tokens"))
        meter.set(names.BUDGET_USED, used, ("day", account, "tokens"))
    view = summary(look(meter), look(meter), 1.0)
    assert list(view["budgets"].items()) == [("day other", (40, 50)), ("day a", (20, 100)), ("day b", (0, 0))]
    assert any("day other" in line and "80%" in line for line in printed(view))


def test_nothing_at_all():
    """An idle processor is a screen too; one that was started anew counts from there."""
    meter = Meter()
    assert printed(summary(look(meter), look(meter), 1.0))
    busy(meter)
    assert summary(look(meter), look(Meter()), 1.0)["requests_per_s"] == 0.0


@pytest.mark.parametrize("admin", ["127.0.0.1:1", "127.0.0.1:x", "", "[::1"])
def test_says_where_it_cannot_connect(admin):
    """One message, with the way out, and no traceback."""
    result = CliRunner().invoke(cli, ["top", "--admin", admin])
    assert isinstance(result.exception, UnreachableError)
    assert "--admin" in str(result.exception)
    assert "no processor answers on http://" in str(result.exception)
