"""Chaos on loopback: requests with planted secrets while things break; counts what went wrong, above all what leaked.

    python -m tests.chaos.run [--requests 200000] [--only kill,stop,...] [--workers 2]

Each scenario breaks one thing while clients go on asking. Every request carries a secret of its own. A *leak* is a
secret that reaches an upstream; a *crossing* is a client's answer with somebody else's secret; a *wrong* answer is a
200 that is not what the client would have got unmasked; *hung* is a client that waited longer than any timeout of the
set-up. All four must be 0. Refusals (4xx and 5xx) are counted and must be well-formed. One JSON line per scenario.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import time
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.bench.machine import birth_certificate, descendants, resident_bytes
from tests.chaos.asking import Answer, Asker
from tests.chaos.scenarios import SCENARIOS, Scenario
from tests.wire.harness import Gateway, running_gateway

if TYPE_CHECKING:
    from tests.wire.upstream import Received

SECRET = "canary{0}@leak{0}.example.org"
CLIENTS = 24


@dataclass
class Counts:
    """What happened in one scenario."""

    requests: int = 0
    answered: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    leaks: int = 0
    crossings: int = 0
    wrong: int = 0
    hung: int = 0
    malformed: int = 0

    @property
    def clean(self) -> bool:
        """Nothing that must not happen did."""
        return not (self.leaks or self.crossings or self.wrong or self.hung or self.malformed)


def watch_upstreams(gateway: Gateway, counts: Counts) -> None:
    """Look at every request that arrives, and forget it: 200,000 of them would not fit."""

    class Witness(list):  # type: ignore[type-arg]
        def append(self, request: Received) -> None:
            if request.target.startswith("/v1/") and b"canary" in request.body:
                counts.leaks += 1
            super().append(request)
            del self[:-2]

    for upstream in gateway.upstreams.values():
        upstream.requests = Witness()


async def client(gateway: Gateway, scenario: Scenario, counts: Counts, number: int, over: asyncio.Event) -> None:
    """Ask until it is over."""
    dice, asker = random.Random(number), Asker(gateway.port)
    asked = 0
    while not over.is_set():
        secret = SECRET.format(f"{number}x{asked}")
        asked += 1
        counts.requests += 1
        try:
            await ask(asker, scenario, counts, secret, dice)
        except TimeoutError:
            counts.hung += 1
        except (OSError, EOFError) as error:
            counts.refused[type(error).__name__] += 1
    asker.close()


async def ask(asker: Asker, scenario: Scenario, counts: Counts, secret: str, dice: random.Random) -> None:
    """One request and what is to be said of its answer."""
    text = scenario.text(secret, dice)
    stream = dice.random() < 0.3
    body = json.dumps({"messages": [{"role": "user", "content": text}], "stream": stream}).encode()
    headers = {
        "x-test-piece": str(dice.randint(4, 40)),
        **({"x-test-cut": str(dice.randint(20, 200))} if stream else {}),
    }
    answer = await asker.ask(body, headers)
    if answer.status != 200:
        counts.refused[str(answer.status)] += 1
        if b"canary" in answer.body or not well_formed(answer):
            counts.malformed += 1
        return
    counts.answered += 1
    said = answer.said
    if "canary" in said.replace(secret, ""):
        counts.crossings += 1
    elif scenario.echoes and said != text:
        counts.wrong += 1


def well_formed(answer: Answer) -> bool:
    """Our refusals are JSON errors; Envoy's own are short texts."""
    if answer.kind == "application/json":
        return "error" in json.loads(answer.body)
    return len(answer.body) < 200


async def play(scenario: Scenario, requests: int, workers: int) -> bool:
    """Run one scenario; whether it passed."""
    counts, over = Counts(), asyncio.Event()
    async with AsyncExitStack() as stack:
        mesh = {**scenario.mesh, "processor": {"workers": workers}} if workers > 1 else scenario.mesh
        gateway = await stack.enter_async_context(
            running_gateway(mesh={**MESH, **mesh}, change=scenario.change, processor=scenario.command)
        )
        watch_upstreams(gateway, counts)
        before = settled_bytes(gateway)
        breaker = asyncio.create_task(scenario.break_things(gateway, over))
        start = time.perf_counter()
        clients = [asyncio.create_task(client(gateway, scenario, counts, i, over)) for i in range(CLIENTS)]
        while counts.requests < requests and not any(task.done() for task in clients):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        over.set()
        await asyncio.gather(*clients)
        await breaker
        took = time.perf_counter() - start
        healed = await heals(gateway)
        after = settled_bytes(gateway)
    line = {
        "chaos": scenario.name,
        **{
            name: getattr(counts, name)
            for name in ("requests", "answered", "leaks", "crossings", "wrong", "hung", "malformed")
        },
        "refused": dict(counts.refused),
        "seconds": round(took, 1),
        "healed": healed,
        "memory_mb": [round(before / 2**20, 1), round(after / 2**20, 1)],
        **birth_certificate(),
    }
    print(json.dumps(line), flush=True)
    passed = counts.clean and healed and counts.answered > 0
    sys.stderr.write(
        f"{'ok  ' if passed else 'FAIL'} {scenario.name:16} {json.dumps({k: line[k] for k in list(line)[1:12]})}\n"
    )
    return passed


MESH: dict[str, Any] = {"limits": {"deadline_ms": 1000}}


async def heals(gateway: Gateway) -> bool:
    """Whether an ordinary request is answered again soon after."""
    for _ in range(100):
        answer = await gateway.chat("I am ada@example.org.")
        if answer.status_code == 200 and gateway.text_of(answer) == "I am ada@example.org.":
            return True
        await asyncio.sleep(0.1)
    return False


def settled_bytes(gateway: Gateway) -> int:
    """Memory of the processor now."""
    pids = [gateway.processor.pid, *descendants(gateway.processor.pid)]
    return sum(resident_bytes(pid) for pid in pids[:1]) if all(Path(f"/proc/{pid}").exists() for pid in pids) else 0


async def main() -> int:
    """Every scenario in turn; exit 1 if any failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=2000, help="over all scenarios")
    parser.add_argument("--only", default=",".join(SCENARIOS))
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    names = options.only.split(",")
    results = [await play(SCENARIOS[name], options.requests // len(names), options.workers) for name in names]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
