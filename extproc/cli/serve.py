"""`intentmesh serve`: the processor alone, as its container runs it."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("file", type=click.Path(path_type=Path), default=Path("mesh.yaml"))
@click.option(
    "--socket", type=click.Path(path_type=Path), help="Unix socket to listen on. Default: `processor.socket`."
)
@click.option("--admin", help="host:port of the admin interface. Default: `processor.admin`.")
@click.option("--workers", type=click.IntRange(1, 64), help="Processes. Default: `processor.workers`.")
@click.option("--log-requests", is_flag=True, help="One JSON line per request on stderr: names, counts and times.")
def serve(file: Path, socket: Path | None, admin: str | None, workers: int | None, log_requests: bool) -> None:
    """Run the processor on its socket until SIGTERM."""
    from extproc import server  # noqa: PLC0415 - `--help` stays quick
    from extproc.config import load  # noqa: PLC0415

    mesh = load(file)
    changes = {"socket": socket and str(socket), "admin": admin, "workers": workers}
    given = {name: value for name, value in changes.items() if value is not None}
    settings = mesh.processor.model_copy(update=given)
    server.serve(mesh.model_copy(update={"processor": settings}), log_requests=log_requests)
