"""`python -m inference --model FILE.gguf`: serve a model. `python -m inference.models pull`: fetch one."""

from __future__ import annotations

import os
import sys
import types
import typing
from typing import Any, Literal, get_args, get_origin

import click

from inference.errors import InferenceError
from inference.settings import PREFIX, Settings, read_settings


def _options() -> list[click.Parameter]:
    """A flag per setting: the table in `settings` is the only one."""
    parameters: list[click.Parameter] = []
    hints = typing.get_type_hints(Settings)
    for name, field in Settings.model_fields.items():
        flag = "--" + name.replace("_", "-")
        hint: Any = hints[name]
        if get_origin(hint) in (types.UnionType, typing.Union):
            hint = get_args(hint)[0]
        kind = click.Choice(get_args(hint)) if get_origin(hint) is Literal else None
        default = "" if field.is_required() or field.default in (None, "") else f"  [default: {field.default}]"
        text = f"{field.description}{default}"
        if hint is bool:
            parameters.append(click.Option([f"{flag}/--no-{flag[2:]}"], default=None, help=text))
        else:
            parameters.append(click.Option([flag], type=kind, default=None, help=text))
    return parameters


def _serve(**flags: object) -> None:
    from inference.server import Server  # noqa: PLC0415 - --help stays quick

    Server(read_settings(flags, os.environ)).run()


command = click.Command(
    "inference",
    callback=_serve,
    params=_options(),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    help=f"Serve one GGUF to many at once, with an OpenAI-compatible API. Every flag may be set as {PREFIX}<NAME>.",
)


def main() -> None:
    """Entry point: an error of ours is one message on stderr and exit code 1."""
    try:
        command.main(standalone_mode=False, prog_name="python -m inference")
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except InferenceError as error:
        click.echo(f"inference: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
