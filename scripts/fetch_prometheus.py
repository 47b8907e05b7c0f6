"""Get a Prometheus for the tests where there is none: Debian's package, unpacked into the user's cache, never installed.

Needs apt-get and dpkg, no root, and no package lists: without any that know the package it keeps lists of its own. It never
fails: where Prometheus cannot be had the dashboard's test is skipped, and says why. Standard library only.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "intentmesh" / "prometheus"
BINARY = CACHE / "usr" / "bin" / "prometheus"
LIMIT_S = 180.0
"""For everything together."""


def prometheus() -> Path | None:
    """The binary: the system's, else the one that was fetched."""
    found = shutil.which("prometheus")
    return Path(found) if found else BINARY if BINARY.exists() else None


def fetch() -> str:
    """Unpack the package into the cache. An empty string, or why that cannot be."""
    for tool in ("apt-get", "dpkg"):
        if not shutil.which(tool):
            return f"there is no {tool}"
    end = time.monotonic() + LIMIT_S
    CACHE.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE.parent) as name:
        folder = Path(name)
        lists, archives = folder / "lists", folder / "archives"
        for each in (lists / "partial", archives / "partial"):
            each.mkdir(parents=True)
        own = ["-o", f"Dir::State::Lists={lists}", "-o", f"Dir::Cache={archives}", "-o", "APT::Sandbox::User="]
        trouble = run(["apt-get", "download", "prometheus"], folder, end)
        if trouble:  # no lists here, or old ones
            updating = run(["apt-get", *own, "update"], folder, end)
            trouble = run(["apt-get", *own, "download", "prometheus"], folder, end) and (updating or trouble)
        packages = list(folder.glob("prometheus_*.deb"))
        if not packages:
            return trouble
        if trouble := run(["dpkg", "-x", str(packages[0]), str(folder / "unpacked")], folder, end):
            return trouble
        shutil.rmtree(CACHE, ignore_errors=True)
        (folder / "unpacked").rename(CACHE)
    return "" if BINARY.exists() else "the package holds no usr/bin/prometheus"


def run(command: list[str], folder: Path, end: float) -> str:
    """Run a command; an empty string, or what it said last."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            timeout=max(1.0, end - time.monotonic()),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"{' '.join(command[:2])} took longer than {LIMIT_S:.0f} s"
    said = (done.stderr or done.stdout).strip().splitlines()
    return "" if done.returncode == 0 else (said[-1] if said else f"{command[0]} ended with {done.returncode}")


def main() -> None:
    """Have one, or say why not."""
    if prometheus() is None:
        started = time.monotonic()
        trouble = fetch()
        what = f"prometheus cannot be had, its test is skipped: {trouble}" if trouble else f"prometheus: {BINARY}"
        print(f"{what} ({time.monotonic() - started:.0f} s)", file=sys.stderr)


if __name__ == "__main__":
    main()
