"""`intentmesh serve`: the processor alone, as its container runs it."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("file", type=click.Path(path_type=Path), default=Path("mesh.yaml"))
@click.option(
    "--socket",
    type=click.Path(path_type=Path),
    help="Unix socket to listen on. Default: `processor.address`, else `processor.socket`.",
)
@click.option("--admin", help="host:port of the admin interface. Default: `processor.admin`.")
@click.option("--workers", type=click.IntRange(1, 64), help="Processes. Default: `processor.workers`.")
@click.option(
    "--log-level", type=click.Choice(("debug", "info", "warning", "error")), help="Default: `processor.log_level`."
)
@click.option(
    "--replace", "replaces", is_flag=True, help="Take the place of the processor that serves there: no request is lost."
)
@click.option("--log-requests", is_flag=True, help="One JSON line per request on stderr: names, counts and times.")
def serve(
    file: Path,
    socket: Path | None,
    admin: str | None,
    workers: int | None,
    log_level: str | None,
    replaces: bool,
    log_requests: bool,
) -> None:
    """Run the processor on its socket until SIGTERM. FILE: by default ./mesh.yaml."""
    from extproc.process.mesh_file import MeshFile  # noqa: PLC0415 - `--help` stays quick
    from extproc.process.server import serve as run  # noqa: PLC0415

    options = {"socket": socket and str(socket), "admin": admin, "workers": workers, "log_level": log_level}
    overrides: dict[str, object] = {k: v for k, v in options.items() if v is not None}
    if socket:
        overrides["address"] = None  # what is said here goes before `processor.address`
    run(MeshFile(file, overrides), log_requests=log_requests, replaces=replaces)
