"""What the kernel knows of a process of ours: processor time, memory, files."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING

from extproc import __version__
from extproc.telemetry.instruments import BUILD_INFO, WORKER_CPU, WORKER_FILES, WORKER_MEMORY

if TYPE_CHECKING:
    from extproc.telemetry.meter import Meter

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGESIZE")


def note_build(meter: Meter) -> None:
    """What runs here."""
    meter.set(BUILD_INFO, 1, (__version__, platform.python_version()))


def note(meter: Meter, worker: str, pid: int, before_s: float = 0.0) -> None:
    """The process of a worker. `before_s`: processor time of those that had its place. Nothing where there is no /proc."""
    folder = Path(f"/proc/{pid}")
    try:
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
        files = len(os.listdir(folder / "fd"))  # noqa: PTH208 - only their number
    except OSError:
        return  # it ended just now
    meter.set(WORKER_CPU, before_s + (int(fields[11]) + int(fields[12])) / _TICKS, (worker,))
    meter.set(WORKER_MEMORY, int(fields[21]) * _PAGE, (worker,))
    meter.set(WORKER_FILES, files, (worker,))
