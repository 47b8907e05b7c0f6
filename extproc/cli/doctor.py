"""`intentmesh doctor`: an existing Envoy configuration against what others ran into."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from extproc.cli.envoy_admin import ask
from extproc.doctor import RULES, examine
from extproc.errors import ConfigError

if TYPE_CHECKING:
    from extproc.doctor import Finding


@click.command()
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True), required=False)
@click.option(
    "--live", metavar="URL", help="Admin page of a running Envoy: is the file for it, or is what it runs right?"
)
@click.option("--json", "as_json", is_flag=True, help='Print {"file", "rules", "findings": [...]}.')
@click.option("--strict", is_flag=True, help="Exit 1 on warnings too, not on errors alone.")
def doctor(file: Path | None, live: str | None, as_json: bool, strict: bool) -> None:
    """Examine an Envoy bootstrap, a config dump or an EnvoyFilter, and say what is wrong, where, and what would be right.

    \b
    intentmesh doctor envoy.yaml
    kubectl get envoyfilter -A -o yaml | intentmesh doctor -
    curl -s localhost:15000/config_dump | intentmesh doctor -
    intentmesh doctor --live http://127.0.0.1:9902             what this Envoy runs, and what it has counted
    intentmesh doctor --live http://127.0.0.1:9902 new.yaml    whether it has all that new.yaml needs

    Exit 1 where there is an error: data can leak, or it does not work.
    """  # noqa: D301 - click asks for this backslash as a character
    if file is None and live is None:
        raise click.UsageError("name a file, or with --live the admin page of an Envoy")
    running = ask(live) if live else None
    if file is not None:
        text, source = _read(file), str(file)
    else:
        assert running is not None
        text, source = running.dump, str(live)
    findings, subject = examine(text, source, running.proxy if running else None)
    if as_json:
        report = {"file": source, "rules": len(RULES), "findings": [asdict(finding) for finding in findings]}
        click.echo(json.dumps(report))
    else:
        for finding in findings:
            _print(source, finding)
        count = len(subject.filters)
        processors = f"{count} ext_proc filter{'' if count == 1 else 's'}"
        if findings:
            counts = {s: sum(f.severity == s for f in findings) for s in ("error", "warning", "info")}
            summary = ", ".join(f"{n} {s}{'' if n == 1 or s == 'info' else 's'}" for s, n in counts.items() if n)
            click.echo(f"{source}: {processors}, {len(RULES)} rules: {summary}")
        else:
            click.echo(f"{source}: {processors}, {len(RULES)} rules: all well")
    grave = {"error", "warning"} if strict else {"error"}
    sys.exit(1 if any(f.severity in grave for f in findings) else 0)


def _read(file: Path) -> str:
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text()
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: is not UTF-8 (byte {error.start})") from error


def _print(source: str, finding: Finding) -> None:
    where = f"{source}:{finding.line}" if finding.line else f"{source}: {finding.place}"
    click.echo(f"{where}: {finding.severity} [{finding.rule}]\n    {finding.message}\n    {finding.fix}")
