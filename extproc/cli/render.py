"""`intentmesh render`: configuration for Envoy and for meshes, from mesh.yaml."""

from __future__ import annotations

from pathlib import Path

import click

from extproc.config import load
from extproc.errors import ConfigError
from extproc.render import TARGETS
from extproc.render import render as render_target


@click.command()
@click.argument("target", metavar="TARGET", type=click.Choice([*TARGETS, "all"]))
@click.option(
    "--mesh",
    "source",
    type=click.Path(path_type=Path),
    default=Path("mesh.yaml"),
    show_default=True,
    help="The mesh.yaml.",
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder for the files. Default: the target's own, as envoy/ or k8s/."
)
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if any file would change.")
def render(target: str, source: Path, out: Path | None, check: bool) -> None:
    """Write the configuration of TARGET, made from mesh.yaml, into a folder.

    TARGET: envoy, istio-sidecar, istio-gateway, envoy-gateway, linkerd, kubernetes, helm or all.

    \b
    intentmesh render envoy --out envoy             a whole bootstrap, and snippets for an Envoy you have
    intentmesh render istio-sidecar --out istio     EnvoyFilters, routes and a Deployment patch
    intentmesh render kubernetes --out k8s          a kustomize base and overlays
    intentmesh render all                           every target, each into its own folder under --out

    The files are yours to keep in version control: the same mesh.yaml gives the same bytes.
    """  # noqa: D301 - click asks for this backslash as a character
    mesh = load(source)
    changed = False
    refused: list[str] = []
    for name in TARGETS if target == "all" else (target,):
        folder = (out or Path()) / TARGETS[name].folder if target == "all" or out is None else out
        try:
            files = render_target(name, mesh)
        except ConfigError as error:
            refused.append(str(error))
            continue
        for file in files:
            path = folder / file.path
            if path.is_file() and path.read_text() == file.text:
                continue
            changed = True
            if not check:
                _write(path, file.text)
            click.echo(f"{'would change' if check else 'wrote'} {path}")
    if refused:
        raise ConfigError("\n".join(refused))
    if check and changed:
        raise click.exceptions.Exit(1)


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}") from error
