"""A day in the life, in minutes: two workers under load, and everything that a bad day brings, one thing after another.

    python -m tests.chaos.day [--minutes 30]

Workers are killed, mesh.yaml is changed well and badly, the disk is full for a while, upstreams break off, the processor is
replaced. At the end the books have to balance: every request that was sent was answered or refused, and is in the audit trail
once, but for the lines that the trail itself says are lost; tokens are those that the upstreams counted; no counter has fallen;
and `audit verify` finds the gaps that were made, and no other.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import resource
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import yaml
from prometheus_client.parser import text_string_to_metric_families

from extproc.telemetry.audit_verify import verify
from tests.wire.harness import Gateway, Process, healthy, running_gateway, until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

CLIENTS = 6
MASKED, PLAIN = "I am ada@example.org.", "the pump is hot"
INPUT, OUTPUT = 7, 5
"""Tokens of every answer, as the upstreams of these tests tell them."""
FULL_S = 1.5
SETTLE_S = 3.0


@dataclass
class Books:
    """What was seen from outside."""

    sent: int = 0
    answered: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    cut: int = 0
    """Answers that upstreams were told to break off."""
    kills: int = 0
    rejected: int = 0
    replaced: int = 0
    fallen: list[str] = field(default_factory=list)
    """Counters that fell."""
    past: Counter[str] = field(default_factory=Counter)
    """What the processors counted that have been replaced."""
    last: dict[str, float] = field(default_factory=dict)
    born: float = 0.0

    def counted(self, name: str) -> float:
        """A counter, over all processors of the day."""
        return self.past[name] + sum(value for sample, value in self.last.items() if sample.partition("{")[0] == name)


async def client(gateway: Gateway, books: Books, over: asyncio.Event, number: int) -> None:
    """Ask until it is over."""
    dice = random.Random(number)
    while not over.is_set():
        books.sent += 1
        try:
            answer = await gateway.chat(dice.choice((MASKED, PLAIN)), stream=dice.random() < 0.5)
        except httpx.TransportError as error:
            books.refused[type(error).__name__] += 1
            continue
        if answer.status_code == 200:
            books.answered += 1
        else:
            books.refused[str(answer.status_code)] += 1
            await asyncio.sleep(0.01)


async def watch(gateway: Gateway, books: Books, over: asyncio.Event) -> None:
    """Look at the metrics, again and again."""
    while not over.is_set():
        await look(gateway, books)
        await asyncio.sleep(0.2)


async def look(gateway: Gateway, books: Books) -> None:
    """One look: no counter may be less than it was, while the processor is the same."""
    async with httpx.AsyncClient() as asking:
        try:
            text = (await asking.get(f"{gateway.processor_admin}/metrics")).text
        except httpx.TransportError:
            return
    found, born = {}, 0.0
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == "process_start_time_seconds":
                born = sample.value
            if family.type in ("counter", "histogram"):
                found[f"{sample.name}{sorted(sample.labels.items())}".replace("[", "{", 1)] = sample.value
    if books.born and born != books.born:
        for sample, value in books.last.items():
            books.past[sample.partition("{")[0]] += value
    else:
        books.fallen += [sample for sample, value in books.last.items() if found.get(sample, 0.0) < value]
    books.last, books.born = found, born


def workers(gateway: Gateway) -> list[int]:
    """Processes of the processor."""
    pid = gateway.processor.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


async def kill_a_worker(gateway: Gateway, books: Books) -> None:
    """With all that it holds; it is forked again."""
    victim = workers(gateway)[0]
    os.kill(victim, signal.SIGKILL)
    books.kills += 1

    async def again() -> bool:
        return victim not in workers(gateway) and len(workers(gateway)) == 2 and await healthy(f"unix:{gateway.socket}")

    await until(again, process=gateway.processor)


async def reload_well(gateway: Gateway, _: Books) -> None:
    """Another mesh.yaml, which says the same."""
    gateway.mesh.write_text(f"{gateway.mesh.read_text()}\n# {time.time()}\n")
    await asyncio.sleep(1.5)


async def reload_badly(gateway: Gateway, books: Books) -> None:
    """One that is none, and the old one again."""
    good = gateway.mesh.read_text()
    gateway.mesh.write_text(f"{good}\nshadow: {'[' * 3000}\n")
    await asyncio.sleep(2)
    gateway.mesh.write_text(good)
    books.rejected += 1
    await asyncio.sleep(1.5)


async def fill_the_disk(gateway: Gateway, _: Books) -> None:
    """For the audit trail: no process of ours may make it longer than it is."""
    audit = Path(yaml.safe_load(gateway.mesh.read_text())["telemetry"]["audit"]["path"])
    pids, size = workers(gateway), os.stat(audit).st_size  # noqa: PTH116
    before = {pid: resource.prlimit(pid, resource.RLIMIT_FSIZE) for pid in pids}
    for pid in pids:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, before[pid][1]))
    await asyncio.sleep(FULL_S)
    for pid in pids:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before[pid])
    await asyncio.sleep(0.5)


async def cut_answers(gateway: Gateway, books: Books) -> None:
    """Upstreams break off in the middle of an answer."""

    async def answer(_request: Any, writer: asyncio.StreamWriter) -> bool:
        books.cut += 1
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 9000\r\n\r\n")
        writer.write(b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n')
        await writer.drain()
        await asyncio.sleep(0.1)
        writer.transport.abort()
        return False

    for upstream in gateway.upstreams.values():
        upstream.answer = answer
    await asyncio.sleep(1)
    for upstream in gateway.upstreams.values():
        upstream.answer = None


async def replace(gateway: Gateway, books: Books) -> None:
    """Another processor takes the place of this one."""
    old = gateway.processor
    command = [option for option in old.command if option != "--replace"]
    await look(gateway, books)
    new = Process("processor", [*command, "--replace"], gateway.socket.with_name(f"new-{books.replaced}.log"))
    await new.start()
    assert old.child is not None
    await asyncio.wait_for(old.child.wait(), 60)
    gateway.processor = new
    books.replaced += 1

    async def ready() -> bool:
        async with httpx.AsyncClient() as asking:
            with contextlib.suppress(httpx.TransportError):
                return (await asking.get(f"{gateway.processor_admin}/readyz")).status_code == 200
        return False

    await until(ready, process=new)


EVENTS: tuple[Callable[[Gateway, Books], Awaitable[None]], ...] = (
    kill_a_worker,
    reload_badly,
    cut_answers,
    reload_well,
    fill_the_disk,
    replace,
)


async def play(minutes: float) -> list[str]:
    """Play the day; what does not balance."""
    books, over = Books(), asyncio.Event()
    with tempfile.TemporaryDirectory(prefix="im-day-") as folder:
        audit = Path(folder) / "audit.jsonl"
        price = {"price_per_million": {"input": 2, "output": 10}}
        mesh = {
            "models": {"general": {"endpoints": [{"address": "127.0.0.1:8083"}], "retries": {"attempts": 0}, **price}},
            "default_model": "general",
            "intents": {},
            "routes": [],
            "processor": {"workers": 2, "grace_s": 5},
            "telemetry": {"audit": {"path": str(audit), "max_bytes": 2**30}},
        }
        async with running_gateway(mesh=mesh) as gateway:
            end = time.monotonic() + minutes * 60
            tasks = [asyncio.create_task(client(gateway, books, over, number)) for number in range(CLIENTS)]
            watcher = asyncio.create_task(watch(gateway, books, over))
            number = 0
            while time.monotonic() < end or number < len(EVENTS):
                event = EVENTS[number % len(EVENTS)]
                sys.stderr.write(f"{books.sent:7} sent, {books.answered:7} answered: {event.__name__}\n")
                await event(gateway, books)
                number += 1
            over.set()
            await asyncio.gather(*tasks, watcher)
            await asyncio.sleep(SETTLE_S)
            await look(gateway, books)
            served = sum(len(upstream.requests) for upstream in gateway.upstreams.values())
            await gateway.processor.stop()
        return unbalanced(books, audit, served)


def unbalanced(books: Books, audit: Path, served: int) -> list[str]:
    """What does not balance, each as a sentence."""
    found = verify([audit], whole=True)
    lines = [json.loads(line) for line in audit.read_bytes().splitlines()]
    decisions = [line for line in lines if "audit" not in line]
    outcomes = Counter(line["outcome"] for line in decisions)
    paid = [line for line in decisions if line["input_tokens"] is not None and not line["estimated"]]
    gaps = Counter(gap.kind for gap in found.gaps)
    lost = sum(gap.lines for gap in found.gaps if gap.kind == "lost")
    ids = Counter(line["request_id"] for line in decisions)
    audited = sum(line["input_tokens"] + line["output_tokens"] for line in paid)
    tokens = {(line["input_tokens"], line["output_tokens"]) for line in paid}
    told = {
        "sent": books.sent,
        "answered": books.answered,
        "refused": dict(books.refused),
        "served by upstreams": served,
        "audit": dict(outcomes),
        "gaps": dict(gaps),
        "lost lines": lost,
        "kills": books.kills,
        "replaced": books.replaced,
    }
    print(json.dumps(told))
    checks = {
        f"{books.sent} sent, {books.answered} answered, {dict(books.refused)} refused": books.sent
        == books.answered + books.refused.total(),
        f"counters fell: {books.fallen[:3]}": not books.fallen,
        f"{books.counted('intentmesh_config_rejected_total')} files refused, {books.rejected} were bad": books.rejected
        == books.counted("intentmesh_config_rejected_total"),
        f"breaks in the trail: {found.breaks[:3]}": not found.breaks,
        f"{gaps['killed']} kills in the trail, {books.kills} were made": gaps["killed"] == books.kills,
        f"lost lines {lost}: the disk was full": lost > 0,
        f"gaps of other kinds: {dict(gaps)}": gaps.keys() <= {"killed", "lost", "unfinished"},
        f"requests that stand twice in the trail: {[i for i, n in ids.items() if n > 1][:3]}": max(ids.values()) == 1,
        f"tokens of an answer: {tokens}": tokens == {(INPUT, OUTPUT)},
        f"{audited} tokens in the trail, {served * (INPUT + OUTPUT)} at the upstreams": 0
        <= served - books.cut - len(paid)
        <= lost + outcomes["unknown"] + outcomes["cancelled"] + sum(line["input_tokens"] is None for line in decisions),
        f"{len(decisions)} decisions and {lost} lost lines for {books.sent} requests": len(decisions) + lost
        >= books.answered,
        f"{outcomes['cut']} cut answers in the trail, {books.cut} were made": abs(outcomes["cut"] - books.cut) <= lost,
    }
    return [sentence for sentence, holds in checks.items() if not holds]


def main() -> int:
    """Play it, and say what does not balance."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--minutes", type=float, default=30.0)
    wrong = asyncio.run(play(options.parse_args().minutes))
    for sentence in wrong:
        sys.stderr.write(f"FAIL {sentence}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
