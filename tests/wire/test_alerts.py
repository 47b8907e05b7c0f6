"""Every alert, played by Prometheus' own promtool: it fires when what it is for happens, and none fires on a good day."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from extproc.render.alerts import RUNBOOK, groups
from scripts.fetch_debian import find

PROMETHEUS = find("prometheus")
PROMTOOL = PROMETHEUS.with_name("promtool") if PROMETHEUS else None
pytestmark = pytest.mark.skipif(
    PROMTOOL is None or not PROMTOOL.exists(), reason="no promtool; `python3 scripts/fetch_debian.py` says why"
)
ROOT = Path(__file__).parents[2]
UPSTREAM = 'intentmesh_upstream_requests_total{intentmesh_model="phi",intentmesh_status="%s",intentmesh_end="%s"}'
GOOD = {
    'intentmesh_build_info{version="1"}': "1x999",
    'intentmesh_requests_total{intentmesh_outcome="forwarded",intentmesh_model="phi"}': "0+600x999",
    'intentmesh_requests_total{intentmesh_outcome="rejected",intentmesh_model="phi"}': "0+5x999",
    'intentmesh_requests_total{intentmesh_outcome="cancelled",intentmesh_model="phi"}': "0+5x999",
    'intentmesh_requests_total{intentmesh_outcome="cut",intentmesh_model="phi"}': "0x999",
    'intentmesh_requests_total{intentmesh_outcome="unrouted",intentmesh_model="new"}': "0x999",
    'intentmesh_fail_open_total{intentmesh_reason="late"}': "0+1x999",
    'intentmesh_fail_closed_total{intentmesh_reason="MaskingError"}': "0x999",
    'intentmesh_unenforced_total{intentmesh_rule="r",intentmesh_cause="c"}': "0x999",
    'envoy_http_ext_proc_intentmesh_failure_mode_allowed{envoy_http_conn_manager_prefix="intentmesh"}': "0x999",
    'intentmesh_audit_lines_total{intentmesh_outcome="written"}': "0+600x999",
    'intentmesh_audit_lines_total{intentmesh_outcome="lost"}': "0x999",
    "intentmesh_budget_store_away": "0x999",
    "intentmesh_config_rejected_total": "0x999",
    "intentmesh_config_waiting": "0x999",
    'intentmesh_worker_restarts_total{intentmesh_worker="0"}': "0x999",
    'intentmesh_worker_up{intentmesh_worker="0"}': "1x999",
    'intentmesh_worker_cpu_seconds_total{intentmesh_worker="0"}': "0+20x999",
    'intentmesh_telemetry_dropped_total{signal="traces"}': "0x999",
    UPSTREAM % ("2xx", "complete"): "0+600x999",
    UPSTREAM % ("5xx", "complete"): "0+1x999",
    UPSTREAM % ("2xx", "upstream_reset"): "0x999",
}
"""A good day: series -> what they count each minute."""
LATE = {'intentmesh_fail_open_total{intentmesh_reason="late"}': "0+100x999"}
CUT = {'intentmesh_requests_total{intentmesh_outcome="cut",intentmesh_model="phi"}': "0+60x999"}
BAD = {
    "IntentmeshAbsent": ({'intentmesh_build_info{version="1"}': "1x10 _x989"}, "30m"),
    "IntentmeshMaskingFails": (
        {'intentmesh_fail_closed_total{intentmesh_reason="MaskingError"}': "0x20 0+1x979"},
        "25m",
    ),
    "IntentmeshUnenforced": (
        {'intentmesh_unenforced_total{intentmesh_rule="r",intentmesh_cause="c"}': "_x20 1x5"},
        "23m",
    ),
    "IntentmeshBypassed": (
        {
            'envoy_http_ext_proc_intentmesh_failure_mode_allowed{envoy_http_conn_manager_prefix="intentmesh"}': "0x20 0+1x5",
        },
        "25m",
    ),
    "IntentmeshFailsOpen": (LATE, "30m"),
    "IntentmeshDecidesLate": (LATE, "30m"),
    "IntentmeshAuditLost": ({'intentmesh_audit_lines_total{intentmesh_outcome="lost"}': "_x20 3x10"}, "22m"),
    "IntentmeshBudgetStoreAway": ({"intentmesh_budget_store_away": "0x20 1x10"}, "25m"),
    "IntentmeshConfigRejected": ({"intentmesh_config_rejected_total": "0x20 1x10"}, "22m"),
    "IntentmeshConfigWaits": ({"intentmesh_config_waiting": "1x999"}, "2h"),
    "IntentmeshUnrouted": (
        {'intentmesh_requests_total{intentmesh_outcome="unrouted",intentmesh_model="new"}': "_x20 1x5"},
        "23m",
    ),
    "IntentmeshWorkersRestart": ({'intentmesh_worker_restarts_total{intentmesh_worker="0"}': "0x20 0+1x10"}, "30m"),
    "IntentmeshWorkerDown": ({'intentmesh_worker_up{intentmesh_worker="0"}': "0x999"}, "10m"),
    "IntentmeshSaturated": ({'intentmesh_worker_cpu_seconds_total{intentmesh_worker="0"}': "0+58x999"}, "30m"),
    "IntentmeshTelemetryLost": ({'intentmesh_telemetry_dropped_total{signal="traces"}': "0+50x999"}, "30m"),
    "IntentmeshUpstreamFails": (
        {
            UPSTREAM % ("5xx", "complete"): "0+90x999",
        },
        "30m",
    ),
    "IntentmeshUpstreamCuts": (
        {
            UPSTREAM % ("2xx", "upstream_reset"): ("0+30x999"),
        },
        "30m",
    ),
    "IntentmeshAvailabilityBurnsFast": (CUT, "90m"),
    "IntentmeshAvailabilityBurnsSlow": (
        {'intentmesh_requests_total{intentmesh_outcome="cut",intentmesh_model="phi"}': "0+5x999"},
        "7h",
    ),
    "IntentmeshAvailabilityBurnsSteady": (
        {'intentmesh_requests_total{intentmesh_outcome="cut",intentmesh_model="phi"}': "0+1x999"},
        "80h",
    ),
    "IntentmeshDecisionBurnsFast": ({'intentmesh_fail_open_total{intentmesh_reason="late"}': "0+150x999"}, "90m"),
    "IntentmeshDecisionBurnsSlow": ({'intentmesh_fail_open_total{intentmesh_reason="late"}': "0+50x999"}, "7h"),
    "IntentmeshDecisionBurnsSteady": ({'intentmesh_fail_open_total{intentmesh_reason="late"}': "0+8x999"}, "80h"),
}
"""Alert -> what of a good day has to change for it, and when it fires."""


LONG = ("Slow", "Steady")
"""Ends of the names of alerts over hours and days: played with a sample every five minutes."""


def played(series, at, expr, value, *, every):
    """A test of promtool's: after so long an expression has this value."""
    return {
        "interval": every,
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [{"expr": expr, "eval_time": at, "exp_samples": [{"labels": "{}", "value": value}]}],
    }


@pytest.mark.parametrize("span", ["minutes", "days"])
def test_each_alert_fires_and_none_on_a_good_day(tmp_path, span):
    """By Prometheus' own rules engine."""
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": groups()}))
    every, looks = ("1m", "1m") if span == "minutes" else ("5m", "15m")
    quiet = ("10m", "2h") if span == "minutes" else ("80h",)
    cases = [played(GOOD, at, "sum(ALERTS) or vector(0)", 0, every=every) for at in quiet]
    for name, (change, at) in BAD.items():
        if name.endswith(LONG) == (span == "days"):
            assert change.keys() <= GOOD.keys()
            firing = f'clamp_max(sum(ALERTS{{alertname="{name}",alertstate="firing"}}), 1) or vector(0)'
            cases.append(played({**GOOD, **change}, at, firing, 1, every=every))
    tests = {"rule_files": ["rules.yaml"], "evaluation_interval": looks, "tests": cases}
    (tmp_path / "tests.yaml").write_text(yaml.safe_dump(tests))
    for command in (("check", "rules", "rules.yaml"), ("test", "rules", "tests.yaml")):
        done = subprocess.run([str(PROMTOOL), *command], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_has_a_case_and_a_page():
    """Of the runbook, under its own name."""
    names = [rule["alert"] for group in groups() for rule in group["rules"] if "alert" in rule]
    assert sorted(BAD) == sorted(names)
    runbook = (ROOT / RUNBOOK).read_text()
    assert [name for name in names if f"\n## {name}\n" not in runbook] == []
