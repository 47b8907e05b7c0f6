"""`intentmesh unmask`: what the operator `encrypt` wrote, turned back by whoever has the key."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from extproc.config import load
from extproc.config.intercept import Intercept
from extproc.config.pii import PiiSettings
from extproc.errors import ConfigError
from extproc.payload import response_editor
from extproc.pii import Vault
from extproc.pii.keys import KEY_VARIABLE, Keys

_ANY = Intercept(path_prefix="/")


@click.command(epilog="Try: intentmesh unmask --key-file secret < answer.json")
@click.option("-c", "--config", type=click.Path(path_type=Path), help="A mesh.yaml: its `pii.key_file` has the key.")
@click.option(
    "-k", "--key-file", type=click.Path(path_type=Path), help=f"The file with the key. Default: {KEY_VARIABLE}."
)
@click.option(
    "-t",
    "--content-type",
    default="",
    help="How stdin is laid out, as `application/json`. Default: what it looks like.",
)
def unmask(config: Path | None, key_file: Path | None, content_type: str) -> None:
    """Put the values back for the tokens of the operator `encrypt` in a text or a body on stdin.

    Tokens of another key stay, and so does everything else. In JSON, values are escaped for where they stand.
    """
    settings = load(config).pii if config is not None else PiiSettings()
    keys = Keys.read(settings.model_copy(update={"key_file": key_file}) if key_file is not None else settings)
    if not keys.encrypts:
        raise ConfigError(f"there is no key: give --key-file, set {KEY_VARIABLE}, or name it as `pii.key_file`")
    data = sys.stdin.buffer.read()
    vault = Vault(tolerant=False)
    for token, (value, number) in keys.tokens(data.decode(errors="replace")).items():
        vault.admit(token, value, number=number)
    sys.stdout.buffer.write(response_editor(_ANY, content_type, "", vault.restorer).feed(data, end=True))
