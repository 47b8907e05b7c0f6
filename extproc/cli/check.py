"""`intentmesh check`: every mistake in a mesh.yaml, by line."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from extproc.budget import told_of_budgets
from extproc.config import load
from extproc.config.loader import InvalidMeshError, Problem, problem_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extproc.config import Mesh


@click.command()
@click.argument("file", type=click.Path(path_type=Path), default=Path("mesh.yaml"))
@click.option("--json", "as_json", is_flag=True, help='Print {"file", "problems": [{"line", "key", "message"}]}.')
def check(file: Path, as_json: bool) -> None:
    """Report every mistake in a mesh.yaml, by line and key; exit 1 if there is any. FILE: by default ./mesh.yaml."""
    try:
        mesh = load(file)
        problems = list(_proved(file, mesh)) if mesh.policy.rules else []
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
        for sentence in _warned(mesh):
            click.echo(f"{file}: {sentence}")
    sys.exit(1 if problems else 0)


def _proved(file: Path, mesh: Mesh) -> Iterator[Problem]:
    """Rules of the policy that can do nothing."""
    from extproc.pii import Analyzer  # noqa: PLC0415 - loads what finds, for those who have rules
    from extproc.policy.proofs import entity_types_named, useless_rules  # noqa: PLC0415

    for where, sentence in useless_rules(mesh):
        yield problem_at(file, where, sentence)
    if named := list(entity_types_named(mesh)):
        types = Analyzer(mesh.pii).entity_types
        for where, rule, entity_type in named:
            if entity_type not in types:
                hint = f"switch it on: `pii: {{entities: {{{entity_type}: {mesh.pii.default_operator}}}}}`"
                yield problem_at(
                    file, where, f"{rule}: nothing looks for {entity_type}, so that it is always 0; {hint}"
                )


def _warned(mesh: Mesh) -> Iterator[str]:
    """What is no mistake, and may be none that was wanted."""
    for i, route in enumerate(mesh.routes):
        if route.choose is not None:
            fitting = route.choose.of(mesh.models, route.residency, mesh.telemetry.currency)
            yield f"routes[{i}]: chooses {fitting[0]}, of {', '.join(fitting)}"
    if not mesh.policy.rules:
        return
    from extproc.policy.proofs import unguarded_claims, unreachable_models  # noqa: PLC0415

    for name in unreachable_models(mesh):
        yield f"models.{name}: no caller can reach it: the policy denies it to everybody"
    yield from unguarded_claims(mesh)
    dry = [rule.name for rule in mesh.policy.rules if not mesh.policy.enforces(rule)]
    note = f", in dry run: {', '.join(dry)}" if dry else ""
    yield f"policy: {len(mesh.policy.rules)} rules{note}"
