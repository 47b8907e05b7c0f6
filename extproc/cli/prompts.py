"""`intentmesh prompts`: what prompts there are, what a version says, how two differ, what one becomes when it is filled in."""

from __future__ import annotations

import difflib
import json
from dataclasses import asdict
from itertools import combinations
from pathlib import Path
from typing import Any

import click

from extproc.config import load
from extproc.errors import ConfigError
from extproc.feedback import differ, rated, read_feedback
from extproc.prompts import Chosen, Library

_CONFIG = click.option(
    "--config", type=click.Path(path_type=Path), default=Path("mesh.yaml"), show_default=True, help="The mesh.yaml."
)


@click.group()
def prompts() -> None:
    """List, show, compare, fill in and check the prompts of a mesh."""


@prompts.command("list", short_help="List prompts with their versions and labels.")
@_CONFIG
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
def list_(config: Path, as_json: bool) -> None:
    """List every prompt with its versions, labels, weights and digests."""
    entries = [_entry(chosen) for chosen in _library(config)]
    if as_json:
        click.echo(json.dumps(entries))
        return
    for entry in entries:
        cells = [f"{entry['prompt']}@{entry['version']}", entry["digest"], ", ".join(entry["labels"])]
        cells.append("" if entry["weight"] is None else f"weight {entry['weight']}")
        click.echo("  ".join(part for part in cells if part))
    if not entries:
        click.echo(f"{config} has no prompts")


@prompts.command(short_help="Show one version of a prompt.")
@click.argument("prompt")
@_CONFIG
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def show(prompt: str, config: Path, as_json: bool) -> None:
    """Show one version of PROMPT (NAME, NAME@VERSION or NAME@LABEL): its settings and its template."""
    chosen = _chosen(_library(config), prompt)
    if as_json:
        click.echo(json.dumps(_entry(chosen) | {"template": chosen.version.template}))
        return
    for key, value in _entry(chosen).items():
        if value not in (None, [], {}):
            click.echo(f"{key}: {value if isinstance(value, str) else json.dumps(value)}")
    click.echo(f"\n{chosen.version.template}")


@prompts.command(short_help="Compare two versions.")
@click.argument("before")
@click.argument("after")
@_CONFIG
def diff(before: str, after: str, config: Path) -> None:
    """Show how AFTER differs from BEFORE (each NAME@VERSION or NAME@LABEL); exit 1 if it does."""
    library = _library(config)
    one, other = _chosen(library, before), _chosen(library, after)
    lines = list(difflib.unified_diff(_lines(one), _lines(other), str(one), str(other), lineterm=""))
    for line in lines:
        click.echo(line)
    raise SystemExit(1 if lines else 0)


@prompts.command(short_help="Fill in a prompt.")
@click.argument("prompt")
@click.option("--variable", "-v", "variables", multiple=True, help="NAME=VALUE; what is JSON counts as JSON.")
@_CONFIG
def render(prompt: str, variables: tuple[str, ...], config: Path) -> None:
    """Fill in PROMPT, and print it as the model reads it before anything is masked."""
    chosen = _chosen(_library(config), prompt)
    values: dict[str, Any] = {}
    for text in variables:
        name, equals, value = text.partition("=")
        if not equals:
            raise click.BadParameter(f"`{text}` is not NAME=VALUE", param_hint="--variable")
        if name in values:
            raise click.BadParameter(f"`{name}` is given twice", param_hint="--variable")
        declared = chosen.version.variables.get(name)
        values[name] = value if declared is not None and declared.type == "text" else _value(value)
    click.echo(chosen.render(values))


@prompts.command(short_help="Report every mistake in prompts.")
@_CONFIG
def check(config: Path) -> None:
    """Report every mistake in prompts, and in the rest of the mesh.yaml; exit 1 if there is any."""
    count = len(list(_library(config)))
    click.echo(f"{config}: good: {count} versions of prompts")


@prompts.command(short_help="Show how callers rate the answers to each version.")
@_CONFIG
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def ratings(config: Path, as_json: bool) -> None:
    """Show how callers rate the answers to each version (`feedback` in the mesh.yaml), and which differ by more than chance."""
    mesh = load(config)
    if mesh.feedback is None:
        raise ConfigError(f"{config}: has no section `feedback`, so nobody can rate anything")
    library = Library(mesh.prompts)
    versions = rated(read_feedback(mesh.feedback.file), (f"{chosen.name}@{chosen.number}" for chosen in library))
    if as_json:
        click.echo(json.dumps([asdict(one) | {"interval": one.interval} for one in versions]))
        return
    for one in versions:
        low, high = one.interval
        share = f"{one.share:.0%} good ({low:.0%} to {high:.0%})" if one.of else "not rated yet"
        click.echo(f"{one.prompt}  {one.up} up, {one.down} down  {share}")
    for one, other in combinations(versions, 2):
        if one.prompt.partition("@")[0] == other.prompt.partition("@")[0] and differ(one, other):
            better, worse = sorted((one, other), key=lambda version: -version.share)
            click.echo(f"{better.prompt} is rated better than {worse.prompt}, by more than chance")


def _library(config: Path) -> Library:
    return Library(load(config).prompts)


def _chosen(library: Library, prompt: str) -> Chosen:
    name, at, wanted = prompt.partition("@")
    if at and not wanted:
        raise click.BadParameter(f"`{prompt}` names no version: leave the `@` out, or say which", param_hint="PROMPT")
    return library.get(name, wanted or None)


def _entry(chosen: Chosen) -> dict[str, Any]:
    version = chosen.version
    return {
        "prompt": chosen.name,
        "version": chosen.number,
        "digest": chosen.digest,
        "labels": list(version.labels),
        "weight": version.weight,
        "model": version.model,
        "role": version.role,
        "description": version.description,
        "variables": {name: variable.model_dump(exclude_none=True) for name, variable in version.variables.items()},
    }


def _lines(chosen: Chosen) -> list[str]:
    """Settings and template, line by line."""
    entry = {
        key: value for key, value in _entry(chosen).items() if key not in ("version", "digest", "labels", "weight")
    }
    head = [f"{key}: {json.dumps(value)}" for key, value in entry.items() if value not in (None, [], {})]
    return [*head, "", *chosen.version.template.split("\n")]


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
