"""Where the socket lives: a folder that nobody else has made or can put something into.

The socket itself is open to all (Envoy runs as another user), so the folder is what guards it. In `/tmp` anybody may be there
first: with a folder of his own he would hear every request, or hand out answers.
"""

from __future__ import annotations

import os
import stat
from typing import IO, TYPE_CHECKING

from extproc.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

ROOT = 0


def lock(path: Path, key: str) -> IO[str]:
    """The lock's file, open, in a folder that is ours. Raises ConfigError, under the name of the setting that leads there."""
    try:
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        _check_folder(path.parent, key)
        # never through a link, and never emptied: what is there may be somebody's
        number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigError(f"{key}: {path.parent}: {error.strerror}") from None
    status = os.fstat(number)
    if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1 or status.st_uid not in (os.geteuid(), ROOT):
        os.close(number)
        raise ConfigError(f"{key}: {path} is not a file of ours (it is owned by the user {status.st_uid}): remove it")
    return os.fdopen(number, "r+")


def _check_folder(folder: Path, key: str) -> None:
    """Root may open a folder to all, as a pod's emptyDir is; nobody else may, and nobody else may have made it."""
    for status in (folder.lstat(), folder.stat()):
        if status.st_uid not in (os.geteuid(), ROOT):
            raise ConfigError(
                f"{key}: {folder} belongs to the user {status.st_uid}, who could read and answer every request: "
                "remove it, or choose a folder that only this user can make"
            )
    open_to_all = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not status.st_mode & stat.S_ISVTX
    if open_to_all and status.st_uid != ROOT:
        raise ConfigError(
            f"{key}: others may write to {folder} (mode {stat.S_IMODE(status.st_mode):04o}), and so put their own socket in the "
            f"place of ours: chmod go-w {folder}"
        )
