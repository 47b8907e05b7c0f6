"""A worker's Unix socket: it appears under its name once somebody answers there, and another may take the name while it serves.

A socket is bound under a name that nobody knows, and renamed when a worker accepts from it: whoever connects reaches the old
processor or the new one, never nobody. The old one sees that its name is another's, answers what has come, and ends.

Where there is a parent it holds the sockets of its workers. What connects between a worker's death and the next one's start waits
in the socket's queue, and is refused by nobody.
"""

from __future__ import annotations

import os
import secrets
import socket
from pathlib import Path

OPEN_TO_ALL = 0o666
"""Envoy runs as another user; the folder is what guards the socket."""
BACKLOG = 512


class SocketName:
    """The name of one socket."""

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        self.temporary = self.path.with_name(f".{secrets.token_hex(3)}")
        self.inode = 0
        """Of our socket."""
        self.held: socket.socket | None = None
        """The socket itself, where it is to outlive who accepts from it."""

    def hold(self) -> None:
        """Listen, under the temporary name until somebody accepts. Raises OSError."""
        if self.held is not None and (self.temporary.exists() or _inode(self.path) == self.inode):
            return
        self.let_go()  # somebody has removed its file, so nobody can reach it
        held = socket.socket(socket.AF_UNIX)
        try:
            held.bind(str(self.temporary))
            held.listen(BACKLOG)
            held.setblocking(False)
            self.inode = _inode(self.temporary)
        except OSError:
            held.close()
            raise
        self.held = held

    def take(self) -> None:
        """Give our socket, which listens under the temporary name, the name that all know. Raises OSError."""
        if self.held is not None and not self.temporary.exists():
            return  # it has it, from a worker before this one
        self.temporary.chmod(OPEN_TO_ALL)
        self.inode = _inode(self.temporary)
        self.temporary.rename(self.path)

    def is_anothers(self) -> bool:
        """Whether another processor has taken it; before it is ours it is not."""
        return is_anothers(self.path, self.inode) and not self.temporary.exists()

    def let_go(self) -> None:
        """Hold the socket no longer; who accepts from it goes on."""
        if self.held is not None:
            self.held.close()
            self.held = None

    def drop(self) -> None:
        """Remove it, where it is ours still."""
        self.let_go()
        self.temporary.unlink(missing_ok=True)
        if self.inode and not self.is_anothers():
            self.path.unlink(missing_ok=True)


def _inode(path: Path) -> int:
    """0: there is none."""
    try:
        return os.stat(path).st_ino  # noqa: PTH116 - once a second
    except OSError:
        return 0


def is_anothers(path: Path, inode: int) -> bool:
    """Whether a socket that had this inode has been replaced. One that is gone has not: nobody else serves."""
    return bool(inode) and _inode(path) not in (0, inode)


def answers(path: Path) -> bool:
    """Whether somebody listens there."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(1.0)
        try:
            line.connect(str(path))
        except OSError:
            return False
        return True
