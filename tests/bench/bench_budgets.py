"""What budgets cost a request: three of them, set aside and settled, in memory and in the file that workers share.

    python -m tests.bench.bench_budgets

One JSON line for each place where accounts may lie. No store is asked on the way of a request, so a fleet's lease costs what
one more field of an account does: it has a line too.
"""

from __future__ import annotations

import json
import platform
import tempfile
import time
from pathlib import Path

import yaml

from extproc.budget import Treasury
from extproc.config import parse
from extproc.config.prices import Consumption
from extproc.decision import Facts
from extproc.identity import Caller

ROUNDS, REQUESTS, CALLERS = 25, 1000, 200
MESH = {
    "version": 1,
    "models": {"m": {"endpoints": [{"address": "127.0.0.1:1"}], "price_per_million": {"input": 1, "output": 2}}},
    "default_model": "m",
    "identity": {"headers": {"id": "x-id", "team": "x-team"}},
    "budgets": [
        {"name": "tokens", "by": "caller", "unit": "tokens", "limit": 10**9, "window": "day"},
        {"name": "money", "by": "team", "unit": "money", "limit": 10**6, "window": "month"},
        {"name": "requests", "unit": "requests", "limit": 10**9, "window": "minute"},
    ],
}


def measure(state: dict[str, object]) -> float:
    """Microseconds of one request: the best of some rounds."""
    treasury = Treasury.of(parse(yaml.safe_dump(MESH | ({"budget_state": state} if state else {}))))
    assert treasury is not None
    asked = [
        Facts(Caller(f"caller-{i}", "p", f"team-{i % 10}")).with_(tokens=50, output_limit=100, destination="m")
        for i in range(CALLERS)
    ]
    used = Consumption(40, 20)
    best = float("inf")
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        for i in range(REQUESTS):
            hold = treasury.reserve(asked[i % CALLERS]).reservation
            assert hold is not None
            hold.settle("m", used)
        best = min(best, time.perf_counter() - begun)
    treasury.book.pages.close()
    return best / REQUESTS * 1e6


def main() -> None:
    """Print the lines."""
    with tempfile.TemporaryDirectory() as folder:
        places: dict[str, dict[str, object]] = {
            "memory": {},
            "file": {"path": str(Path(folder) / "accounts")},
            "file and lease": {
                "path": str(Path(folder) / "leased"),
                "store": {"url": "redis://127.0.0.1:1", "lease": 1.0, "on_store_loss": "open"},
            },
        }
        for place, state in places.items():
            told = {
                "bench": "budgets",
                "accounts": place,
                "budgets": 3,
                "callers": CALLERS,
                "us": round(measure(state), 1),
            }
            print(
                json.dumps(
                    told | {"python": platform.python_version(), "machine": platform.processor() or platform.machine()}
                )
            )


if __name__ == "__main__":
    main()
