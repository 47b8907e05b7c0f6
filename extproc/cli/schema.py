"""`intentmesh schema`: the JSON Schema of a mesh.yaml, for editors."""

from __future__ import annotations

import json
from typing import Any

import click

from extproc import __version__

DIALECT = "https://json-schema.org/draft/2020-12/schema"


@click.command()
def schema() -> None:
    """Print the JSON Schema of a mesh.yaml: completion, types and help in editors.

    Editors with the YAML language server take it where the first line of a mesh.yaml names it:
    `# yaml-language-server: $schema=./mesh.schema.json`.
    """
    click.echo(text(), nl=False)


def text() -> str:
    """The schema, as it is printed."""
    from extproc.config.mesh import Mesh  # noqa: PLC0415 - `--help` stays quick

    schema: dict[str, Any] = {
        "$schema": DIALECT,
        "title": "mesh.yaml of Intentmesh",
        "$comment": f"made by `intentmesh schema` {__version__}",
    }
    schema |= {key: value for key, value in Mesh.model_json_schema().items() if key != "title"}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
