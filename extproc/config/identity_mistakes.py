"""Mistakes of `identity` that show when the files that it names are looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extproc.config.api_keys import read_keys
from extproc.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extproc.config.identity import IdentitySettings


def identity_mistakes(settings: IdentitySettings) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """(key path, sentence) of each."""
    if settings.keys is None:
        return
    try:
        read_keys(settings.keys.file)
    except ConfigError as error:
        yield ("identity", "keys", "file"), str(error)
