"""API keys, from a file: who may use the model. A key is never logged, and never part of an answer."""

from __future__ import annotations

import hmac
import time
from typing import TYPE_CHECKING

from inference.errors import SettingsError, UnauthorizedError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_LOOK_S = 2.0
"""A changed file (a Kubernetes secret is exchanged while we run) is read after this time."""


class ApiKeys:
    """The keys of a file, one in a line; lines that begin with # are comments. Without a file everybody may."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._keys: tuple[bytes, ...] = ()
        self._stamp: tuple[int, int] | None = None
        self._looked = 0.0
        if file is not None:
            self._read(file)

    def check(self, headers: Mapping[str, str]) -> None:
        """Raise UnauthorizedError unless a request brings a key: as a bearer token, or as Anthropic's clients do."""
        if self._file is None:
            return
        if time.monotonic() - self._looked > _LOOK_S:
            self._refresh(self._file)
        scheme, _, token = headers.get("authorization", "").partition(" ")
        given = (token.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")).encode()
        # all of them, always: the time taken must not tell which one is near
        if not given or not any([hmac.compare_digest(given, key) for key in self._keys]):  # noqa: C419
            raise UnauthorizedError("this server wants an API key: authorization: Bearer KEY, or x-api-key: KEY")

    def _refresh(self, file: Path) -> None:
        """Take the file's new keys; while it cannot be read, or holds none, the old ones stay."""
        self._looked = time.monotonic()
        try:
            status = file.stat()
            if (status.st_mtime_ns, status.st_size) != self._stamp:
                self._read(file)
        except (OSError, SettingsError):
            return

    def _read(self, file: Path) -> None:
        try:
            status = file.stat()
            lines = file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"--api-key-file {file}: cannot be read: {error}") from None
        keys = [line.strip() for line in lines]
        keys = [key for key in keys if key and not key.startswith("#")]
        if not keys:
            raise SettingsError(f"--api-key-file {file}: it holds no key; write one in a line")
        self._keys = tuple(key.encode() for key in keys)
        self._stamp = (status.st_mtime_ns, status.st_size)
        self._looked = time.monotonic()
