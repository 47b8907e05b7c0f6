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


@dataclass(frozen=True, slots=True)
class Panel:
    """One graph: Grafana's name of the unit, and label -> PromQL."""

    title: str
    unit: str
    queries: dict[str, str]
    kind: str = "timeseries"


def _rate(metric: str, by: str) -> str:
    return f"sum by ({by}) (rate({metric}[{RATE}]))" if by else f"sum(rate({metric}[{RATE}]))"


def _quantile(share: float, metric: str, by: str = "") -> str:
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({share}, sum by ({labels}) (rate({metric}_bucket[{RATE}])))"


DURATION = "gen_ai_client_operation_duration_seconds"
MONEY = "money"
"""Unit of the panels that show costs; Grafana is told the currency."""
STEP = "intentmesh_step_duration_seconds"
FIRST = "gen_ai_client_operation_time_to_first_chunk_seconds"
REQUESTS = "intentmesh_requests_total"

ROWS: tuple[tuple[str, tuple[Panel, ...]], ...] = (
    (
        "Traffic",
        (
            Panel("Requests by model", "reqps", {"{{intentmesh_model}}": _rate(REQUESTS, "intentmesh_model")}),
            Panel("Requests by intent", "reqps", {"{{intentmesh_intent}}": _rate(REQUESTS, "intentmesh_intent")}),
            Panel("Outcomes", "reqps", {"{{intentmesh_outcome}}": _rate(REQUESTS, "intentmesh_outcome")}),
            Panel("Requests in flight", "short", {"open": "sum(intentmesh_streams_open)"}),
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
                {"abstained": f"sum(rate(intentmesh_abstained_total[{RATE}])) / sum(rate({REQUESTS}[{RATE}]))"},
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
                        "intentmesh_project_tokens_total", "intentmesh_project, gen_ai_token_type"
                    )
                },
            ),
            Panel(
                "Money an hour, by model",
                MONEY,
                {"{{intentmesh_model}}": "3600 * " + _rate("intentmesh_project_cost_total", "intentmesh_model")},
            ),
            Panel(
                "Tokens of an answer, p50 and p99",
                "short",
                {
                    "p50": _quantile(0.5, "gen_ai_client_token_usage"),
                    "p99": _quantile(0.99, "gen_ai_client_token_usage"),
                },
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
            Panel("Configuration taken into use", "short", {"generation": "max(intentmesh_config_generation)"}, "stat"),
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
            "list": [{"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Data source"}]
        },
        "panels": panels,
    }


def file(path: str, currency: str) -> File:
    """The dashboard as a file."""
    return File(path, json.dumps(dashboard(currency), indent=2) + "\n")


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
