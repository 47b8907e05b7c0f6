"""The file: for its owner alone, of bounded size, line by line. Several workers may write it."""

from __future__ import annotations

import fcntl
import os
import stat
from typing import TYPE_CHECKING, Final

from extproc.errors import FeedbackFullError, FeedbackStoreError

if TYPE_CHECKING:
    from pathlib import Path

MODE: Final = 0o600


def append(path: Path, line: bytes, max_bytes: int) -> None:
    """Keep a line. Raises FeedbackFullError where it would make the file too long, and FeedbackStoreError."""
    try:
        file = os.open(
            path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, MODE
        )
    except OSError as error:
        raise FeedbackStoreError(error.strerror or "unknown") from error
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise FeedbackStoreError("not a plain file")
        fcntl.flock(file, fcntl.LOCK_EX)
        os.fchmod(file, MODE)  # a file that was there may be open to others
        size = os.fstat(file).st_size
        if size + len(line) > max_bytes:
            raise FeedbackFullError
        if os.write(file, line) != len(line):
            os.ftruncate(file, size)
            raise FeedbackStoreError("no space left")
    except OSError as error:
        raise FeedbackStoreError(error.strerror or "unknown") from error
    finally:
        os.close(file)
