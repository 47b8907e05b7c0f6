"""Bars in SVG and tables from the benches' JSON lines, and the page that shows them: no library, so that a chart is a file of a
few lines that anybody can read.
"""

from __future__ import annotations

from html import escape
from statistics import median
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
SHORT = {
    "none": "no filter",
    "idle": "does nothing",
    "idle3": "does nothing, 3 messages",
    "ours": "Intentmesh",
    "ours-whole": "Intentmesh, test split",
}
"""Name of a variant in the lines -> the label of its bar."""
VARIANTS = {
    "none": "Envoy without a filter",
    "idle": "a grpc.aio processor that answers and does nothing",
    "idle3": "the same with a third message: the headers of the answer",
    "ours": "Intentmesh, 90 % decided before the transformer",
    "ours-whole": "Intentmesh, the test split as it is",
    "ours, names off": "Intentmesh, name models off",
}
"""Name of a variant in the lines -> what a reader is told."""
HOW = """
`make bench` runs `tests/bench/bench_wire.py` and `tests/bench/bench_growth.py`, keeps their lines in `docs/bench/`, and writes
this page and its charts from them; it takes about ten minutes of two cores, and wants a committed tree. The load generator,
Envoy, the processor and the upstream are processes of their own, and share the cores. Compare within a run: on a shared
host the same work takes half as long in one hour as in another. What is measured, and how, stands at the head of each bench.
"""


def write_charts(lines: list[Line], folder: Path) -> None:
    """A chart for every bench that there are lines of, and a page of them beside the folder; of several runs of a point, the
    lowest.
    """
    page = ["# Benchmarks\n", HOW, _costs(lines), _wire(lines), _latency(lines)]
    for name, (title, unit, bench, label, value) in CHARTS.items():
        points: dict[str, float] = {}
        found = [
            line
            for line in lines
            if line["bench"] == bench and value in line and line.get("loop", "closed") == "closed"
        ]
        for line in found:
            key = SHORT.get(str(line[label]), str(line[label]))
            points[key] = min(points.get(key, line[value]), line[value])
        if points:
            (folder / f"{name}.svg").write_text(bars(title, unit, list(points.items()), f"{bench}, {_born(found[-1])}"))
            page.append(f"\n## {title}\n\n![{title}]({folder.name}/{name}.svg)\n")
    streams = next((line for line in reversed(lines) if line["bench"] == "streams"), None)
    if streams:
        page.append(
            f"\n## Open event streams\n\n{streams['open']} streamed answers held open by one worker, "
            f"{streams['restored']} of them restored: {streams['kb_per_stream']} KB each, {streams['processor_mb']} MB in all.\n"
        )
    (folder.parent / "benchmarks.md").write_text("".join(page))


def _born(line: Line) -> str:
    return f"{line['date']}, commit {line['commit']}, {line['cpu']}, {line['cores']} cores"


def _costs(lines: list[Line]) -> str:
    """The ratios of CPU of ours over the processor that does nothing, loaded in turns."""
    costs = [line for line in lines if line["bench"] == "wire-cost"]
    if not costs:
        return ""
    rows = [
        f"| {VARIANTS[line['variant']].partition(',')[0]}{', name models off' if 'off' in line['variant'] else ''} | "
        f"{'closed' if line['loop'] == 'closed' else '300 requests/s'} | {line['ratio']} "
        f"({min(line['ratios'])} to {max(line['ratios'])}) | {line['processor_us_per_request'][0]:.0f} over "
        f"{line['processor_us_per_request'][1]:.0f} us | {line['requests_per_s']:.0f} | {line['p99_ms']} ms |\n"
        for line in costs
    ]
    return (
        "\n## CPU over a processor that does nothing\n\n"
        "Both run at the same time and are loaded in turns (`bench_wire --cost`): median of the ratios, and the range of\n"
        "single turns.\n\n"
        "| | loop | CPU ratio | CPU per request | requests/s | p99 |\n|---|---|--:|--:|--:|--:|\n"
        f"{''.join(rows)}\n{_born(costs[-1])}.\n"
    )


def _wire(lines: list[Line]) -> str:
    """Each variant through one Envoy worker: throughput in a closed loop, latency at 300 requests a second."""
    found = [line for line in lines if line["bench"] == "wire"]
    rows = []
    for variant in dict.fromkeys(line["variant"] for line in found):
        of = {loop: [x for x in found if (x["variant"], x["loop"]) == (variant, loop)] for loop in ("closed", "open")}
        if not all(of.values()):
            continue
        middle = {k: median(x[k] for x in of["open"]) for k in ("p50_ms", "p95_ms", "p99_ms")}
        cpu = [x["processor_us_per_request"] for x in of["closed"] if "processor_us_per_request" in x]
        memory = [x["processor_mb"] for x in of["closed"] if "processor_mb" in x]
        rows.append(
            f"| {VARIANTS[variant]} | {median(x['per_s'] for x in of['closed']):.0f} | "
            f"{f'{median(cpu):.0f} us' if cpu else '-'} | {middle['p50_ms']:.1f} | {middle['p95_ms']:.1f} | "
            f"{middle['p99_ms']:.1f} | {f'{max(memory):.0f} MB' if memory else '-'} |\n"
        )
    if not rows:
        return ""
    return (
        "\n## Through one Envoy worker\n\nChats of CLINC150's test split, every recognizer and the name models on, 150 intents "
        "of 100 examples; nothing is remembered from one request to the next. Medians over the rounds, minutes apart.\n\n"
        "| | requests/s, closed loop | CPU of the processor | p50 ms at 300/s | p95 | p99 | memory |\n"
        f"|---|--:|--:|--:|--:|--:|--:|\n{''.join(rows)}\n{_born(found[-1])}.\n"
    )


def _latency(lines: list[Line]) -> str:
    """What the filter adds to a prompt, by its length."""
    found = [line for line in lines if line["bench"] == "latency"]
    if not found:
        return ""
    rows = [
        f"| {line['tokens']:,} | {line['added_p50_ms']:.1f} | {line['added_p99_ms']:.1f} | {line['again_p50_ms']:.1f} |\n"
        for line in found
    ]
    return (
        "\n## Added to a request, one at a time\n\n| tokens of the prompt | p50 ms, never seen | p99 | p50 ms, sent again "
        f"as a conversation does |\n|--:|--:|--:|--:|\n{''.join(rows)}\n{_born(found[-1])}.\n"
    )
