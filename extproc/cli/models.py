"""`intentmesh models pull`: fetch a GGUF before it is needed. The same command runs in an init container."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import click

from inference.errors import InferenceError
from inference.models import cli as inference_cli

if TYPE_CHECKING:
    from pathlib import Path


class _Pull(click.Command):
    """The inference server's own command, with its errors as ours."""

    def invoke(self, ctx: click.Context) -> Path:
        try:
            path: Path = super().invoke(ctx)
        except InferenceError as error:
            _fail(error)
        return path


def _fail(error: InferenceError) -> NoReturn:
    raise click.ClickException(str(error)) from None


@click.group()
def models() -> None:
    """Fetch the models that a mesh runs."""


_pull = inference_cli.commands["pull"]
models.add_command(
    _Pull("pull", params=_pull.params, callback=_pull.callback, help=_pull.help, short_help="Fetch a file of weights.")
)
