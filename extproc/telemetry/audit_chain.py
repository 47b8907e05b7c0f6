"""The chain of an audit trail: each line carries a number and a digest over itself and the line before.

`"seq"` counts the lines from the first one on. `"chain"` is SHA-256 over the chain value of the line before and the line's own
bytes up to its number; the very first line is chained to 64 zeros. With a key it is `hmac-sha256:` and the HMAC of the same,
which nobody can make who has the file alone.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from typing import TYPE_CHECKING, NamedTuple

from extproc.config.files import contents
from extproc.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from io import FileIO
    from pathlib import Path

GENESIS = "0" * 64
KEYED = "hmac-sha256:"
KEY_VARIABLE = "INTENTMESH_AUDIT_KEY"
LARGEST_KEY = 1 << 16
SHORTEST_KEY = 16
_ENDING = re.compile(rb',?"seq":(\d{1,18}),"chain":"((?:hmac-sha256:)?[0-9a-f]{64})"\}\n\Z')
_ANY_ENDING = re.compile(rb',?"seq":(\d{1,18}),"chain":"((?:hmac-sha256:)?[0-9a-f]{64})"\}\n')
_TAIL = 16_384


class Link(NamedTuple):
    """Where a chain stands: the number and the chain value of a line."""

    seq: int = 0
    value: str = GENESIS


class Chain:
    """Makes the links of one trail, or checks them."""

    def __init__(self, key: bytes | None = None) -> None:
        self._key = key

    @property
    def is_keyed(self) -> bool:
        """Whether nobody can make a link who has the file alone."""
        return self._key is not None

    def line(self, record: str, after: Link) -> tuple[bytes, Link]:
        """A JSON object as the next line, and where the chain stands then."""
        opening = record[:-1] if record == "{}" else f"{record[:-1]},"
        seq = after.seq + 1
        body = f'{opening}"seq":{seq}'.encode()
        value = self._digest(body, after.value)
        return b'%b,"chain":"%b"}\n' % (body, value.encode()), Link(seq, value)

    def fits(self, line: bytes, link: Link, after: str) -> bool:
        """Whether a line that says to be this link follows a line with this chain value."""
        body = line[: line.rindex(b',"chain":"')]
        return hmac.compare_digest(self._digest(body, after), link.value)

    def _digest(self, body: bytes, after: str) -> str:
        content = b"%b\n%b" % (after.encode(), body)
        if self._key is None:
            return hashlib.sha256(content).hexdigest()
        return KEYED + hmac.digest(self._key, content, "sha256").hex()


def link_of(line: bytes) -> Link | None:
    """Which link a line says to be; None where it is no whole line of a trail."""
    match = _ENDING.search(line)
    if match is None or not line.startswith(b"{"):
        return None
    return Link(int(match[1]), match[2].decode())


def links_in(data: bytes) -> Iterator[Link]:
    """Which links the whole lines say to be that end in a piece of a trail."""
    return (Link(int(match[1]), match[2].decode()) for match in _ANY_ENDING.finditer(data))


def last_link(file: FileIO) -> tuple[Link | None, bytes]:
    """The last whole line of a file as a link, None where there is none; and what stands after it, a line that was torn."""
    size = os.fstat(file.fileno()).st_size
    window = _TAIL
    while True:
        start = max(0, size - window)
        tail = os.pread(file.fileno(), size - start, start)
        lines = tail.splitlines(keepends=True)
        for at in range(len(lines) - 1, -1 if start == 0 else 0, -1):
            if (link := link_of(lines[at])) is not None:
                return link, b"".join(lines[at + 1 :])
        if start == 0:
            return None, tail
        window *= 8


def read_key(path: Path | None, environment: Mapping[str, str] = os.environ) -> bytes | None:
    """The key of a trail, from its file or INTENTMESH_AUDIT_KEY; None where there is none. Raises ConfigError."""
    if path is None:
        key = environment.get(KEY_VARIABLE, "").encode()
        name = KEY_VARIABLE
    else:
        name = f"telemetry.audit.key_file: {path}"
        try:
            key = contents(path, most=LARGEST_KEY).strip()
        except OSError as error:
            raise ConfigError(f"{name} cannot be read: {error.strerror}") from None
    if not key and path is None:
        return None
    if len(key) < SHORTEST_KEY:
        raise ConfigError(f"{name}: a key has {SHORTEST_KEY} bytes or more, as `openssl rand -hex 32` makes one")
    return key
