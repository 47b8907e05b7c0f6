"""Fifteen minutes at 70 % of what it can do: memory, file descriptors, threads and latency must stay flat.

    python -m tests.chaos.soak [--minutes 15] [--workers 1] [--share 0.7]

First the capacity: a closed loop of 16 connections for ten seconds. Then requests at a steady rate, whatever the answers
do, from a process of its own, a minute at a time; one JSON line for each. Every answer must be a 200.

The rule: the last minute against the second (the first one fills caches). Memory at most 5 % and 4 MB more; as many files
and threads, give or take 2. Latency, which a machine that does other things too makes uneven: the median minute of the
last third against that of the first; the median at most 1.5 times as long, p99 at most twice as long and 5 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import uvloop

from tests.bench.machine import birth_certificate, descendants, own_bytes
from tests.chaos.questions import USUAL, WILD
from tests.wire.harness import ROOT, Gateway, running_gateway

FEWEST = 5
"""Parts of a run shorter than so many minutes; a longer one is looked at every minute."""
CAPACITY_S = 10.0


def bodies(folder: Path) -> Path:
    """Chats with a secret each; one in twelve needs the transformer and the name model."""
    texts = [USUAL[i % len(USUAL)].format(f"user{i}@soak.example.org") for i in range(1100)]
    texts += [" ".join(WILD[(i + k) % len(WILD)] for k in range(i % 20 + 1)) for i in range(100)]
    path = folder / "bodies"
    lines = (json.dumps({"messages": [{"role": "user", "content": text}]}) for text in texts)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


async def load(gateway: Gateway, path: Path, seconds: float, rate: float) -> dict[str, Any]:
    """One run of the load generator."""
    command = ["-m", "tests.bench.load", str(gateway.port), str(path), "--seconds", str(seconds), "--rate", str(rate)]
    child = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=asyncio.subprocess.PIPE, cwd=ROOT)
    out, _ = await child.communicate()
    told: dict[str, Any] = json.loads(out)
    return told


def sample(pid: int) -> dict[str, float]:
    """What the processor's processes hold."""
    pids = [pid, *descendants(pid)]
    return {
        "memory_mb": round(own_bytes(pid) / 2**20, 1),
        "files": sum(len(list(Path(f"/proc/{p}/fd").iterdir())) for p in pids),
        "threads": sum(len(list(Path(f"/proc/{p}/task").iterdir())) for p in pids),
    }


def judge(lines: list[dict[str, Any]]) -> list[str]:
    """What was not flat; `lines` begin with the second minute."""
    first, last, third = lines[0], lines[-1], max(1, len(lines) // 3)
    grown = {
        "memory_mb": (first["memory_mb"], last["memory_mb"], first["memory_mb"] * 1.05 + 4),
        "files": (first["files"], last["files"], first["files"] + 2),
        "threads": (first["threads"], last["threads"], first["threads"] + 2),
    }
    for name, times, more in (("p50_ms", 1.5, 0), ("p99_ms", 2, 5)):
        early, late = (median(line[name] for line in part) for part in (lines[:third], lines[-third:]))
        grown[name] = early, late, early * times + more
    return [f"{name}: {early} -> {late}" for name, (early, late, limit) in grown.items() if late > limit]


async def main() -> int:
    """Measure, run, judge; exit 1 when something grew or a request failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--share", type=float, default=0.7)
    options = parser.parse_args()
    mesh = {"processor": {"workers": options.workers}}
    with tempfile.TemporaryDirectory(prefix="im-soak-") as folder:
        path = bodies(Path(folder))
        async with running_gateway(mesh=mesh) as gateway:
            for upstream in gateway.upstreams.values():
                upstream.requests = Forgetful()
            capacity = (await load(gateway, path, CAPACITY_S, 0))["per_s"]
            rate = capacity * options.share
            print(json.dumps({"soak": "capacity", "per_s": capacity, "rate": round(rate, 1), **birth_certificate()}))
            lines = []
            parts = max(FEWEST, round(options.minutes))
            for number in range(parts):
                told = await load(gateway, path, options.minutes * 60 / parts, rate)
                lines.append({"soak": number + 1, **told, **sample(gateway.processor.pid)})
                print(json.dumps(lines[-1]), flush=True)
    trouble = judge(lines[1:])
    trouble += [f"errors: {line['errors']}" for line in lines if line["errors"]]
    total = sum(line["requests"] for line in lines)
    print(json.dumps({"soak": "all", "minutes": options.minutes, "requests": total, "not_flat": trouble}))
    told = "; ".join(trouble) or "memory, files, threads and latency are flat"
    sys.stderr.write(f"{'FAIL' if trouble else 'ok  '} {total:,} requests in {options.minutes:g} minutes: {told}\n")
    return 1 if trouble else 0


class Forgetful(list):  # type: ignore[type-arg]
    """Keeps no request: there are too many."""

    def append(self, _request: object) -> None:
        """Forget it."""


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.exit(runner.run(main()))
