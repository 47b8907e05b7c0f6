"""`intentmesh keys`: API keys for callers. A key is printed once, when it is made; the file holds its digest."""

from __future__ import annotations

import fcntl
import json
import os
import re
import tempfile
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from extproc.config import yaml_text
from extproc.config.api_keys import ApiKey, new_key, read_keys, written
from extproc.config.files import contents
from extproc.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

UNITS = {"d": "days", "h": "hours", "w": "weeks"}

_FILE = click.option(
    "--file",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file of keys. Default: the one that `identity.keys` in ./mesh.yaml names, else keys.yaml.",
)


@click.group()
def keys() -> None:
    """Make, list and revoke the API keys that `identity.keys` in mesh.yaml accepts.

    \b
    intentmesh keys new --owner ada --project search --team science --expires 90d
    """  # noqa: D301 - click asks for this backslash as a character


@keys.command()
@click.option("--owner", required=True, help="Who has it: the caller's id.")
@click.option("--project", help="Who pays.")
@click.option("--team", help="The caller's team.")
@click.option(
    "--expires", metavar="90d|DATE", help="After so many days (90d), hours (12h) or weeks, or on a day. Default: never."
)
@click.option("--json", "as_json", is_flag=True, help='Print {"key", "id", "owner", "expires"}.')
@_FILE
def new(
    owner: str, project: str | None, team: str | None, expires: str | None, as_json: bool, file: Path | None
) -> None:
    """Make a key and print it; it cannot be shown again."""
    path = file or _named()
    until = _time(expires) if expires else None
    key, entry = new_key(owner, project, team, until)
    with _changing(path) as entries:
        entries.append(entry)
    if as_json:
        row = entry.model_dump(mode="json", include={"id", "owner", "project", "team", "expires"})
        click.echo(json.dumps({"key": key, **row}))
        return
    click.echo(key)
    ends = f"until {until:%Y-%m-%d %H:%M} UTC" if until else "until it is revoked"
    click.echo(f"{entry.id}: for {owner}, {ends}; {path} has its digest. Keep the key: it is shown once.", err=True)


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="A JSON array, without digests.")
@_FILE
def list_(as_json: bool, file: Path | None) -> None:
    """Show whose keys there are, and which are still good."""
    now = datetime.now(UTC)
    entries = read_keys(file or _named())
    rows = [{**entry.model_dump(mode="json", exclude={"sha256"}), "state": entry.state(now)} for entry in entries]
    if as_json:
        click.echo(json.dumps(rows))
        return
    for row in rows:
        ends = f"until {row['expires']}" if row["expires"] else "no end"
        cells = [row["id"], f"{row['state']:<8}", row["owner"], row["project"] or "-", row["team"] or "-", ends]
        click.echo("  ".join(cells))


@keys.command()
@click.argument("key_id", metavar="ID")
@_FILE
def revoke(key_id: str, file: Path | None) -> None:
    """Revoke a key, by its ID as `list` shows it."""
    path = file or _named()
    with _changing(path) as entries:
        at = next((i for i, entry in enumerate(entries) if entry.id == key_id), None)
        if at is None:
            known = ", ".join(entry.id for entry in entries) or "none"
            raise ConfigError(f"there is no key {key_id} in {path}; there are: {known}")
        if entries[at].revoked is None:
            now = datetime.now(UTC).replace(microsecond=0)
            entries[at] = entries[at].model_copy(update={"revoked": now})
    click.echo(f"{key_id}: revoked; a running processor knows within a second of seeing the file")


def _named() -> Path:
    """The file that ./mesh.yaml names: read without validating it, since its keys may not be there yet."""
    mesh = Path("mesh.yaml")
    try:
        data = yaml_text.plain(contents(mesh).decode()) if mesh.exists() else None
        file = data["identity"]["keys"]["file"] if data else None
    except (OSError, UnicodeDecodeError, yaml_text.NotYamlError, KeyError, TypeError):
        file = None
    return Path(file) if isinstance(file, str) else Path("keys.yaml")


def _time(text: str) -> datetime:
    """A moment, by its distance or its date."""
    if match := re.fullmatch(r"(\d{1,5})([dhw])", text):
        return datetime.now(UTC).replace(microsecond=0) + timedelta(**{UNITS[match[2]]: int(match[1])})
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"`{text}` is neither 90d nor a date as 2027-01-31", param_hint="--expires") from None
    time = time if time.tzinfo else time.replace(tzinfo=UTC)
    if time <= datetime.now(UTC):
        raise click.BadParameter(f"`{text}` is over", param_hint="--expires")
    return time


@contextmanager
def _changing(path: Path) -> Iterator[list[ApiKey]]:
    """The entries of a file, to be changed: written whole or not at all, by one at a time, for its owner's eyes."""
    try:
        with (path.parent / f".{path.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            entries = read_keys(path) if path.exists() else []
            yield entries
            with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}.", delete=False) as out:
                out.write(written(entries))
                out.flush()
                os.fsync(out.fileno())
            mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
            Path(out.name).chmod(mode)
            Path(out.name).replace(path)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}") from None
