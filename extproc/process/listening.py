"""A worker's Unix socket: it appears under its name once somebody answers there, and another may take the name while it serves.

A socket is bound under a name that nobody knows, and renamed when it listens: whoever connects reaches the old processor or the
new one, never nobody. The old one sees that its name is another's, answers what has come, and ends.
"""

from __future__ import annotations

import os
import secrets
import socket
from pathlib import Path

OPEN_TO_ALL = 0o666
"""Envoy runs as another user; the folder is what guards the socket."""


class SocketName:
    """The name of one socket."""

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        self.temporary = self.path.with_name(f".{secrets.token_hex(3)}")
        self.inode = 0
        """Of our socket, once it has its name."""

    def take(self) -> None:
        """Give our socket, which listens under the temporary name, the name that all know. Raises OSError."""
        self.temporary.chmod(OPEN_TO_ALL)
        self.inode = self.temporary.stat().st_ino
        self.temporary.rename(self.path)

    def is_anothers(self) -> bool:
        """Whether another processor has taken it."""
        return is_anothers(self.path, self.inode)

    def drop(self) -> None:
        """Remove it, where it is ours still."""
        self.temporary.unlink(missing_ok=True)
        if self.inode and not self.is_anothers():
            self.path.unlink(missing_ok=True)


def is_anothers(path: Path, inode: int) -> bool:
    """Whether a socket that had this inode has been replaced. One that is gone has not: nobody else serves."""
    try:
        return bool(inode) and os.stat(path).st_ino != inode  # noqa: PTH116 - once a second
    except OSError:
        return False


def answers(path: Path) -> bool:
    """Whether somebody listens there."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(1.0)
        try:
            line.connect(str(path))
        except OSError:
            return False
        return True
