"""The command line. Each command lives in a module of its own, imported when it is called: `--help` stays fast."""

from __future__ import annotations

import sys

import click

from extproc import __version__
from extproc.cli.lazy import Lazy, LazyGroup
from extproc.errors import IntentmeshError

COMMANDS = {
    "init": "Write a first mesh.yaml.",
    "serve": "Run the processor.",
    "up": "Run a whole mesh on this machine.",
    "keys": "Make, list and revoke API keys of callers.",
    "audit": "Check the audit trail.",
    "budget": "Show what budgets have left, or reset them.",
    "top": "Show requests, latency, models and cost, live.",
    "explain": "Say what becomes of a request, and why.",
    "policy": "Try the rules of `policy` before they are switched on.",
    "check": "Report every mistake in a mesh.yaml.",
    "mask": "Mask the personal data in a text.",
    "unmask": "Put back what the operator `encrypt` has masked.",
    "models": "Fetch the models that a mesh runs.",
    "prompts": "List, show, compare, fill in and check prompts.",
    "entities": "List the types of personal data.",
    "encoder": "Make the multilingual encoder.",
    "eval": "Measure detection and classification on your data.",
    "tune": "Say what to change in examples and thresholds.",
    "doctor": "Examine the configuration of an Envoy.",
    "render": "Write the configuration of Envoy or a mesh.",
    "schema": "Print the JSON Schema of a mesh.yaml.",
    "version": "Print the version, and those of its components.",
}
"""Command -> what stands beside it in the list. It is a click command of the same name, in a module of the same name."""


@click.group(
    cls=LazyGroup,
    lazy={name: Lazy(name, name, summary) for name, summary in COMMANDS.items()},
    context_settings={"help_option_names": ["-h", "--help"]},
)
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
