"""What a file holds that a setting or an option names, whatever it is: read to an end, and in bounded time.

A named pipe that nobody writes to, a device without an end, a file of gigabytes: each is an error with its reason, as is a folder
or a file that is not there. A pipe that somebody writes to is read, as `intentmesh check <(envsubst < mesh.yaml)` hands one over.
"""

from __future__ import annotations

import errno
import os
import select
import stat
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from pathlib import Path

LARGEST_BYTES = 64 * 2**20
PATIENCE_S = 3.0
"""How long a pipe may say nothing."""
_PIECE = 1 << 20


def contents(path: Path, *, most: int = LARGEST_BYTES) -> bytes:
    """All of it. Raises OSError, whose `strerror` says why it cannot be had."""
    number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    try:
        is_file = stat.S_ISREG(os.fstat(number).st_mode)
        pieces: list[bytes] = []
        size = 0
        while piece := _piece(number, is_file=is_file):
            pieces.append(piece)
            size += len(piece)
            if size > most:
                raise OSError(errno.EFBIG, f"it is larger than {most} bytes")
        if not pieces and stat.S_ISFIFO(os.fstat(number).st_mode):
            raise OSError(errno.EPIPE, "it is a named pipe that nobody writes to")
        return b"".join(pieces)
    finally:
        os.close(number)


def opened(path: Path) -> BinaryIO:
    """The file, to be read piece by piece. Raises OSError, also for a pipe on which nothing comes."""
    number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    mode = os.fstat(number).st_mode
    silent = not stat.S_ISREG(mode) and not select.select([number], [], [], PATIENCE_S)[0]
    if silent or stat.S_ISDIR(mode):
        os.close(number)
        raise OSError(errno.ETIMEDOUT, _silent()) if silent else IsADirectoryError(errno.EISDIR, "Is a directory")
    os.set_blocking(number, True)
    return os.fdopen(number, "rb")


def _silent() -> str:
    return f"nothing was written to it for {PATIENCE_S:g} s"


def _piece(number: int, *, is_file: bool) -> bytes:
    """The next bytes; none at the end."""
    if not is_file and not select.select([number], [], [], PATIENCE_S)[0]:
        raise OSError(errno.ETIMEDOUT, _silent())
    return os.read(number, _PIECE)
