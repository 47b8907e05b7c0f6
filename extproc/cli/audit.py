"""`intentmesh audit`: is the audit trail whole?"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from extproc.telemetry.audit import GENESIS, Break, verify


@click.group()
def audit() -> None:
    """Work with the audit trail, one JSON line per decision."""


@audit.command("verify")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--whole", is_flag=True, help="The trail must reach back to its very first line (nothing rotated away).")
@click.option("--json", "as_json", is_flag=True, help='Print {"good", "breaks": [{"file", "line", "message"}]}.')
def audit_verify(file: Path, whole: bool, as_json: bool) -> None:
    """Check the chain of FILE and of its rotated parts (FILE.1, FILE.2, ...); exit 1 if a line was changed or removed.

    Lines missing at the end cannot show in the chain itself: compare the last `chain` value with one kept elsewhere.
    """
    breaks, good, last = [], 0, ""
    for found in verify(_parts(file), start=GENESIS if whole else None):
        if isinstance(found, Break):
            breaks.append(found)
        else:
            good, last = found
    if as_json:
        click.echo(json.dumps({"good": good, "last": last, "breaks": [asdict(b) for b in breaks]}))
    else:
        for b in breaks:
            click.echo(f"{b.file}:{b.line}: {b.message}")
        click.echo(f"{good} good lines, {len(breaks)} breaks; last chain value {last or '-'}")
    sys.exit(1 if breaks else 0)


def _parts(file: Path) -> list[Path]:
    """The rotated parts of a trail from the oldest, and the file itself."""
    rotated = [p for p in file.parent.glob(f"{file.name}.*") if p.suffix[1:].isdigit()]
    return [*sorted(rotated, key=lambda p: -int(p.suffix[1:])), file]
