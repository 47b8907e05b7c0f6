"""Bars in SVG from the benches' JSON lines, and a page of them: no library, so that a chart is a file of a few lines that
anybody can read.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

Line = dict[str, Any]
WIDTH, BAR, GAP, LEFT, RIGHT = 640, 22, 8, 170, 110


def bars(title: str, unit: str, points: list[tuple[str, float]], source: str) -> str:
    """One horizontal bar per point, with its value at the end."""
    height = 60 + len(points) * (BAR + GAP)
    most = max((value for _, value in points), default=1) or 1
    rows = []
    for i, (label, value) in enumerate(points):
        y = 36 + i * (BAR + GAP)
        length = max(1.0, value / most * (WIDTH - LEFT - RIGHT))
        rows.append(f'<text x="{LEFT - 8}" y="{y + 16}" text-anchor="end">{escape(label)}</text>')
        rows.append(f'<rect x="{LEFT}" y="{y}" width="{length:.1f}" height="{BAR}" fill="#3b6ea5"/>')
        rows.append(f'<text x="{LEFT + length + 6:.1f}" y="{y + 16}">{value:g} {escape(unit)}</text>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="sans-serif" font-size="13">'
        f'<rect width="100%" height="100%" fill="white"/><text x="8" y="20" font-weight="bold">{escape(title)}</text>'
        f'{"".join(rows)}<text x="8" y="{height - 8}" font-size="10" fill="#666">{escape(source)}</text></svg>\n'
    )


CHARTS = {
    "cost": ("CPU of the processor per request, closed loop", "us", "wire", "variant", "processor_us_per_request"),
    "latency": ("Added by the filter at p50, by tokens of the prompt", "ms", "latency", "tokens", "added_p50_ms"),
    "again": ("The same for prompts that were sent before", "ms", "latency", "tokens", "again_p50_ms"),
    "body": ("CPU of the pipeline, by bytes of the body", "ms", "body", "bytes", "ms"),
    "customers": ("CPU of masking a table of customers, by its lines", "s", "customers", "customers", "s"),
    "intents": ("Time of the intent step, by number of intents", "us", "intents", "intents", "us"),
    "workers": ("Questions of CLINC150 per second, by workers", "/s", "workers", "workers", "per_s"),
    "prompts": ("Prompts of 2,000 tokens per second, by workers", "/s", "workers-prompts", "workers", "per_s"),
}
"""File -> title, unit, bench, what a bar is for, what it shows."""
HOW = """
`make bench` runs `tests/bench/bench_wire.py` and `tests/bench/bench_growth.py`, keeps their lines in `docs/bench/`, and writes
this page and its charts from them; it takes about ten minutes of two cores. The load generator, Envoy, the processor and the
upstream are processes of their own, and share the cores. Compare within a run: on a shared host the same work takes half as
long in one hour as in another. What is measured, and how, stands at the head of each bench.
"""


def write_charts(lines: list[Line], folder: Path) -> None:
    """A chart for every bench that there are lines of, and a page of them beside the folder; of several runs of a point, the
    lowest.
    """
    page = ["# Benchmarks\n", HOW]
    for name, (title, unit, bench, label, value) in CHARTS.items():
        points: dict[str, float] = {}
        found = [
            line
            for line in lines
            if line["bench"] == bench and value in line and line.get("loop", "closed") == "closed"
        ]
        for line in found:
            key = str(line[label])
            points[key] = min(points.get(key, line[value]), line[value])
        if points:
            born = found[-1]
            source = f"{bench}, {born['date']}, commit {born['commit']}, {born['cpu']}, {born['cores']} cores"
            (folder / f"{name}.svg").write_text(bars(title, unit, list(points.items()), source))
            page.append(f"\n## {title}\n\n![{title}]({folder.name}/{name}.svg)\n")
    streams = next((line for line in reversed(lines) if line["bench"] == "streams"), None)
    if streams:
        page.append(
            f"\n## Open event streams\n\n{streams['open']} streamed answers held open by one worker, "
            f"{streams['restored']} of them restored: {streams['kb_per_stream']} KB each, {streams['processor_mb']} MB in all.\n"
        )
    (folder.parent / "benchmarks.md").write_text("".join(page))
