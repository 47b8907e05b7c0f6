"""`intentmesh eval`: measure on data of your own. One subcommand each: intents, pii, guardrails."""

from __future__ import annotations

import click

from extproc.cli.lazy import Lazy, LazyGroup

SUBCOMMANDS = {
    "intents": Lazy("eval_intents", "eval_intents", "Learn from some rows, classify others, report the results."),
    "pii": Lazy("eval_pii", "eval_pii", "Precision and recall of detection, by type."),
    "guardrails": Lazy("eval_guardrails", "eval_guardrails", "Recall and false alarms of the detector of attacks."),
}


@click.group(cls=LazyGroup, lazy=SUBCOMMANDS)
def eval() -> None:  # noqa: A001 - the command's name
    """Measure detection or classification on labelled data of your own."""
