"""The command line. Each command lives in a module of its own, imported when it is called: `--help` stays quick."""

from __future__ import annotations

import importlib
import sys

import click

from extproc import __version__
from extproc.errors import IntentmeshError

COMMANDS = {
    "init": "init",
    "serve": "serve",
    "up": "up",
    "keys": "keys",
    "audit": "audit",
    "budget": "budget",
    "top": "top",
    "explain": "explain",
    "policy": "policy",
    "check": "check",
    "mask": "mask",
    "unmask": "unmask",
    "models": "models",
    "prompts": "prompts",
    "entities": "entities",
    "encoder": "encoder",
    "eval": "eval",
    "tune": "tune",
    "doctor": "doctor",
    "render": "render",
    "schema": "schema",
    "version": "version",
}
"""Command -> module in this package, which has a click command of the same name (`-` becomes `_`)."""


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"extproc.cli.{COMMANDS[cmd_name]}")
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="intentmesh")
def cli() -> None:
    """Make HTTP traffic model-aware from inside Envoy: understand, mask, route, restore.

    Start with `intentmesh up`: a whole mesh on this machine, and three requests to try.
    """


def main() -> None:
    """Entry point: every error of ours is one message on stderr and exit code 1; a usage error is 2."""
    try:
        cli.main(prog_name="intentmesh", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(130)
    except IntentmeshError as error:
        click.echo(f"intentmesh: {error}", err=True)
        sys.exit(1)
