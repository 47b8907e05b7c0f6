"""Alerts over the processor's metrics, as data: what is wrong, when that is worth waking somebody, and what the first step is.

`docs/runbook.md` has a section for each, and `tests/wire/test_alerts.py` has promtool play each one firing and silent. The
annotations hold no template of Prometheus', so that Helm leaves them alone: an alert's labels say which worker or model it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from extproc.render.document import File, to_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

Data = dict[str, Any]

RUNBOOK = "docs/runbook.md"
HEAD = "Rules for Prometheus, for one that no operator looks after: name this file under `rule_files`.\n"
GROUP, SLO_GROUP = "intentmesh", "intentmesh-slo"
PAGE, TICKET = "critical", "warning"


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert. `holds`: for how long its condition has to hold."""

    name: str
    expr: str
    holds: str
    severity: str
    summary: str
    first: str
    """The first step of whoever is called."""

    def rule(self) -> Data:
        """As Prometheus has it."""
        return {
            "alert": self.name,
            "expr": self.expr,
            **({"for": self.holds} if self.holds else {}),
            "labels": {"severity": self.severity},
            "annotations": {
                "summary": self.summary,
                "description": self.first,
                "runbook": f"{RUNBOOK}#{self.name.lower()}",
            },
        }


@dataclass(frozen=True, slots=True)
class Objective:
    """A share of requests that is to be good, by those that are not."""

    name: str
    target: float
    bad: str
    """Rate of the bad ones, over the window `W`."""
    what: str
    first: str


def _grew(metric: str, window: str = "5m", by: str = "") -> str:
    """Whether a counter counted, its very first time included, before which it was not there at all."""
    grown = f"increase({metric}[{window}]) > 0 or ({metric} > 0 unless {metric} offset {window})"
    return f"sum by ({by}) ({grown})" if by else f"sum({grown})"


ALL = "sum(rate(intentmesh_requests_total[W]))"
BAD_OUTCOMES = "failed|cut|unrouted|unknown"
OBJECTIVES = (
    Objective(
        "availability",
        0.999,
        f'sum(rate(intentmesh_requests_total{{intentmesh_outcome=~"{BAD_OUTCOMES}"}}[W])) '
        "+ (sum(rate(intentmesh_fail_closed_total[W])) or vector(0))",
        "requests end as they should: answered, or refused for a reason of their own",
        "See which outcome and which model it is: intentmesh_requests_total by intentmesh_outcome and intentmesh_model.",
    ),
    Objective(
        "decision",
        0.99,
        "(sum(rate(intentmesh_fail_open_total[W])) or vector(0))",
        "requests are decided in time, and not sent to the default model after a fault",
        "See which fault it is: intentmesh_fail_open_total by intentmesh_reason.",
    ),
)
WINDOWS = ("5m", "30m", "1h", "6h", "3d")
BURNS = (
    ("Fast", 14.4, "1h", "5m", "2m", PAGE),
    ("Slow", 6.0, "6h", "30m", "15m", PAGE),
    ("Steady", 1.0, "3d", "6h", "1h", TICKET),
)
"""Name, how many times faster than allowed, long and short window, for how long, severity: 2, 5 and 10 % of a month's budget."""

ALERTS = (
    Alert(
        "IntentmeshAbsent",
        "absent(intentmesh_build_info)",
        "5m",
        PAGE,
        "No processor is to be seen: requests on intercepted paths fail, since Envoy sends none on unseen.",
        "See whether the processor's pods or units run, and whether Prometheus reaches the admin port.",
    ),
    Alert(
        "IntentmeshMaskingFails",
        _grew(
            'intentmesh_fail_closed_total{intentmesh_reason=~"MaskingError|LateError|UndecidedError"}',
            by="intentmesh_reason",
        ),
        "",
        PAGE,
        "Requests are refused because personal data could not be looked for: nothing leaked, but callers get 503.",
        "Look for masking_failed and step_failed in the processor's log: they name the file and line.",
    ),
    Alert(
        "IntentmeshUnenforced",
        _grew("intentmesh_unenforced_total", by="intentmesh_rule, intentmesh_cause"),
        "",
        PAGE,
        "Requests went on without something that they should have had.",
        "The audit lines with a member unenforced are those requests; the labels name the rule and the cause.",
    ),
    Alert(
        "IntentmeshBypassed",
        'sum(increase({__name__=~"envoy_http_ext_proc_(.+_)?failure_mode_allowed"}[5m])) > 0',
        "",
        PAGE,
        "Envoy sent requests on without having asked the processor.",
        "Its configuration has failure_mode_allow: true, and the processor could not be reached. Where anything is masked, "
        "render it again.",
    ),
    Alert(
        "IntentmeshFailsOpen",
        "sum(rate(intentmesh_fail_open_total[5m])) / sum(rate(intentmesh_requests_total[5m])) > 0.05",
        "10m",
        TICKET,
        "More than 5 % of the requests go to the default model after a fault.",
        "See which fault it is: intentmesh_fail_open_total by intentmesh_reason.",
    ),
    Alert(
        "IntentmeshDecidesLate",
        'sum(rate(intentmesh_fail_open_total{intentmesh_reason="late"}[5m])) / sum(rate(intentmesh_requests_total[5m])) > 0.01',
        "10m",
        TICKET,
        "More than 1 % of the requests are not classified within limits.deadline_ms.",
        "Add workers or processors (intentmesh_worker_cpu_seconds_total), or give them more time.",
    ),
    Alert(
        "IntentmeshAuditLost",
        _grew('intentmesh_audit_lines_total{intentmesh_outcome="lost"}'),
        "",
        PAGE,
        "Audit lines could not be written: decisions are made that no record has.",
        "See whether the disk of telemetry.audit.path is full; audit verify says how many lines are missing.",
    ),
    Alert(
        "IntentmeshBudgetStoreAway",
        "sum(intentmesh_budget_store_away) > 0",
        "2m",
        PAGE,
        "The store of the fleet's budgets does not answer: each pod spends its lease, and then goes by on_store_loss.",
        "See whether the Valkey or Redis of budget_state.store runs, and what budget_store_lost in the processor's log names.",
    ),
    Alert(
        "IntentmeshConfigRejected",
        _grew("intentmesh_config_rejected_total", "15m"),
        "",
        TICKET,
        "A changed mesh.yaml was refused; the last good one is in use.",
        "/readyz says why, with line and key; intentmesh check FILE says the same before the next one is rolled out.",
    ),
    Alert(
        "IntentmeshConfigWaits",
        "max(intentmesh_config_waiting) > 0",
        "1h",
        TICKET,
        "Settings of the mesh.yaml wait for a restart.",
        "/readyz names them; intentmesh serve --replace restarts without a failed request.",
    ),
    Alert(
        "IntentmeshUnrouted",
        _grew('intentmesh_requests_total{intentmesh_outcome="unrouted"}', by="intentmesh_model"),
        "",
        PAGE,
        "Envoy has no route for a model that requests are decided for.",
        "Render Envoy's configuration again from the mesh.yaml that the processor has, and have Envoy take it.",
    ),
    Alert(
        "IntentmeshWorkersRestart",
        "sum by (intentmesh_worker) (increase(intentmesh_worker_restarts_total[15m])) > 2",
        "",
        PAGE,
        "A worker dies again and again; each death fails the requests that it had begun to answer.",
        "worker_died in the log has the exit code: -9 is the kernel or the orchestrator (memory), 1 with a trace above it a hang "
        "of 15 s.",
    ),
    Alert(
        "IntentmeshWorkerDown",
        "intentmesh_worker_up == 0",
        "2m",
        TICKET,
        "A worker does not serve.",
        "See fork_failed, worker_failed and worker_lags in the log, and whether the process is stopped.",
    ),
    Alert(
        "IntentmeshSaturated",
        "rate(intentmesh_worker_cpu_seconds_total[5m]) > 0.85",
        "10m",
        TICKET,
        "A worker uses its core to more than 85 %: decisions will be late before long.",
        "Add workers (processor.workers) where there are cores, else replicas.",
    ),
    Alert(
        "IntentmeshTelemetryLost",
        "sum by (signal) (increase(intentmesh_telemetry_dropped_total[15m])) > 100",
        "",
        TICKET,
        "Telemetry is lost: a receiver is down or too slow.",
        "The label signal says which: traces and metrics go to telemetry.otlp, audit-* to telemetry.audit.ship, usage comes "
        "from Envoy.",
    ),
    Alert(
        "IntentmeshUpstreamFails",
        'sum by (intentmesh_model) (rate(intentmesh_upstream_requests_total{intentmesh_status="5xx"}[5m])) '
        "/ sum by (intentmesh_model) (rate(intentmesh_upstream_requests_total[5m])) > 0.05",
        "5m",
        PAGE,
        "More than 5 % of a model's answers are errors of its server.",
        "See its endpoints: intentmesh_upstream_requests_total by intentmesh_endpoint, and Envoy's /clusters.",
    ),
    Alert(
        "IntentmeshUpstreamCuts",
        'sum by (intentmesh_model) (rate(intentmesh_upstream_requests_total{intentmesh_end=~"upstream_.+|idle_timeout"}[5m])) '
        "/ sum by (intentmesh_model) (rate(intentmesh_upstream_requests_total[5m])) > 0.01",
        "5m",
        TICKET,
        "More than 1 % of a model's answers break off before their end.",
        "upstream_timeout: raise models.NAME.timeout_s; upstream_reset: the server died or was restarted without draining.",
    ),
)


def groups() -> list[Data]:
    """Groups of rules, as Prometheus has them."""
    burning = [alert.rule() for objective in OBJECTIVES for alert in _burning(objective)]
    return [
        {"name": GROUP, "rules": [alert.rule() for alert in ALERTS]},
        {"name": SLO_GROUP, "rules": [*_ratios(), *burning]},
    ]


def file(path: str) -> File:
    """The rules as a file for a Prometheus without the operator."""
    return File(path, to_yaml([{"groups": groups()}], head=HEAD))


def _ratio(objective: Objective, window: str) -> str:
    return f"intentmesh:{objective.name}_errors:ratio_rate{window}"


def _ratios() -> Iterator[Data]:
    for objective in OBJECTIVES:
        for window in WINDOWS:
            expr = f"({objective.bad}) / {ALL}".replace("[W]", f"[{window}]")
            yield {"record": _ratio(objective, window), "expr": expr}


def _burning(objective: Objective) -> Iterator[Alert]:
    budget = 1 - objective.target
    for pace, factor, long, short, holds, severity in BURNS:
        limit = f"{factor * budget:.6g}"
        yield Alert(
            f"Intentmesh{objective.name.capitalize()}Burns{pace}",
            f"{_ratio(objective, long)} > {limit} and {_ratio(objective, short)} > {limit}",
            holds,
            severity,
            f"{objective.target:.1%} of the {objective.what}: the share that may fail is used up {factor:g} times too fast.",
            objective.first,
        )
