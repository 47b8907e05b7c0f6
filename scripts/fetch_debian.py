"""Get programs for the tests where there are none: Debian's packages, unpacked into the user's cache, never installed.

Needs apt-get and dpkg, no root, and no package lists: without any that know the packages it keeps lists of its own. It never
fails: what cannot be had skips its tests, and says why. Standard library only.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "intentmesh"
LIMIT_S = 180.0
"""For everything together."""


class Program(NamedTuple):
    """A program, and where Debian has it."""

    packages: tuple[str, ...]
    path: str
    """In what the packages hold."""


PROGRAMS = {
    "prometheus": Program(("prometheus",), "usr/bin/prometheus"),
    "iptables": Program(
        ("iptables", "libip4tc2", "libip6tc2", "libxtables12", "libnftnl11", "libmnl0"), "usr/sbin/xtables-nft-multi"
    ),
}


def find(name: str) -> Path | None:
    """The program: the system's, else the one that was fetched."""
    found, fetched = shutil.which(name), CACHE / name / PROGRAMS[name].path
    return Path(found) if found else fetched if fetched.exists() else None


def libraries(name: str) -> Path:
    """Where the shared libraries of a fetched program are."""
    return next((CACHE / name / "usr" / "lib").glob("*-linux-gnu"), Path("/usr/lib"))


def fetch(name: str, end: float) -> str:
    """Unpack its packages into the cache. An empty string, or why that cannot be."""
    for tool in ("apt-get", "dpkg"):
        if not shutil.which(tool):
            return f"there is no {tool}"
    program = PROGRAMS[name]
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as within:
        folder = Path(within)
        lists, archives = folder / "lists", folder / "archives"
        for each in (lists / "partial", archives / "partial"):
            each.mkdir(parents=True)
        own = ["-o", f"Dir::State::Lists={lists}", "-o", f"Dir::Cache={archives}", "-o", "APT::Sandbox::User="]
        trouble = run(["apt-get", "download", *program.packages], folder, end)
        if trouble:  # no lists here, or old ones
            updating = run(["apt-get", *own, "update"], folder, end)
            trouble = run(["apt-get", *own, "download", *program.packages], folder, end) and (updating or trouble)
        packages = list(folder.glob("*.deb"))
        if len(packages) < len(program.packages):
            return trouble
        for package in packages:
            if trouble := run(["dpkg", "-x", str(package), str(folder / "unpacked")], folder, end):
                return trouble
        shutil.rmtree(CACHE / name, ignore_errors=True)
        (folder / "unpacked").rename(CACHE / name)
    return "" if find(name) else f"the package holds no {program.path}"


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
    """Have all of them, or say why not."""
    end = time.monotonic() + LIMIT_S
    for name in PROGRAMS:
        if find(name) is None:
            started = time.monotonic()
            trouble = fetch(name, end)
            what = f"{name} cannot be had, its tests are skipped: {trouble}" if trouble else f"{name}: {find(name)}"
            print(f"{what} ({time.monotonic() - started:.0f} s)", file=sys.stderr)


if __name__ == "__main__":
    main()
