"""`intentmesh audit`: is the audit trail whole?"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from extproc.config.files import contents
from extproc.errors import ConfigError
from extproc.telemetry.audit_chain import Link, last_link, read_key
from extproc.telemetry.audit_verify import Break, Gap, read_anchors, verify


@click.group()
def audit() -> None:
    """Work with the audit trail, one JSON line per decision."""


@audit.command("verify", short_help="Check that no line was changed or is missing.")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--whole", is_flag=True, help="The trail must reach back to its very first line (nothing rotated away).")
@click.option(
    "--key-file", type=click.Path(path_type=Path), help="Key of the chain. Default: the variable INTENTMESH_AUDIT_KEY."
)
@click.option("--expect", multiple=True, metavar="CHAIN", help="A chain value kept elsewhere, which must be there.")
@click.option(
    "--anchors",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="File of anchors kept elsewhere (`telemetry.audit.anchors`), each of which must be there.",
)
@click.option("--json", "as_json", is_flag=True, help='Print {"whole", "good", "breaks": [...], "gaps": [...], ...}.')
def audit_verify(
    file: Path, whole: bool, key_file: Path | None, expect: tuple[str, ...], anchors: Path | None, as_json: bool
) -> None:
    """Check FILE and its rotated parts (FILE.1, FILE.2, ...); exit 1 if a line was changed, or any is missing.

    Breaks are lines that do not follow from those before: changed, removed, moved, glued. Gaps are what the trail says of itself:
    lines lost to a full disk, one that was torn, exchanges whose processor was killed. Lines missing at the very end show
    only by what was kept elsewhere: --expect, --anchors.
    """
    anchored: tuple[Link, ...] = ()
    if anchors is not None:
        try:
            anchored = tuple(read_anchors(contents(anchors).decode(errors="replace")))
        except OSError as error:
            raise ConfigError(f"--anchors: {anchors}: cannot be read: {error.strerror}") from None
        except ValueError as error:
            raise ConfigError(f"--anchors: {anchors}: {error}") from None
    result = verify(_parts(file), whole=whole, key=read_key(key_file), expect=expect, anchors=anchored)
    if as_json:
        report = {"whole": result.whole, "good": result.good, "decisions": result.decisions, "last": result.last.value}
        lists = {"breaks": [asdict(b) for b in result.breaks], "gaps": [asdict(g) for g in result.gaps]}
        click.echo(json.dumps({**report, "seq": result.last.seq, **lists}))
    else:
        places: list[Break | Gap] = [*result.breaks, *result.gaps]
        for place in places:
            where = f"{place.file}:{place.line}" if place.line else str(file)
            click.echo(f"{where}: {place.message}")
        counts = f"{result.good} good lines, {len(result.breaks)} breaks, {len(result.gaps)} gaps"
        click.echo(f"{counts}; last line {result.last.seq}, chain value {result.last.value or '-'}")
    sys.exit(0 if result.whole else 1)


@audit.command("anchor", short_help="Print where the trail ends, to be kept elsewhere.")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def audit_anchor(file: Path) -> None:
    """Print where the trail ends, as one JSON object: kept elsewhere, it shows later that nothing is missing up to there."""
    if not file.is_file():
        raise ConfigError(f"{file}: is no file")  # a pipe has no end to begin at
    with file.open("rb", buffering=0) as trail:
        link, _ = last_link(trail)
    if link is None:
        raise ConfigError(f"{file}: has no line of an audit trail")
    click.echo(json.dumps({"seq": link.seq, "chain": link.value}))


def _parts(file: Path) -> list[Path]:
    """The rotated parts of a trail from the oldest, and the file itself."""
    rotated = [p for p in file.parent.glob(f"{file.name}.*") if p.suffix[1:].isdigit() and not p.is_dir()]
    return [*sorted(rotated, key=lambda p: -int(p.suffix[1:])), file]
