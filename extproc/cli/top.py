"""`intentmesh top`: what a processor is doing, live in a terminal."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import click
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table

from extproc.errors import IntentmeshError

if TYPE_CHECKING:
    from collections.abc import Mapping

Samples = dict[str, dict[tuple[tuple[str, str], ...], float]]
"""Sample name -> labels -> value, as a scrape gives them."""


class UnreachableError(IntentmeshError):
    """No processor answers on the admin port."""


@click.command()
@click.option(
    "--admin", default="127.0.0.1:9464", show_default=True, help="host:port of the processor's admin interface."
)
@click.option(
    "--every", default=1.0, show_default=True, type=click.FloatRange(0.2, 3600), help="Seconds between looks."
)
@click.option("--count", type=click.IntRange(1), help="End after so many looks. Default: until ^C.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a look.")
def top(admin: str, every: float, count: int | None, as_json: bool) -> None:
    """Show requests per second, latency, intents, models, masks and cost, live.

    Reads the metrics that Prometheus reads; the figures are those since the last look, totals where they say so.
    """
    console = Console()
    before, looked_at = scrape(admin), time.monotonic()
    with Live(console=console, auto_refresh=False, screen=False) as live:
        looks = 0
        try:
            while count is None or looks < count:
                time.sleep(every)
                now, at = scrape(admin), time.monotonic()
                view = summary(before, now, at - looked_at)
                before, looked_at = now, at
                looks += 1
                if as_json:
                    click.echo(json.dumps(view))
                else:
                    live.update(_screen(view), refresh=True)
        except KeyboardInterrupt:
            return


def scrape(admin: str) -> Samples:
    """One look at `/metrics`. Raises UnreachableError."""
    url = f"http://{admin}/metrics"
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            text = answer.read().decode()
    except (OSError, urllib.error.URLError) as error:
        raise UnreachableError(
            f"no processor answers on {url} ({getattr(error, 'reason', error)}); see --admin"
        ) from None
    samples: Samples = defaultdict(dict)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            samples[sample.name][tuple(sorted(sample.labels.items()))] = sample.value
    return samples


def summary(before: Samples, now: Samples, seconds: float) -> dict[str, Any]:
    """What happened between two looks."""
    grown = {
        name: {labels: value - before.get(name, {}).get(labels, 0.0) for labels, value in series.items()}
        for name, series in now.items()
    }
    requests = grown.get("intentmesh_requests_total", {})
    return {
        "requests_per_s": round(sum(requests.values()) / seconds, 1),
        "requests": sum(now.get("intentmesh_requests_total", {}).values()),
        "latency_ms": _quantiles(grown.get("gen_ai_client_operation_duration_seconds_bucket", {})),
        "added_ms": round(_mean(grown, "intentmesh_step_duration_seconds", sum(requests.values())) * 1e3, 3),
        "intents": _by(requests, "intentmesh_intent"),
        "models": _by(requests, "intentmesh_model"),
        "stages": _by(requests, "intentmesh_stage"),
        "outcomes": _by(requests, "intentmesh_outcome"),
        "entities": _by(now.get("intentmesh_entities_total", {}), "intentmesh_entity"),
        "tokens": _by(now.get("intentmesh_project_tokens_total", {}), "intentmesh_project"),
        "cost": _by(now.get("intentmesh_project_cost_total", {}), "intentmesh_project"),
    }


def _by(series: Mapping[tuple[tuple[str, str], ...], float], label: str) -> dict[str, float]:
    totals: dict[str, float] = defaultdict(float)
    for labels, value in series.items():
        totals[dict(labels).get(label) or "-"] += value
    return {name: round(value, 6) for name, value in sorted(totals.items(), key=lambda item: -item[1]) if value}


def _mean(grown: Samples, name: str, requests: float) -> float:
    return sum(grown.get(f"{name}_sum", {}).values()) / requests if requests else 0.0


def _quantiles(buckets: Mapping[tuple[tuple[str, str], ...], float]) -> dict[str, float]:
    """Upper boundaries of the buckets that hold the quantiles, in milliseconds."""
    edges: dict[float, float] = defaultdict(float)
    for labels, value in buckets.items():
        edges[float(dict(labels)["le"])] += value
    total = edges.get(float("inf"), 0.0)
    found = {}
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        edge = next((edge for edge, below in sorted(edges.items()) if total and below >= share * total), 0.0)
        found[name] = edge * 1e3 if edge != float("inf") else -1.0
    return found


def _screen(view: dict[str, Any]) -> Group:
    latency = view["latency_ms"]
    head = Table.grid(padding=(0, 3))
    head.add_row(
        f"[bold]{view['requests_per_s']:.1f}[/] requests/s",
        f"p50 <= {latency['p50']:.0f} ms, p99 <= {latency['p99']:.0f} ms in all",
        f"{view['added_ms']:.2f} ms added on average",
        f"{view['requests']:.0f} requests since the start",
    )
    tables = Table.grid(padding=(1, 3))
    columns = [
        _table(name, view[name]) for name in ("intents", "models", "stages", "outcomes", "entities", "tokens", "cost")
    ]
    tables.add_row(*columns)
    return Group(head, tables)


def _table(title: str, rows: Mapping[str, float]) -> Table:
    table = Table("", "", title=title, show_header=False, box=None)
    for name, value in list(rows.items())[:10]:
        table.add_row(name, f"{value:g}")
    if not rows:
        table.add_row("-", "")
    return table
