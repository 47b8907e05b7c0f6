"""`intentmesh explain`: what would happen to a request, and why."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.text import Text

from extproc.cli.default_mesh import default_mesh
from extproc.cli.shortened import shortened
from extproc.cli.typed_request import body_on_stdin, header
from extproc.config import load
from extproc.config.intercept import rule_for
from extproc.decision import Facts, Forward, Inquiry, Refuse, Respond
from extproc.errors import ConfigError
from extproc.identity import Callers
from extproc.payload import coverage
from extproc.pii.anonymizer import search
from extproc.pipeline import Pipeline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from extproc.config import Mesh
    from extproc.payload import Segment
    from extproc.pii import RecognizerResult
    from extproc.steps import Case

COLOURS = ("cyan", "magenta", "yellow", "green", "blue", "red")


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=False)
@click.option("--path", default="/v1/chat/completions", show_default=True, help="Path of the request.")
@click.option("--method", default="POST", show_default=True, help="Method of the request.")
@click.option(
    "--content-type",
    help="Of the body. Default: application/json; a body that is not JSON is taken as a user's message.",
)
@click.option("--header", "headers", multiple=True, metavar="NAME:VALUE", help="A request header; may be given again.")
@click.option(
    "--color/--no-color", default=None, help="Show the texts with what was found in them. Default: on a terminal."
)
@click.option(
    "--coverage",
    "with_coverage",
    is_flag=True,
    help="What each byte of the body is: searched, known, or proved to be data.",
)
@click.option("--json", "as_json", is_flag=True, help="Everything as one JSON object; positions, never the texts.")
def explain(
    file: Path | None,
    path: str,
    method: str,
    content_type: str | None,
    headers: tuple[str, ...],
    color: bool | None,
    with_coverage: bool,
    as_json: bool,
) -> None:
    """Read a request body on stdin; say which model gets it, why, and what is masked in it.

    FILE: by default ./mesh.yaml, or the one that is shipped.

    \b
    echo '{"messages":[{"role":"user","content":"bearing 4 is hot"}]}' | intentmesh explain mesh.yaml
    echo 'I want a refund' | intentmesh explain
    """  # noqa: D301 - click asks for this backslash as a character
    mesh = load(file or default_mesh())
    body = body_on_stdin(is_chat=content_type is None)
    kind = content_type or "application/json"
    request_headers = dict(map(header, headers)) | {":path": path, ":method": method, "content-type": kind}
    explanation = _explain(mesh, method.upper(), path, body, request_headers, with_coverage=with_coverage)
    if as_json:
        click.echo(json.dumps(explanation["report"], indent=2, ensure_ascii=False))
    else:
        _show(explanation, color=sys.stdout.isatty() if color is None else color)


def _explain(
    mesh: Mesh, method: str, target: str, body: bytes, headers: dict[str, str], *, with_coverage: bool
) -> dict[str, Any]:
    path = target.partition("?")[0]
    rule = rule_for(mesh.read, method, path)
    if rule is None:
        raise ConfigError(f"no rule of `intercept` matches {method} {path}: such a request passes as it is, unread")
    pipeline = Pipeline.build(mesh, report=lambda message: click.echo(message, err=True))
    pipeline.rehearse()
    inquiry = Inquiry(rule, target, headers, body, Callers(mesh.identity).caller(headers))
    admission = pipeline.admit(inquiry)
    if not isinstance(admission, Facts):
        return {"report": _ended(admission), "texts": []}
    inquiry = replace(inquiry, admission=admission)
    asyncio.run(pipeline.inspect(inquiry))  # tables are loaded by the first request: it is not the one to time
    case = pipeline.open(inquiry)
    outcome = asyncio.run(pipeline.decide(case))
    guarded = _guarded(mesh, case)
    if not isinstance(outcome, Forward):
        return {"report": _ended(outcome) | {"guardrails": guarded}, "texts": []}
    analyzer = pipeline.analyzer if mesh.pii.enabled else None
    texts = [(segment, search(analyzer, segment) if analyzer else []) for segment in case.segments]
    intent_text = case.conversation.text
    understood = (
        pipeline.classifier.explain(intent_text, headers, case.conversation.before) if pipeline.classifier else None
    )
    inspection = outcome.inspection
    report = {
        "outcome": "forwarded",
        "rule": rule.path or rule.path_prefix,
        "model": outcome.model,
        "reason": outcome.reason,
        "residency": outcome.residency,
        "intent": asdict(inspection.score) if inspection.score else None,
        "stages": [asdict(stage) for stage in understood.stages] if understood else [],
        "entities": [
            {"path": segment.path, **{name: getattr(result, name) for name in RESULT_FIELDS}}
            for segment, results in texts
            for result in results
        ],
        "masked": {f"{kind}:{operator}": count for (kind, operator), count in inspection.entities.items()},
        "verdicts": [verdict.told() for verdict in inspection.facts.verdicts],
        "guardrails": guarded,
        "steps_us": {step: round(seconds * 1e6, 1) for step, seconds in inspection.steps_s.items()},
    }
    if with_coverage and case.document is not None:
        report["coverage"] = coverage(case.document.regions())
    return {"report": report, "texts": texts}


def _guarded(mesh: Mesh, case: Case) -> list[dict[str, Any]]:
    """What guardrails see, window by window."""
    if not mesh.guardrails:
        return []
    from extproc.guardrails.explanation import explained  # noqa: PLC0415 - loads the encoder

    return explained(mesh.guardrails, case.segments)


def _ended(outcome: Refuse | Respond) -> dict[str, Any]:
    """The report of a request that reaches no model."""
    verdicts = [verdict.told() for verdict in outcome.inspection.facts.verdicts]
    if isinstance(outcome, Respond):
        return {"outcome": "answered", "status": outcome.status, "verdicts": verdicts}
    error = outcome.error
    end = {"outcome": "rejected", "status": error.status, "error": type(error).__name__, "message": str(error)}
    return end | {"verdicts": verdicts}


RESULT_FIELDS = ("entity_type", "start", "end", "score", "evidence")


def _show(explanation: dict[str, Any], *, color: bool) -> None:
    console = Console(force_terminal=color or None, no_color=not color, highlight=False, soft_wrap=True)
    report = explanation["report"]
    for verdict in report["verdicts"]:
        console.print(f"verdict    {', '.join(f'{name} {value}' for name, value in verdict.items())}", markup=False)
    _show_guarded(report.get("guardrails", ()), console)
    if report["outcome"] != "forwarded":
        how = f"refused with {report['status']}: {report['message']}" if "message" in report else ""
        console.print(how or f"answered with {report['status']}, by no model", markup=False)
        return
    console.print(
        f"model      {report['model']}  ({report['reason']}; may travel: {report['residency']})", markup=False
    )
    if score := report["intent"]:
        line = f"intent     {score['intent'] or 'none'}  {score['score']:.3f} by {score['stage']} ({score['reason']})"
        if score["runner_up"]:
            line += f"; then {score['runner_up']}"
        console.print(line, markup=False)
    for stage in report["stages"]:
        console.print(
            f"  {stage['stage']:<12} {stage['best']} {stage['score']:.3f}, needs {stage['threshold']:.3f}"
            f"  {stage['microseconds']:.0f} us",
            markup=False,
        )
        for near in stage["nearest"]:
            console.print(f"    {near['cosine']:.2f}  {near['intent']}: {shortened(near['example'])}", markup=False)
    for entity in report["entities"]:
        console.print(
            f"found      {entity['entity_type']} at {entity['path']} [{entity['start']}:{entity['end']}]"
            f"  {entity['score']:.2f}  {', '.join(entity['evidence'])}",
            markup=False,
        )
    console.print(_covered(report), end="", markup=False)
    steps = ", ".join(f"{step} {us:.0f}" for step, us in report["steps_us"].items())
    console.print(f"time       {sum(report['steps_us'].values()):.0f} us: {steps}", markup=False)
    if color:
        for segment, results in explanation["texts"]:
            console.print(coloured(segment, results))


def _show_guarded(guarded: Sequence[dict[str, Any]], console: Console) -> None:
    """What guardrails see, window by window."""
    for check in guarded:
        console.print(
            f"guardrail  {check['guardrail']}: {check['place']} {check['path']}  {check['score']:.3f}, "
            f"needs {check['threshold']:.3f}; {check['windows']} windows",
            markup=False,
        )
        for window in check["likeliest"]:
            console.print(
                f"    {window['score']:.3f}  [{window['start']}:{window['end']}] read as {window['read_as']}"
                f"{', by the encoder' if window['encoder'] else ''}",
                markup=False,
            )


def _covered(report: dict[str, Any]) -> str:
    """The line that says what each byte is, where it was asked for."""
    sizes = report.get("coverage")
    if sizes is None:
        return ""
    parts = ", ".join(f"{size:,} {what}" for what, size in sorted(sizes.items(), key=lambda part: -part[1]))
    return f"coverage   {sum(sizes.values()):,} bytes: {parts}\n"


def coloured(segment: Segment, results: list[RecognizerResult]) -> Text:
    """A text with its findings in colours, each with its type behind it."""
    text = Text(f"{segment.path}: ", style="dim")
    types = sorted({result.entity_type for result in results})
    at = 0
    for result in sorted(results, key=lambda r: r.start):
        style = COLOURS[types.index(result.entity_type) % len(COLOURS)]
        text.append(segment.text[at : result.start], style="default")
        text.append(segment.text[result.start : result.end], style=f"bold {style}")
        text.append(f"[{result.entity_type}]", style=f"dim {style}")
        at = result.end
    text.append(segment.text[at:], style="default")
    return text
