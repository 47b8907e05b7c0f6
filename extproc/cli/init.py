"""`intentmesh init`: a first mesh.yaml, from three answers or from the configuration of what is there already."""

from __future__ import annotations

from pathlib import Path

import click
import yaml

from extproc.cli.importing import NAMES, Draft, Place, imported, name_of
from extproc.config import parse
from extproc.errors import ConfigError

HEAD = "# A first mesh.yaml, by `intentmesh init`. `intentmesh check` finds mistakes in it, `intentmesh up` runs it.\n"


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), default=Path("mesh.yaml"))
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help=f"Take models and intents from a configuration of {NAMES}.",
)
@click.option("--address", help="host:port of the model; without it, it is asked for.")
@click.option("--model", help="What to call the model; without it, it is asked for.")
@click.option("--mask/--no-mask", default=None, help="Whether personal data is masked; without either, it is asked.")
@click.option("--force", is_flag=True, help="Overwrite an existing file.")
def init(
    file: Path, source: Path | None, address: str | None, model: str | None, mask: bool | None, force: bool
) -> None:
    """Write a first mesh.yaml to FILE: three questions, or --from what runs today. FILE: by default ./mesh.yaml."""
    if file.exists() and not force:
        raise ConfigError(f"{file} is there already; --force writes over it")
    draft = imported(source) if source else Draft()
    if source and not draft.models:
        click.echo(f"{source}: no model can be taken over from it{':' if draft.notes else ''}", err=True)
        for note in draft.notes:
            click.echo(f"  {note}", err=True)
    if not draft.models:
        place = Place(address or click.prompt("Where does your model answer (host:port)?", default="127.0.0.1:8081"))
        name = name_of(model or click.prompt("What is it to be called?", default="general"))
        draft.models[name] = {"endpoints": [place.endpoint()]}
        draft.default_model = name
    if mask is None:
        mask = True if source else click.confirm("Mask personal data before it goes to the model?", default=True)
    data = draft.mesh(mask=mask)
    text = HEAD + yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=120)
    parse(text, source=str(file), folder=file.resolve().parent)
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{file}: cannot be written: {error.strerror}") from None
    intents = f", {len(draft.intents)} intents" if draft.intents else ""
    click.echo(f"{file}: {len(draft.models)} models{intents}")
    for note in draft.notes:
        click.echo(f"  not taken over: {note}")
    click.echo(f"Next: intentmesh check {file}; intentmesh render envoy {file} --out envoy")
