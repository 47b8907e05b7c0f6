"""Chaos on loopback: requests with planted secrets while things break; counts what went wrong, above all what leaked.

    python -m tests.chaos.run [--requests 200000] [--only kill,stop,...] [--workers 2]

Each scenario breaks one thing while clients go on asking. Every request carries a secret of its own. A *leak* is a
secret that reaches an upstream; a *crossing* is a client's answer with somebody else's secret; a *wrong* answer is a
200 that is not what the client would have got unmasked; *denied* is a request that a rule denies and that reached an
upstream; *hung* is a client that waited longer than any timeout of the
set-up; *malformed* is a refusal that is no well-formed error, or quotes the request. All six must be 0, an ordinary
request must be answered soon after, and memory be back at its level (a processor made to leak is played too, and must be
seen to leak). One JSON line per scenario, and one for the sum.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvloop

from extproc.config.processor import ProcessorSettings
from tests.bench.machine import birth_certificate, cpu_seconds, descendants, own_bytes
from tests.chaos.asking import CHAT, Asker
from tests.chaos.counts import Counts
from tests.chaos.scenarios import EARLY, SCENARIOS, Scenario, Trouble, keep_running
from tests.wire.harness import Gateway, healthy, running_gateway

if TYPE_CHECKING:
    from tests.chaos.asking import Answer, Question
    from tests.wire.upstream import Received

SECRET = "canary{0}@leak{0}.example.org"
CLIENTS = 24
WARM_UP = 300
"""Requests before the memory is looked at for the first time."""
SHORTEST_S = 4.0
"""A scenario lasts so long at least: things break about once a second."""
LONGEST_S = 45.0
"""A scenario ends after that; the requests that it did not come to are asked in the last one."""
MESH: dict[str, Any] = {
    "limits": {"deadline_ms": 1000},
    "identity": {"headers": {"team": "x-team"}},
    "policy": [
        {"name": "banned", "when": 'caller.team == "banned"', "then": {"deny": "not you"}},
        {
            "name": "nowhere",
            "when": 'request.headers["x-nowhere"] == "yes" && entities.total >= 0 && destination.zone == "pod"',
            "then": {"deny": "not there"},
        },
    ],
}
DENIED_SHARE = 0.1
"""Of the requests, those that a rule denies: by the headers, or by the destination when all else is done."""
GROWTH = 1.05
"""How much more memory the processor may have afterwards, beside each scenario's `room_mb` for each worker."""


def watch_upstreams(gateway: Gateway, counts: Counts) -> None:
    """Look at every request that arrives, and forget it: 200,000 of them would not fit."""

    class Witness(list):  # type: ignore[type-arg]
        def append(self, request: Received) -> None:
            if request.target.startswith("/v1/") and b"canary" in request.body:
                counts.leaks += 1
            if request.get("x-team") == "banned" or request.get("x-nowhere"):
                counts.denied += 1
            super().append(request)
            del self[:-2]

    for upstream in gateway.upstreams.values():
        upstream.requests = Witness()


async def client(gateway: Gateway, scenario: Scenario, counts: Counts, number: int, over: asyncio.Event) -> None:
    """Ask until it is over."""
    dice, asker = random.Random(number), Asker(gateway.port)
    asked = 0
    while not over.is_set():
        question = scenario.question(SECRET.format(f"{number}x{asked}"), dice)
        if scenario.command is None and not question.refused_with and dice.random() < DENIED_SHARE:
            question = denied(question, dice)
        asked += 1
        counts.requests += 1
        try:
            await ask(asker, question, counts, early=scenario.early)
        except TimeoutError:
            counts.hung += 1
        except (OSError, EOFError) as error:
            counts.refused[type(error).__name__] += 1
            await asyncio.sleep(0.001)
    asker.close()


def denied(question: Question, dice: random.Random) -> Question:
    """The same, from somebody who is not let in, or to nowhere."""
    header = dice.choice(({"x-team": "banned"}, {"x-nowhere": "yes"}))
    return replace(question, headers={**question.headers, **header}, refused_with=403)


async def ask(asker: Asker, question: Question, counts: Counts, *, early: bool) -> None:
    """One request and what is to be said of its answer."""
    answer = await asker.ask(question)
    if answer.status != 200:
        if b"canary" in answer.body or not answer.is_well_formed_error:
            counts.malformed += 1
        counts.refused[answer.name] += 1
        if answer.status < 500 and answer.status != question.refused_with and not question.may_be_refused:
            tell_wrong(question, answer, counts)
        return
    counts.answered += 1
    if early and answer.body == EARLY:
        return
    said = answer.said if question.path == CHAT else answer.body.decode(errors="replace")
    if "canary" in said.replace(question.secret, ""):
        counts.crossings += 1
    elif (
        question.refused_with
        or (question.said is not None and said != question.said)
        or (question.comes_back and question.secret not in said)
    ):
        tell_wrong(question, answer, counts)


def tell_wrong(question: Question, answer: Answer, counts: Counts) -> None:
    """Count it, and show enough to find out why."""
    counts.wrong += 1
    asked, got = question.body[:150], answer.body[:150]
    sys.stderr.write(f"wrong: {answer.status} {got!r} for {asked!r} ({len(question.body)} bytes) {question.headers}\n")


async def play(scenario: Scenario, requests: int, workers: int, longest_s: float) -> tuple[Counts, bool]:
    """Run one scenario; its counts, and whether it passed."""
    counts, over = Counts(), asyncio.Event()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="im-chaos-")))
        mesh = {**MESH, **scenario.mesh(folder), "processor": {"workers": workers}}
        gateway = await stack.enter_async_context(
            running_gateway(mesh=mesh, change=scenario.change, processor=scenario.command)
        )
        watch_upstreams(gateway, counts)
        await crowd(gateway, Scenario("warm-up"), counts, WARM_UP, LONGEST_S)
        before = await memory(gateway, workers)
        trouble = Trouble(gateway, over, counts)
        keeper, breaker = (asyncio.create_task(work(trouble)) for work in (keep_running, scenario.break_things))
        start, cpu = time.perf_counter(), cpu_seconds(gateway.envoy.pid)
        await crowd(gateway, scenario, counts, requests, longest_s)
        took = time.perf_counter() - start
        over.set()
        await breaker
        healed = await heals(gateway)
        allowed = int(before * GROWTH + scenario.room_mb * 2**20 * workers)
        after = await settled_memory(gateway, workers, allowed) if healed else 0
        keeper.cancel()
        envoy_us = (cpu_seconds(gateway.envoy.pid) - cpu) / counts.requests * 1e6
    wrong = faults(scenario, counts, healed=healed, after=after, allowed=allowed)
    passed = not wrong
    line = {
        "chaos": scenario.name,
        **counts.told(),
        "seconds": round(took, 1),
        "healed": healed,
        "memory_mb": [round(before / 2**20, 1), round(after / 2**20, 1)],
        "envoy_us": round(envoy_us),
        "passed": passed,
    }
    print(json.dumps(line | birth_certificate()), flush=True)
    levels = f"{before >> 20} MB of memory before, {after >> 20} after"
    sys.stderr.write(
        f"{'ok  ' if passed else 'FAIL'} {scenario.name}: {'; '.join([*wrong, counts.summary(), levels])}\n"
    )
    return counts, passed


def faults(scenario: Scenario, counts: Counts, *, healed: bool, after: int, allowed: int) -> list[str]:
    """Why a scenario has not passed."""
    wrong = counts.wrongs()
    if scenario.refuses and not counts.refused:
        wrong.append("nothing was refused, so nothing was broken")
    if not healed:
        wrong.append("an ordinary request is not answered afterwards")
    elif (after <= allowed) == scenario.leaks_memory:
        wrong.append("a leak was not seen" if scenario.leaks_memory else f"more memory than {allowed >> 20} MB")
    if counts.answered <= WARM_UP:
        wrong.append("hardly anything was answered")
    return wrong


async def crowd(gateway: Gateway, scenario: Scenario, counts: Counts, requests: int, longest_s: float) -> None:
    """So many clients, until so many requests more have been asked, or time is up."""
    start, enough = time.perf_counter(), counts.requests + requests
    over = asyncio.Event()
    clients = [asyncio.create_task(client(gateway, scenario, counts, i, over)) for i in range(CLIENTS)]
    while not any(task.done() for task in clients):  # one that ends before it is over has failed
        await asyncio.sleep(0.05)
        took = time.perf_counter() - start
        if took > longest_s or (counts.requests >= enough and took > SHORTEST_S):
            break
    over.set()
    await asyncio.gather(*clients)


async def memory(gateway: Gateway, workers: int) -> int:
    """What the processor holds while all of its workers are there and serve.

    A worker that is being ended is in no list any more while its pages still count as shared with it: then too little
    would be found, and the level that all is measured by would be too low.
    """
    sockets = ProcessorSettings(socket=str(gateway.socket), workers=workers).sockets()
    for _ in range(150):
        children = descendants(gateway.processor.pid)
        if len(children) == (workers if workers > 1 else 0) and all([await healthy(f"unix:{s}") for s in sockets]):
            found = own_bytes(gateway.processor.pid)
            if descendants(gateway.processor.pid) == children:
                return found
        await asyncio.sleep(0.1)
    raise TimeoutError("not every worker serves")


async def settled_memory(gateway: Gateway, workers: int, allowed: int) -> int:
    """The same, once what was in flight is gone."""
    for _ in range(40):
        found = await memory(gateway, workers)
        if found <= allowed:
            break
        await asyncio.sleep(0.25)
    return found


async def heals(gateway: Gateway) -> bool:
    """Whether an ordinary request is answered again soon after."""
    for _ in range(150):
        answer = await gateway.chat("I am ada@example.org.")
        if answer.status_code == 200 and gateway.text_of(answer) == "I am ada@example.org.":
            return True
        await asyncio.sleep(0.1)
    return False


async def main() -> int:
    """Every scenario in turn; exit 1 if any failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=5000, help="over all scenarios")
    parser.add_argument("--only", default=",".join(SCENARIOS), help=", ".join(SCENARIOS))
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    chosen = [SCENARIOS[name] for name in options.only.split(",")]
    shares = sum(scenario.share for scenario in chosen)
    total, failed, start = Counts(), [], time.perf_counter()
    for scenario in chosen:
        last = scenario is chosen[-1]
        wanted = options.requests - total.requests if last else int(options.requests * scenario.share / shares)
        longest_s = 4 * LONGEST_S if last else LONGEST_S
        counts, passed = await play(scenario, max(wanted, CLIENTS), options.workers, longest_s)
        total.add(counts)
        failed += [] if passed else [scenario.name]
    line = {"chaos": "all", **total.told(), "scenarios": len(chosen), "seconds": round(time.perf_counter() - start, 1)}
    print(json.dumps(line | birth_certificate()), flush=True)
    told = f"{len(chosen) - len(failed)} of {len(chosen)} scenarios passed: {total.summary()}"
    sys.stderr.write(f"{'FAIL ' + ', '.join(failed) + ';' if failed else 'ok  '} {told}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.exit(runner.run(main()))
