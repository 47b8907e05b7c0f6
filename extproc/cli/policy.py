"""`intentmesh policy`: rules explained on a request, tested on cases, and tried on what an audit trail has."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from extproc.cli.default_mesh import default_mesh
from extproc.cli.policy_cases import Trial, caller_of, read_cases, run_cases
from extproc.cli.typed_request import body_on_stdin, header
from extproc.config import load
from extproc.errors import ConfigError
from extproc.policy.replay import Replayed, replay
from extproc.policy.trial import tried

if TYPE_CHECKING:
    from collections.abc import Iterator

DAYS = {"h": 1 / 24, "d": 1.0, "w": 7.0}


@click.group()
def policy() -> None:
    """Work with the rules of `policy` before they are switched on."""


@policy.command(short_help="Say which rules fire on a request, and on what facts.")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=False)
@click.option("--id", "name", default="", help="The caller's id.")
@click.option("--team", default="", help="The caller's team.")
@click.option("--project", default="", help="The caller's project.")
@click.option(
    "--claim",
    "claims",
    multiple=True,
    metavar="NAME=VALUE",
    help="A claim of the caller's token; VALUE as JSON, or a text.",
)
@click.option("--path", default="/v1/chat/completions", show_default=True, help="Path of the request.")
@click.option("--method", default="POST", show_default=True, help="Method of the request.")
@click.option("--header", "headers", multiple=True, metavar="NAME:VALUE", help="A request header; may be given again.")
@click.option("--json", "as_json", is_flag=True, help="Everything as one JSON object.")
def explain(
    file: Path | None,
    name: str,
    team: str,
    project: str,
    claims: tuple[str, ...],
    path: str,
    method: str,
    headers: tuple[str, ...],
    as_json: bool,
) -> None:
    """Read a request body on stdin; say which rules fire on it, on what facts, and what comes of it.

    FILE: by default ./mesh.yaml, or the one that is shipped. A body that is not JSON is taken as a user's message.

    \b
    echo '{"model": "code-1", "messages": [{"role": "user", "content": "hello"}]}' |
        intentmesh policy explain mesh.yaml --team contractors
    """  # noqa: D301 - click asks for this backslash as a character
    mesh = load(file or default_mesh())
    caller = caller_of({"id": name, "team": team, "project": project, "claims": dict(map(_claim, claims))})
    trial = Trial(mesh)
    ended = trial.run(caller, body_on_stdin(is_chat=True), path, method.upper(), dict(map(header, headers)))
    rules = tried(mesh, ended.facts)
    if as_json:
        report = {"rules": [asdict(rule) for rule in rules], **ended.report()}
        click.echo(json.dumps(report, indent=2, ensure_ascii=False, default=str))
        return
    for rule in rules:
        facts = ", ".join(
            f"{key} = {json.dumps(value, ensure_ascii=False, default=str)}" for key, value in rule.facts.items()
        )
        dry = "" if rule.enforced else " (dry run)"
        click.echo(f"{rule.answer:<8} {rule.rule}{dry}, asked {rule.asked}: {facts or 'names no fact'}")
    click.echo(str(ended))


@policy.command(short_help="Run the cases of a YAML file against the rules.")
@click.argument("cases", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--mesh",
    "file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Default: mesh.yaml here, else the shipped one.",
)
@click.option(
    "--envoy",
    "through_envoy",
    is_flag=True,
    help="Send every case through a real Envoy too: what is denied must reach no upstream.",
)
@click.option("--json", "as_json", is_flag=True, help='Print {"cases": [{"name", "passed", "problems"}]}.')
def test(cases: Path, file: Path | None, through_envoy: bool, as_json: bool) -> None:
    """Run the cases of a YAML file against the rules; exit 1 if any ends otherwise than it says.

    \b
    - name: contractors may not code
      caller: {id: bob, team: contractors}
      request: {model: code-1, text: hello}
      expect: {denied: contractors, status: 403}
    """  # noqa: D301 - click asks for this backslash as a character
    mesh = load(file or default_mesh())
    listed = read_cases(cases)
    results = run_cases(mesh, listed)
    if through_envoy:
        from extproc.cli.policy_mesh import run_through_envoy  # noqa: PLC0415 - needs Envoy

        for result, more in zip(results, run_through_envoy(mesh, listed), strict=True):
            result.problems += more
    failed = sum(bool(result.problems) for result in results)
    if as_json:
        rows = [{"name": r.name, "passed": not r.problems, "problems": r.problems} for r in results]
        click.echo(json.dumps({"cases": rows}))
    else:
        for result in results:
            click.echo(f"{'FAILED' if result.problems else 'passed'}  {result.name}")
            for problem in result.problems:
                click.echo(f"        {problem}")
        click.echo(f"{len(results) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


@policy.command("replay", short_help="Try rules on an audit trail.")
@click.argument("audit", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--mesh",
    "file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Default: mesh.yaml here, else the shipped one.",
)
@click.option(
    "--since", metavar="7d|DATE", help="Only lines of the last days (7d), hours (12h) or weeks, or from a day on."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def replay_(audit: tuple[Path, ...], file: Path | None, since: str | None, as_json: bool) -> None:
    """Say what the rules of a mesh.yaml would have done with the requests of AUDIT, all of them in force.

    AUDIT is one or more files of an audit trail. It holds no text, so rules are tried on the facts that it keeps.
    """
    mesh = load(file or default_mesh())
    result = replay(mesh, _rows(audit, _moment(since) if since else 0.0))
    if as_json:
        click.echo(json.dumps(_report(result)))
    else:
        _show(result, mesh.telemetry.currency)


def _rows(files: tuple[Path, ...], since: float) -> Iterator[Any]:
    for file in files:
        try:
            with file.open(encoding="utf-8", errors="replace") as lines:
                for line in lines:
                    try:
                        row = json.loads(line)
                    except ValueError:
                        row = None
                    if not since or not isinstance(row, dict) or (row.get("time") or 0) >= since:
                        yield row
        except OSError as error:
            raise ConfigError(f"{file}: cannot be read: {error.strerror}") from None


def _moment(text: str) -> float:
    number, unit = text[:-1], text[-1:]
    if number.isdigit() and unit in DAYS:
        return time.time() - timedelta(days=int(number) * DAYS[unit]).total_seconds()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"`{text}` is neither 7d nor a date as 2027-01-31", param_hint="--since") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _report(result: Replayed) -> dict[str, Any]:
    span = [None if t is None else datetime.fromtimestamp(t, UTC).isoformat() for t in (result.since, result.until)]
    return {
        "lines": result.lines,
        "unread": result.unread,
        "since": span[0],
        "until": span[1],
        "ended_then": result.ended,
        "denied": dict(result.denied),
        "confined": dict(result.confined),
        "moved": [{"rule": r, "from": a, "to": b, "requests": n} for (r, a, b), n in result.moved.items()],
        "others": [{"rule": r, "what": w, "requests": n} for (r, w), n in result.others.items()],
        "undecidable": [{"rule": r, "lacks": f, "lines": n} for (r, f), n in result.undecidable.items()],
        "cost_then": round(result.cost_then, 6),
        "cost_now": round(result.cost_now, 6),
    }


def _show(result: Replayed, currency: str) -> None:
    report = _report(result)
    span = f"from {report['since'] or '-'} to {report['until'] or '-'}"
    click.echo(f"{result.lines:,} decisions {span}; {result.ended:,} were refused or failed then")
    if result.unread:
        click.echo(f"{result.unread:,} lines are no decisions, or of a trail that keeps no facts yet")
    for rule, count in result.denied.most_common():
        click.echo(f"  {rule}: {count:,} would have been denied")
    for (rule, before, after), count in result.moved.most_common():
        click.echo(f"  {rule}: {count:,} would have gone to {after} instead of {before}")
    for rule, count in result.confined.most_common():
        click.echo(f"  {rule}: {count:,} would have been kept nearer")
    for (rule, what), count in result.others.most_common():
        click.echo(f"  {rule}: {count:,} {what}")
    for (rule, fact), count in result.undecidable.most_common():
        click.echo(f"  {rule}: undecidable on {count:,} lines, which lack {fact}")
    if not (result.touched or result.confined or result.others or result.undecidable):
        click.echo("  nothing would have been otherwise")
    click.echo(f"cost: {result.cost_then:,.4f} {currency} then, {result.cost_now:,.4f} {currency} with these rules")


def _claim(text: str) -> tuple[str, Any]:
    name, sign, value = text.partition("=")
    if not sign:
        raise click.BadParameter(f"`{text}` is not NAME=VALUE", param_hint="--claim")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
