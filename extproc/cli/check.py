"""`intentmesh check`: every mistake in a mesh.yaml, by line."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from extproc.budget import told_of_budgets
from extproc.config import load
from extproc.config.loader import InvalidMeshError


@click.command()
@click.argument("file", type=click.Path(path_type=Path), default=Path("mesh.yaml"))
@click.option("--json", "as_json", is_flag=True, help='Print {"file", "problems": [{"line", "key", "message"}]}.')
def check(file: Path, as_json: bool) -> None:
    """Report every mistake in a mesh.yaml, by line and key; exit 1 if there is any."""
    try:
        mesh = load(file)
        problems = []
    except InvalidMeshError as error:
        problems = error.problems
    if as_json:
        click.echo(json.dumps({"file": str(file), "problems": [asdict(p) for p in problems]}))
    elif problems:
        for problem in problems:
            click.echo(f"{file}:{problem}")
    else:
        click.echo(f"{file}: good: {len(mesh.intents)} intents, {len(mesh.models)} models, {len(mesh.routes)} routes")
        for sentence in told_of_budgets(mesh):
            click.echo(f"{file}: {sentence}")
    sys.exit(1 if problems else 0)
