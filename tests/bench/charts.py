"""Bars in SVG from the benches' JSON lines: no library, so that a chart is a file of a few lines that anybody can read."""

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
    "body": ("CPU of the pipeline, by bytes of the body", "ms", "body", "bytes", "ms"),
    "intents": ("CPU of the intent step, by number of intents", "us", "intents", "intents", "us"),
    "workers": ("Requests per second, by workers", "/s", "workers", "workers", "per_s"),
}
"""File -> title, unit, bench, what a bar is for, what it shows."""


def write_charts(lines: list[Line], folder: Path) -> None:
    """A chart for every bench that there are lines of; of several runs of a point, the lowest."""
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
            source = f"{bench}: commit {found[-1]['commit']}, {found[-1]['cpu']}, {found[-1]['cores']} cores"
            (folder / f"{name}.svg").write_text(bars(title, unit, list(points.items()), source))
