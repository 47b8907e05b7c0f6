"""API keys: found by their digest, good until they expire or are revoked."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from extproc.config.api_keys import PREFIX, digest, read_keys
from extproc.errors import UnauthorizedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from extproc.config.api_keys import ApiKey
    from extproc.config.identity import KeySettings

LONGEST: Final = 256
"""Characters of a key, at most."""


class Keys:
    """Those of one file, as it was when it was read."""

    def __init__(self, settings: KeySettings) -> None:
        """Raises ConfigError."""
        self._header = settings.header
        self._by_digest = {entry.sha256: entry for entry in read_keys(settings.file)}

    def find(self, headers: Mapping[str, str]) -> ApiKey | None:
        """The entry of the key that a request brings; None where it brings none of ours.

        Raises UnauthorizedError for one that begins as ours do and is unknown, expired or revoked.
        """
        value = headers.get(self._header, "")
        if value[:7].lower() == "bearer ":
            value = value[7:].strip()
        if not value.startswith(PREFIX):
            return None
        entry = self._by_digest.get(digest(value)) if len(value) <= LONGEST and value.isascii() else None
        if entry is None:
            raise UnauthorizedError("the API key is not known")
        state = entry.state(datetime.now(UTC))
        if state != "good":
            raise UnauthorizedError(f"the API key {entry.id} is {state}")
        return entry
