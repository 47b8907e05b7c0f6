"""`intentmesh eval`: measure on data of your own. One subcommand each: intents, pii, guardrails."""

from __future__ import annotations

import importlib

import click

SUBCOMMANDS = {
    "intents": "eval_intents",
    "pii": "eval_pii",
    "guardrails": "eval_guardrails",
}
"""Subcommand -> module in this package, which has a click command named `eval_<subcommand>`."""


class _Subcommands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(SUBCOMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in SUBCOMMANDS:
            return None
        module = importlib.import_module(f"extproc.cli.{SUBCOMMANDS[cmd_name]}")
        command: click.Command = getattr(module, f"eval_{cmd_name}")
        return command


@click.group(cls=_Subcommands)
def eval() -> None:  # noqa: A001 - the command's name
    """Measure detection or classification on labelled data of your own."""
