"""`intentmesh entities`: every type of personal data that can be found, and what gives it away."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click


def catalogue(config: Path | None) -> list[dict[str, Any]]:
    """One entry per entity type, in the order of the packs."""
    from extproc.config import load  # noqa: PLC0415 - `--help` stays quick
    from extproc.config.pii import PiiSettings  # noqa: PLC0415
    from extproc.pii import Analyzer  # noqa: PLC0415
    from extproc.pii.packs import everything  # noqa: PLC0415

    settings = load(config).pii if config else PiiSettings()
    on = Analyzer(settings).entity_types
    entries: dict[str, dict[str, Any]] = {}

    def add(name: str, pack: str, evidence: str, example: str) -> None:
        operator = settings.entities.get(name, settings.default_operator).operator
        new = {
            "entity_type": name,
            "packs": [],
            "evidence": [],
            "operator": operator,
            "on": name in on and settings.enabled,
            "example": example,
        }
        entry = entries.setdefault(name, new)
        for key, value in (("packs", pack), ("evidence", evidence)):
            if value not in entry[key]:
                entry[key].append(value)

    for row in everything():
        add(row.entity_type, row.pack, row.evidence, row.example)
    for own in settings.recognizers:
        checks = f", checksum {own.checksum}" if own.checksum else ""
        add(own.entity, "own", f"pattern{checks}{', label helps' if own.labels else ''}", own.example)
    for name in settings.deny:
        add(name, "own", "deny list", "")
    return list(entries.values())


@click.command()
@click.option(
    "--config", type=click.Path(path_type=Path), help="mesh.yaml whose operators and own recognizers are shown."
)
@click.option("--pack", help="Only this pack: global, extended, off, us, ca, uk, eu, latam, apac, mea, own.")
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
def entities(config: Path | None, pack: str | None, as_json: bool) -> None:
    """List every entity type: its pack, what gives it away, its operator, an example.

    A type of the packs `extended` and `off` is found when its pack is chosen or its name stands in `pii.entities`. Of a
    region that is not chosen, those types are on that a checksum or a distinctive shape gives away.
    """
    entries = [entry for entry in catalogue(config) if pack is None or pack in entry["packs"]]
    if as_json:
        click.echo(json.dumps(entries, ensure_ascii=False))
        return
    for entry in entries:
        mark, listed = "*" if entry["on"] else " ", ",".join(entry["packs"])
        example = entry["example"][:48]
        click.echo(f"{mark} {entry['entity_type']:<26}{listed:<18}{entry['operator']:<9}{example}")
        for evidence in entry["evidence"]:
            click.echo(f"    {evidence}")
    click.echo(f"\n{len(entries)} types; * = on in {'this configuration' if config else 'the default configuration'}.")
