"""Which build is kept: the first that a child has decoded with. Also a kept one is proved before it is used."""

from __future__ import annotations

import fcntl
import json
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from scripts.llama.builds import Build


RECORD = "build.json"


class NothingComputesError(Exception):
    """No build decodes on this processor."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A wheel that computes here."""

    wheel: Path
    name: str
    kept: bool
    """Whether it came from the cache."""


class Choice:
    """One version of llama-cpp-python on one processor: its folder in the cache holds the wheel that computed there.

    `make` builds a wheel; `complaint` says what is wrong with one (None: a child has decoded with it); `say` tells the
    user what was refused, and why.
    """

    def __init__(
        self,
        folder: Path,
        make: Callable[[Build], Path],
        complaint: Callable[[Path], str | None],
        say: Callable[[str], None],
    ) -> None:
        self._folder = folder
        self._make = make
        self._complaint = complaint
        self._say = say

    def choose(self, builds: Sequence[Build], wanted: str | None = None) -> Chosen:
        """The kept wheel, or the first of `builds` that computes, which is kept. Raises NothingComputesError.

        `wanted` names the build to begin with: none before it is tried, and none but it is taken from the cache.
        """
        with self._alone():
            if (kept := self._kept()) is not None and wanted in (None, kept.name):
                if (wrong := self._complaint(kept.wheel)) is None:
                    return kept
                self._say(f"the wheel that was kept ({kept.name}) {wrong}; building another")
            shutil.rmtree(self._folder, ignore_errors=True)
            refused = []
            names = [build.name for build in builds]
            for build in builds[names.index(wanted) if wanted else 0 :]:
                wheel = self._make(build)
                if (wrong := self._complaint(wheel)) is None:
                    return Chosen(self._keep(wheel, build.name), build.name, kept=False)
                refused.append(f"{build.name} {wrong}")
                self._say(f"the build {build.name} ({build.what}) {wrong}; it is not kept")
            raise NothingComputesError("; ".join(refused))

    def _kept(self) -> Chosen | None:
        try:
            name = json.loads((self._folder / RECORD).read_text())["build"]
            return Chosen(next(self._folder.glob("*.whl")), str(name), kept=True)
        except (OSError, ValueError, KeyError, StopIteration):
            return None

    def _keep(self, wheel: Path, name: str) -> Path:
        """Into the cache at once or not at all: the record comes last."""
        self._folder.mkdir(parents=True, exist_ok=True)
        kept = Path(shutil.copy2(wheel, self._folder))
        (self._folder / RECORD).write_text(json.dumps({"build": name}) + "\n")
        return kept

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Of several set-ups on one machine one builds, and the others wait for what it keeps."""
        self._folder.parent.mkdir(parents=True, exist_ok=True)
        with self._folder.with_name(f"{self._folder.name}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._say("another set-up builds or proves llama.cpp just now; waiting for it")
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield
