"""`intentmesh up`: the whole mesh on loopback."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape

from extproc.cli.default_mesh import default_mesh
from extproc.cli.local_mesh import LocalMesh
from extproc.config import load

EXAMPLES = (
    "The bearing on pump 4 is running hot. Tell ada.lovelace@example.org.",
    "I want a refund for my order, my card is 4111 1111 1111 1111.",
    "My name is Aisha Okafor. Tell me a joke.",
)


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=False)
@click.option("--port", type=click.IntRange(1, 65535), help="Envoy's listener. Default: that of `envoy.listen`.")
@click.option("--free-ports", is_flag=True, help="Take free ports for everything, as when another mesh is running.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line: first the addresses, then each request.")
def up(file: Path | None, port: int | None, free_ports: bool, as_json: bool) -> None:
    """Run the whole mesh of a mesh.yaml on this machine; one ^C ends all of it.

    Starts a llama.cpp server for every model that has `gguf` and an endpoint on loopback, the processor, and Envoy with
    the configuration that `intentmesh render envoy` writes (ports and socket path replaced, nothing else). Without FILE:
    ./mesh.yaml, or the one that is shipped.
    """
    file = file or default_mesh()
    asyncio.run(_run(file, port=port, free_ports=free_ports, as_json=as_json))


async def _run(file: Path, *, port: int | None, free_ports: bool, as_json: bool) -> None:
    mesh = load(file)
    console = Console(quiet=as_json, highlight=False, soft_wrap=True)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    console.print(f"[bold]{escape(str(file))}[/]: {len(mesh.intents)} intents, {len(mesh.models)} models")
    with console.status("starting") as status:
        local = LocalMesh(
            file,
            mesh,
            port=port,
            free_ports=free_ports,
            report=lambda line: console.print("  " + escape(line)),
            progress=lambda line: status.update(escape(line)),
            on_request=lambda line: _show_request(console, line, as_json=as_json),
        )
        starting = asyncio.ensure_future(local.__aenter__())
        await asyncio.wait({starting, asyncio.ensure_future(stop.wait())}, return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            starting.cancel()
        try:
            await starting
        except asyncio.CancelledError:
            console.print("stopped while starting")
            return
    try:
        _greet(console, local, as_json=as_json)
        waiting = asyncio.ensure_future(local.wait())
        await asyncio.wait({waiting, asyncio.ensure_future(stop.wait())}, return_when=asyncio.FIRST_COMPLETED)
        if waiting.done():
            await waiting
        waiting.cancel()
    finally:
        console.print("\nstopping")
        await local.__aexit__(None, None, None)


def _greet(console: Console, local: LocalMesh, *, as_json: bool) -> None:
    if as_json:
        click.echo(
            json.dumps(
                {"url": local.url, "envoy_admin": local.admin_url, "pids": {c.name: c.pid for c in local.children}}
            )
        )
        return
    console.print(f"\nListening on [bold]{local.url}[/] (Envoy's admin: {local.admin_url}). Three requests to try:\n")
    for text in EXAMPLES:
        body = json.dumps({"messages": [{"role": "user", "content": text}]})
        click.echo(f"  curl -s {local.url}/v1/chat/completions -H 'content-type: application/json' -d '{body}'")
    console.print("\nEach request appears below; ^C ends everything.")


def _show_request(console: Console, line: bytes, *, as_json: bool) -> bool:
    """Print a request's line; False for a line that is something else and belongs in the log."""
    try:
        record = json.loads(line)
    except ValueError:
        return False
    if not isinstance(record, dict) or record.get("event") != "request":
        return False
    if as_json:
        click.echo(line.decode().rstrip("\n"))
        return True
    intent = record.get("intent") or "unsure"
    stage = record.get("stage")
    how = f" ({record['score']:.2f} by {stage})" if stage and record.get("intent") else ""
    masked = ", ".join(f"{kind} x{count}" for kind, count in (record.get("entities") or {}).items()) or "nothing"
    # of an answer that needs no restoring the processor sees nothing, not even the status
    outcome = record.get("status") or record.get("outcome")
    console.print(
        escape(
            f"{outcome}  {intent}{how} -> {record.get('model') or record.get('error') or '-'}  masked: {masked}"
            f"  {record.get('added_ms', 0):.1f} ms of {record.get('duration_ms', 0):.0f} ms"
        )
    )
    return True
