"""`intentmesh budget`: what a running processor's budgets have left, and beginning them anew."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from extproc.errors import IntentmeshError

ADMIN = click.option(
    "--admin", default="127.0.0.1:9464", show_default=True, help="host:port of the processor's admin interface."
)
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print what the processor says, as JSON.")


class OrderError(IntentmeshError):
    """The processor cannot be reached, or does not do it."""


@click.group()
def budget() -> None:
    """Show what the budgets of a running processor have left, or reset them."""


@budget.command(short_help="Show accounts: spent, set aside, left.")
@click.argument("name", required=False)
@click.option("--rows", default=50, show_default=True, type=click.IntRange(1), help="Accounts to show at most.")
@ADMIN
@AS_JSON
def show(name: str | None, rows: int, admin: str, as_json: bool) -> None:
    """Show the accounts of all budgets, or of the one that is named: spent, set aside, left, and when each resets.

    Those that are nearest to their limit come first; --json has all.
    """
    budgets = _asked(admin, "/budgets")
    if name is not None:
        known = [line["budget"] for line in (*budgets["accounts"], *budgets["unused"])]
        if name not in known:
            raise OrderError(f"there is no budget `{name}`; there are: {', '.join(dict.fromkeys(known))}")
        budgets = {
            **budgets,
            "accounts": [line for line in budgets["accounts"] if line["budget"] == name],
            "unused": [],
        }
    if as_json:
        click.echo(json.dumps(budgets))
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for title, justify in (
        ("budget", "left"),
        ("account", "left"),
        ("used", "right"),
        ("of", "right"),
        ("set aside", "right"),
    ):
        table.add_column(title, justify=justify)  # type: ignore[arg-type]
    table.add_column("left", justify="right")
    table.add_column("resets at")
    accounts = sorted(budgets["accounts"], key=lambda line: line["left"] / line["limit"] if line["limit"] else 0.0)
    for line in accounts[:rows]:
        unit = budgets["currency"] if line["unit"] == "money" else line["unit"]
        amounts = [f"{line['used']:,.10g}", f"{line['limit']:,.10g} {unit}", f"{line['reserved']:,.10g}"]
        table.add_row(line["budget"], line["account"], *amounts, f"{line['left']:,.10g}", line["ends"])
    console = Console(highlight=False, markup=False)
    console.print(table)
    if len(accounts) > rows:
        console.print(f"... and {len(accounts) - rows:,} more accounts")
    for line in budgets["unused"]:
        console.print(f"{line['budget']}: nobody has spent any of it in this {line['window']}")
    if store := budgets["store"]:
        state = "does not answer" if store["away"] else "answers"
        console.print(f"the store of the fleet {state}; this pod is {store['pod'] or 'not known to it yet'}")


@budget.command(short_help="Reset a budget before its window is over.")
@click.argument("name")
@click.argument("account", required=False)
@ADMIN
def reset(name: str, account: str | None, admin: str) -> None:
    """Reset a budget before its window is over: one account of it, or all that this processor knows.

    Requests under way keep what was set aside for them. In a fleet an account that is named is reset for all pods.
    """
    order = {"reset": name} if account is None else {"reset": name, "account": account}
    done = _asked(admin, "/budgets/reset", order)["reset"]
    click.echo(f"{name}: {done} account{'' if done == 1 else 's'} begun anew")


def _asked(admin: str, path: str, order: dict[str, str] | None = None) -> dict[str, Any]:
    url = f"http://{admin}{path}"
    data = None if order is None else json.dumps(order).encode()
    try:
        request = urllib.request.Request(url, data, {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            reply: dict[str, Any] = json.load(answer)
    except urllib.error.HTTPError as error:
        raise OrderError(_said(error)) from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise OrderError(
            f"no processor answers on {url} ({getattr(reason, 'strerror', None) or reason})\n"
            "Give its `processor.admin` with --admin host:port."
        ) from None
    return reply


def _said(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.load(error)["error"])
    except (ValueError, KeyError, TypeError):
        return f"the processor answers {error.code}: is it as new as this command?"
