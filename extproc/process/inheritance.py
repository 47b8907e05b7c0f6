"""What a processor has counted, left to the one that takes its place: to whoever scrapes them both they are one.

Left in a file beside the sockets, in a folder that is ours alone, and taken by whoever looks first. It may come from another
version: what this one does not measure, or not in this way, is passed over.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import secrets
import threading
from typing import TYPE_CHECKING, Any

from extproc.telemetry.instruments import INSTRUMENTS
from extproc.telemetry.series import counted, merge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from extproc.telemetry.series import Snapshot

LEFT, UNFINISHED = ".counts-", ".counting-"
LARGEST_BYTES = 32 * 2**20
_COUNTS = {instrument.name: instrument for instrument in INSTRUMENTS if instrument.kind != "gauge"}


class Estate:
    """The counts of a processor, its own and those that it has taken over."""

    def __init__(self, folder: Path | None, own: Callable[[], Snapshot]) -> None:
        """`folder`: of its sockets; None where nobody can take its place."""
        self._folder = folder
        self._own = own
        self._inherited: Snapshot = {}
        self._left: Snapshot | None = None
        self._lock = threading.Lock()

    def snapshot(self) -> Snapshot:
        """All of them, by now; once another has taken over, what it was told: what comes after is its own to tell."""
        with self._lock:
            if self._left is not None:
                return self._left
            if self._folder is not None:
                self._inherited = merge([self._inherited, *inherit(self._folder)])
            return merge([self._own(), self._inherited])

    def leave(self) -> None:
        """Another takes over: all that it has not been told yet is its own from now on."""
        with self._lock:
            now = merge([self._own(), self._inherited])
            if self._folder is not None and (more := since(self._left or {}, now)):
                leave(self._folder, more)
            self._left = now

    @property
    def is_left(self) -> bool:
        """Whether another has taken over."""
        return self._left is not None


def leave(folder: Path, counts: Snapshot) -> None:
    """Leave counts for the next one; nothing where the file cannot be written: they are counts, and no reason to stay."""
    series_by_name = {
        name: [[labels, cells] for labels, cells in series.items()] for name, series in counted(counts).items()
    }
    token = secrets.token_hex(4)
    unfinished = folder / f"{UNFINISHED}{token}"
    with contextlib.suppress(OSError):
        try:
            number = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(number, "w") as file:
                json.dump(series_by_name, file)
            unfinished.rename(folder / f"{LEFT}{token}")
        finally:
            unfinished.unlink(missing_ok=True)


def inherit(folder: Path) -> list[Snapshot]:
    """Take what others have left: each once, whoever asks."""
    snapshots = []
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):  # noqa: PTH208 - a few names, at each scrape
            if name.startswith(LEFT) and (data := _taken(folder / name)):
                with contextlib.suppress(ValueError, RecursionError):
                    snapshots.append(_known(json.loads(data)))
    return snapshots


def since(earlier: Snapshot, now: Snapshot) -> Snapshot:
    """What was counted between two looks."""
    difference: Snapshot = {}
    for name, series in counted(now).items():
        before = earlier.get(name, {})
        for labels, cells in series.items():
            known = before.get(labels)
            more = cells if known is None else [cell - was for cell, was in zip(cells, known, strict=True)]
            if any(more):
                difference.setdefault(name, {})[labels] = list(more)
    return difference


def _taken(path: Path) -> bytes:
    """What the file holds; nothing where it is not ours, or another was faster."""
    try:
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(number, "rb") as file:
            path.unlink()
            status = os.fstat(number)
            return file.read() if status.st_uid == os.geteuid() and status.st_size <= LARGEST_BYTES else b""
    except OSError:
        return b""


def _known(document: Any) -> Snapshot:
    snapshot: Snapshot = {}
    for name, series in document.items() if isinstance(document, dict) else ():
        if name in _COUNTS and isinstance(series, list):
            snapshot[name] = dict(_fitting(name, series))
    return snapshot


def _fitting(name: str, series: list[Any]) -> Iterator[tuple[tuple[str, ...], list[float]]]:
    instrument = _COUNTS[name]
    size = len(instrument.boundaries) + 2 if instrument.kind == "histogram" else 1
    for entry in series:
        if not (isinstance(entry, list) and list(map(type, entry)) == [list, list]):
            continue
        labels, cells = entry
        are_labels = len(labels) == len(instrument.attributes) and all(isinstance(label, str) for label in labels)
        if are_labels and len(cells) == size and all(map(_is_count, cells)):
            yield tuple(labels), list(map(float, cells))


def _is_count(cell: Any) -> bool:
    return isinstance(cell, int | float) and not isinstance(cell, bool) and math.isfinite(cell) and cell >= 0
