"""The file of API keys: who has one, until when, and its digest. The key itself is told once, when it is made.

A key is 256 random bits, so nobody turns its plain SHA-256 back, salted or not, and a key is found by its digest at once.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import yaml
from pydantic import Field, ValidationError, field_validator

from extproc.config import yaml_text
from extproc.config.files import contents
from extproc.config.section import Section
from extproc.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

PREFIX: Final = "imk_"
"""Every key begins so: what does not is somebody else's."""


class ApiKey(Section):
    """One entry of the file."""

    id: str = Field(pattern=r"^[0-9a-f]{8}$")
    """By which it is revoked. It says nothing of the key."""
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    owner: str = Field(min_length=1, max_length=128)
    """The caller's id."""
    project: str | None = None
    team: str | None = None
    created: datetime
    expires: datetime | None = None
    """None: never."""
    revoked: datetime | None = None

    @field_validator("created", "expires", "revoked")
    @classmethod
    def _in_utc(cls, time: datetime | None) -> datetime | None:
        return time.replace(tzinfo=UTC) if time is not None and time.tzinfo is None else time

    def state(self, now: datetime) -> str:
        """`good`, `expired` or `revoked`."""
        if self.revoked is not None:
            return "revoked"
        return "expired" if self.expires is not None and self.expires <= now else "good"


def digest(key: str) -> str:
    """What the file holds of a key."""
    return hashlib.sha256(key.encode()).hexdigest()


def new_key(owner: str, project: str | None, team: str | None, expires: datetime | None) -> tuple[str, ApiKey]:
    """A key, and its entry. Raises ConfigError for an owner that is none."""
    key = PREFIX + secrets.token_urlsafe(32)
    created = datetime.now(UTC).replace(microsecond=0)
    try:
        entry = ApiKey(
            id=secrets.token_hex(4),
            sha256=digest(key),
            owner=owner,
            project=project,
            team=team,
            created=created,
            expires=expires,
        )
    except ValidationError as error:
        raise ConfigError(f"{error.errors()[0]['loc'][0]}: {error.errors()[0]['msg']}") from None
    return key, entry


def read_keys(path: Path) -> list[ApiKey]:
    """The entries of a file. Raises ConfigError with what is wrong, and where."""
    try:
        data = yaml_text.plain(contents(path).decode())
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}; `intentmesh keys new` makes one") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: is not YAML") from None
    except yaml_text.NotYamlError as error:
        raise ConfigError(f"{path}: line {error.mistake.line}: {error.mistake.message}") from None
    rows = data.get("keys") if isinstance(data, dict) else None
    if not isinstance(rows, list):
        raise ConfigError(f"{path}: has no list `keys`; `intentmesh keys new` makes one")
    keys = []
    for i, row in enumerate(rows):
        try:
            keys.append(ApiKey.model_validate(row))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise ConfigError(f"{path}: keys[{i}]{f'.{where}' if where else ''}: {first['msg']}") from None
    for name in ("id", "sha256"):
        values = [getattr(entry, name) for entry in keys]
        if twice := next((value for value in values if values.count(value) > 1), None):
            raise ConfigError(f"{path}: two keys have the {name} {twice[:8]}")
    return keys


def written(keys: list[ApiKey]) -> str:
    """The text of a file."""
    rows = [entry.model_dump(mode="json", exclude_none=True) for entry in keys]
    return "# Made by `intentmesh keys`: digests, never keys.\n" + yaml.safe_dump({"keys": rows}, sort_keys=False)
