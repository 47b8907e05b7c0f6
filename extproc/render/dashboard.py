"""The Grafana dashboard over the processor's metrics, as data: rows of panels, each a title, a unit and its queries.

`tests/wire/test_dashboard.py` runs every query against a real Prometheus that scrapes a real processor.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from extproc.render.document import File

WIDTH = 24
"""Columns of Grafana's grid."""
HEIGHT = 8
RATE = "$__rate_interval"
PLACE = 'namespace=~"$namespace", pod=~"$pod"'
"""Labels that Prometheus gives what it scrapes in a cluster; elsewhere `All` takes those that have none."""
PROJECT = 'intentmesh_project=~"$project"'


@dataclass(frozen=True, slots=True)
class Panel:
    """One graph: Grafana's name of the unit, and label -> PromQL."""

    title: str
    unit: str
    queries: dict[str, str]
    kind: str = "timeseries"


def _of(metric: str, only: str = "") -> str:
    """A metric of the pods that are chosen. `only`: more that its labels have to be."""
    return f"{metric}{{{', '.join(filter(None, (PLACE, only)))}}}"


def _rate(metric: str, by: str, only: str = "") -> str:
    rate = f"(rate({_of(metric, only)}[{RATE}]))"
    return f"sum by ({by}) {rate}" if by else f"sum{rate}"


def _quantile(share: float, metric: str, by: str = "", only: str = "") -> str:
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({share}, sum by ({labels}) (rate({_of(f'{metric}_bucket', only)}[{RATE}])))"


DURATION = "gen_ai_client_operation_duration_seconds"
MONEY = "money"
"""Unit of the panels that show costs; Grafana is told the currency."""
STEP = "intentmesh_step_duration_seconds"
FIRST = "gen_ai_client_operation_time_to_first_chunk_seconds"
OLDER_FIRST = "gen_ai_server_time_to_first_token_seconds"
REQUESTS = "intentmesh_requests_total"

ROWS: tuple[tuple[str, tuple[Panel, ...]], ...] = (
    (
        "Traffic",
        (
            Panel("Requests by model", "reqps", {"{{intentmesh_model}}": _rate(REQUESTS, "intentmesh_model")}),
            Panel("Requests by intent", "reqps", {"{{intentmesh_intent}}": _rate(REQUESTS, "intentmesh_intent")}),
            Panel("Outcomes", "reqps", {"{{intentmesh_outcome}}": _rate(REQUESTS, "intentmesh_outcome")}),
            Panel("Requests in flight", "short", {"open": f"sum({_of('intentmesh_streams_open')})"}),
        ),
    ),
    (
        "Latency",
        (
            Panel("Whole request", "s", {"p50": _quantile(0.5, DURATION), "p99": _quantile(0.99, DURATION)}),
            Panel("First streamed event", "s", {"p50": _quantile(0.5, FIRST), "p99": _quantile(0.99, FIRST)}),
            Panel("Steps of the filter, p99", "s", {"{{intentmesh_step}}": _quantile(0.99, STEP, "intentmesh_step")}),
        ),
    ),
    (
        "Understanding",
        (
            Panel("Which stage decided", "reqps", {"{{intentmesh_stage}}": _rate(REQUESTS, "intentmesh_stage")}),
            Panel(
                "Share that no stage was sure of",
                "percentunit",
                {"abstained": f"{_rate('intentmesh_abstained_total', '')} / {_rate(REQUESTS, '')}"},
            ),
            Panel("Why this model", "reqps", {"{{intentmesh_reason}}": _rate(REQUESTS, "intentmesh_reason")}),
        ),
    ),
    (
        "Personal data",
        (
            Panel(
                "Found, by type",
                "short",
                {"{{intentmesh_entity}}": _rate("intentmesh_entities_total", "intentmesh_entity")},
            ),
            Panel(
                "What was done with it",
                "short",
                {"{{intentmesh_operator}}": _rate("intentmesh_entities_total", "intentmesh_operator")},
            ),
            Panel("Placeholders of a request, p99", "short", {"p99": _quantile(0.99, "intentmesh_vault_size")}),
        ),
    ),
    (
        "Tokens and money",
        (
            Panel(
                "Tokens by project",
                "short",
                {
                    "{{intentmesh_project}} {{gen_ai_token_type}}": _rate(
                        "intentmesh_project_tokens_total", "intentmesh_project, gen_ai_token_type", PROJECT
                    )
                },
            ),
            Panel(
                "Money an hour, by model",
                MONEY,
                {
                    "{{intentmesh_model}}": "3600 * "
                    + _rate("intentmesh_project_cost_total", "intentmesh_model", PROJECT)
                },
            ),
            Panel(
                "Budgets: share that is spent",
                "percentunit",
                {
                    "{{intentmesh_budget}} {{intentmesh_account}}": "max by (intentmesh_budget, intentmesh_account) "
                    f"({_of('intentmesh_budget_used')} / ({_of('intentmesh_budget_limit')} > 0))"
                },
            ),
            *(
                Panel(
                    f"Tokens of {what}, p50 and p99",
                    "short",
                    {
                        f"p{share * 100:g}": _quantile(
                            share, "gen_ai_client_token_usage", only=f'gen_ai_token_type="{kind}"'
                        )
                        for share in (0.5, 0.99)
                    },
                )
                for what, kind in (("a request", "input"), ("an answer", "output"))
            ),
        ),
    ),
    (
        "Faults",
        (
            Panel(
                "Went on without, by rule (the goal is zero)",
                "reqps",
                {
                    "{{intentmesh_rule}} {{intentmesh_cause}}": _rate(
                        "intentmesh_unenforced_total", "intentmesh_rule, intentmesh_cause"
                    )
                },
            ),
            Panel(
                "Default model after a fault",
                "reqps",
                {"{{intentmesh_reason}}": _rate("intentmesh_fail_open_total", "intentmesh_reason")},
            ),
            Panel(
                "Refused after a fault",
                "reqps",
                {"{{intentmesh_reason}}": _rate("intentmesh_fail_closed_total", "intentmesh_reason")},
            ),
            Panel("Lost telemetry", "short", {"{{signal}}": _rate("intentmesh_telemetry_dropped_total", "signal")}),
        ),
    ),
    (
        "Models",
        (
            Panel(
                "How their answers ended",
                "reqps",
                {
                    "{{intentmesh_model}} {{intentmesh_status}} {{intentmesh_end}}": _rate(
                        "intentmesh_upstream_requests_total", "intentmesh_model, intentmesh_status, intentmesh_end"
                    )
                },
            ),
            Panel(
                "Attempts for a request",
                "short",
                {
                    "{{intentmesh_model}}": _rate("intentmesh_upstream_attempts_total", "intentmesh_model")
                    + " / "
                    + _rate("intentmesh_upstream_requests_total", "intentmesh_model")
                },
            ),
            Panel(
                "First byte, p99",
                "s",
                {"{{intentmesh_model}}": _quantile(0.99, "intentmesh_upstream_first_byte_seconds", "intentmesh_model")},
            ),
        ),
    ),
    (
        "The processor",
        (
            Panel(
                "Cores used, by worker",
                "short",
                {
                    "{{pod}} {{intentmesh_worker}}": _rate(
                        "intentmesh_worker_cpu_seconds_total", "pod, intentmesh_worker"
                    )
                },
            ),
            Panel(
                "Memory, by worker",
                "bytes",
                {"{{pod}} {{intentmesh_worker}}": _of("intentmesh_worker_memory_bytes")},
            ),
            Panel(
                "Workers started anew",
                "short",
                {"{{intentmesh_worker}}": _rate("intentmesh_worker_restarts_total", "intentmesh_worker")},
            ),
            Panel(
                "Lost audit lines",
                "short",
                {"lost": _rate("intentmesh_audit_lines_total", "", 'intentmesh_outcome="lost"')},
            ),
            Panel(
                "Configuration taken into use", "short", {"generation": f"max({_of('intentmesh_config_generation')})"}
            ),
            Panel(
                "Configuration refused, and settings that wait for a restart",
                "short",
                {
                    "refused": f"sum({_of('intentmesh_config_rejected_total')})",
                    "waiting": f"max({_of('intentmesh_config_waiting')})",
                },
            ),
        ),
    ),
)


def dashboard(currency: str) -> dict[str, Any]:
    """Grafana's model of the dashboard, with costs in this currency (ISO 4217)."""
    panels: list[dict[str, Any]] = []
    y = 0
    for title, row in ROWS:
        panels.append({"type": "row", "title": title, "collapsed": False, "panels": [], "gridPos": _at(0, y, WIDTH, 1)})
        y += 1
        width = WIDTH // len(row)
        panels += [_panel(panel, _at(i * width, y, width, HEIGHT), currency) for i, panel in enumerate(row)]
        y += HEIGHT
    for number, panel in enumerate(panels, 1):
        panel["id"] = number
    return {
        "uid": "intentmesh",
        "title": "Intentmesh",
        "tags": ["intentmesh", "envoy", "gen-ai"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {
            "list": [
                {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Data source"},
                _variable("namespace", "Namespace", "label_values(intentmesh_build_info, namespace)"),
                _variable("pod", "Pod", 'label_values(intentmesh_build_info{namespace=~"$namespace"}, pod)'),
                _variable("project", "Project", "label_values(intentmesh_project_tokens_total, intentmesh_project)"),
            ]
        },
        "panels": panels,
    }


def _variable(name: str, label: str, query: str) -> dict[str, Any]:
    """What a reader may choose, one or several; `All` takes what has no such label too."""
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": {"type": "prometheus", "uid": "${datasource}"},
        "query": query,
        "refresh": 2,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    }


def file(path: str, currency: str, *, older: bool = False) -> File:
    """The dashboard as a file. `older`: with the names that the GenAI conventions had before."""
    text = json.dumps(dashboard(currency), indent=2) + "\n"
    return File(path, text.replace(FIRST, OLDER_FIRST) if older else text)


def _at(x: int, y: int, width: int, height: int) -> dict[str, int]:
    return {"x": x, "y": y, "w": width, "h": height}


def _panel(panel: Panel, place: dict[str, int], currency: str) -> dict[str, Any]:
    source = {"type": "prometheus", "uid": "${datasource}"}
    return {
        "type": panel.kind,
        "title": panel.title,
        "datasource": source,
        "gridPos": place,
        "fieldConfig": {
            "defaults": {"unit": f"currency:{currency} " if panel.unit == MONEY else panel.unit, "min": 0},
            "overrides": [],
        },
        "targets": [
            {"refId": chr(ord("A") + i), "datasource": source, "expr": query, "legendFormat": legend}
            for i, (legend, query) in enumerate(panel.queries.items())
        ],
    }
