"""`intentmesh top`: what a processor is doing, live in a terminal."""

from __future__ import annotations

import http.client
import json
import time
import urllib.request
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import click
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from extproc.errors import IntentmeshError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

QUANTILES = (("p50", 0.5), ("p99", 0.99))
RATES = (("intents", "intents"), ("models", "models"), ("decided by", "stages"), ("outcome", "outcomes"))
ROWS = 6
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

    Reads the metrics that Prometheus reads; the figures are those since the last refresh, totals where they say so.
    """
    console = Console()
    before, looked_at = scrape(admin), time.monotonic()
    with Live(console=console, auto_refresh=False, screen=False) as live:
        looks = 0
        try:
            while count is None or looks < count:
                time.sleep(every)
                looks += 1
                try:
                    now, at = scrape(admin), time.monotonic()
                except UnreachableError as error:
                    if as_json or looks == count:
                        raise
                    live.update(Text(f"{error}\ntrying again every {every:g} s; ^C ends", style="yellow"), refresh=True)
                    continue
                view = summary(before, now, at - looked_at)
                before, looked_at = now, at
                if as_json:
                    click.echo(json.dumps(view))
                else:
                    live.update(screen(view, admin), refresh=True)
        except KeyboardInterrupt:
            return


def scrape(admin: str) -> Samples:
    """One look at `/metrics`. Raises UnreachableError."""
    url = f"http://{admin}/metrics"
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            text = answer.read().decode()
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise UnreachableError(
            f"no processor answers on {url} ({getattr(reason, 'strerror', None) or reason})\n"
            "Give its `processor.admin` with --admin host:port; `intentmesh up` and `serve` start one."
        ) from None
    if "intentmesh_requests" not in text:
        raise UnreachableError(f"what answers on {url} is no Intentmesh processor; see --admin")
    return samples_of(text)


def samples_of(text: str) -> Samples:
    """What a page of metrics says."""
    samples: Samples = defaultdict(dict)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            samples[sample.name][tuple(sorted(sample.labels.items()))] = sample.value
    return samples


def summary(before: Samples, now: Samples, seconds: float) -> dict[str, Any]:
    """What happened between two looks."""
    grown = {
        name: {labels: _growth(before.get(name, {}).get(labels, 0.0), value) for labels, value in series.items()}
        for name, series in now.items()
    }
    requests = grown.get("intentmesh_requests_total", {})
    return {
        "seconds": round(seconds, 3),
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
        "unenforced": _by(now.get("intentmesh_unenforced_total", {}), "intentmesh_rule"),
        "in_flight": sum(now.get("intentmesh_streams_open", {}).values()),
        "budgets": _shares(now),
        "troubles": {
            "default model after a fault": sum(now.get("intentmesh_fail_open_total", {}).values()),
            "refused after a fault": sum(now.get("intentmesh_fail_closed_total", {}).values()),
            "lost telemetry": sum(now.get("intentmesh_telemetry_dropped_total", {}).values()),
            "lost audit lines": _by(now.get("intentmesh_audit_lines_total", {}), "intentmesh_outcome").get("lost", 0.0),
        },
    }


def _growth(before: float, now: float) -> float:
    """What a counter has counted since; all of it where the processor was started anew."""
    return now - before if now >= before else now


def _by(series: Mapping[tuple[tuple[str, str], ...], float], label: str) -> dict[str, float]:
    totals: dict[str, float] = defaultdict(float)
    for labels, value in series.items():
        totals[dict(labels).get(label) or "-"] += value
    return {name: round(value, 6) for name, value in sorted(totals.items(), key=lambda item: -item[1]) if value}


def _shares(now: Samples) -> dict[str, tuple[float, float]]:
    """Budget and account -> spent and limit, the most exhausted first."""
    limits = now.get("intentmesh_budget_limit", {})
    shares = {}
    for labels, spent in now.get("intentmesh_budget_used", {}).items():
        named = dict(labels)
        name = f"{named.get('intentmesh_budget', '')} {named.get('intentmesh_account', '')}"
        shares[name] = round(spent, 9), limits.get(labels, 0.0)
    return dict(sorted(shares.items(), key=lambda item: -(item[1][0] / item[1][1] if item[1][1] else 0.0)))


def _mean(grown: Samples, name: str, requests: float) -> float:
    return sum(grown.get(f"{name}_sum", {}).values()) / requests if requests else 0.0


def _quantiles(buckets: Mapping[tuple[tuple[str, str], ...], float]) -> dict[str, float]:
    """The quantiles in milliseconds, taken evenly within their buckets; -1 above the last boundary."""
    edges: dict[float, float] = defaultdict(float)
    for labels, value in buckets.items():
        edges[float(dict(labels)["le"])] += value
    total = edges.get(float("inf"), 0.0)
    return {name: round(_quantile(sorted(edges.items()), share * total), 3) for name, share in QUANTILES}


def _quantile(edges: Sequence[tuple[float, float]], rank: float) -> float:
    lower = below = 0.0
    for edge, count in edges:
        if rank and count >= rank:
            inside = (rank - below) / (count - below)
            return -1.0 if edge == float("inf") else (lower + (edge - lower) * inside) * 1e3
        lower, below = edge, count
    return 0.0


def screen(view: dict[str, Any], admin: str) -> Group:
    """A view for people, 80 columns wide or more."""
    latency = {name: "over 82 s" if ms < 0 else f"{ms:,.0f} ms" for name, ms in view["latency_ms"].items()}
    head = Text.assemble(
        (f"{view['requests_per_s']:,.1f}", "bold"),
        f" requests/s   p50 {latency['p50']}, p99 {latency['p99']}   {view['added_ms']:.2f} ms added   ",
        (f"{view['in_flight']:,.0f} in flight", "dim"),
    )
    foot = Text(f"{view['requests']:,.0f} requests since the start of {admin}", style="dim")
    rates = [_rates(title, view[key], view["seconds"]) for title, key in RATES]
    grid = Table.grid(expand=True, padding=(0, 2, 0, 0))
    grid.add_column(ratio=1)
    grid.add_column(ratio=1)
    for left, right in zip(rates[::2], rates[1::2], strict=True):
        grid.add_row(left, right)
        grid.add_row()
    masked = _table("personal data, since the start", "found")
    for name, value in _top(view["entities"]):
        masked.add_row(name, f"{value:,.0f}")
    projects = _table("projects, since the start", "tokens", "cost")
    for name, value in _top(view["tokens"]):
        projects.add_row(name, f"{value:,.0f}", f"{view['cost'].get(name, 0.0):,.4f}")
    grid.add_row(masked, projects)
    if view["budgets"]:
        budgets = _table("budgets, in their window", "used", "of", "share")
        for name, (spent, limit) in list(view["budgets"].items())[:ROWS]:
            budgets.add_row(escape(name), f"{spent:,.10g}", f"{limit:,.10g}", f"{spent / limit:.0%}" if limit else "-")
        grid.add_row(budgets)
    if view["unenforced"]:
        ledger = _table("went on without, since the start", "requests")
        for name, value in _top(view["unenforced"]):
            ledger.add_row(name, f"{value:,.0f}")
        grid.add_row(ledger)
    troubles = [f"{name}: {value:,.0f}" for name, value in view["troubles"].items() if value]
    return Group(head, Text(), grid, *([Text("   ".join(troubles), style="yellow")] if troubles else []), foot)


def _rates(title: str, counts: Mapping[str, float], seconds: float) -> Table:
    table = _table(title, "per s", "share")
    total = sum(counts.values())
    for name, value in _top(counts):
        table.add_row(name, f"{value / seconds:,.1f}", f"{value / total:.0%}")
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(box=None, expand=True, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column(title, ratio=1, no_wrap=True, overflow="ellipsis")
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True, header_style="dim")
    return table


def _top(rows: Mapping[str, float]) -> Iterator[tuple[str, float]]:
    """The largest, and the sum of the rest: names are cut from the right, and come as they are."""
    largest = list(rows.items())
    rest = sum(value for _, value in largest[ROWS:])
    for name, value in largest[:ROWS]:
        yield escape(name), value
    if rest:
        yield f"{len(largest) - ROWS} more", rest
