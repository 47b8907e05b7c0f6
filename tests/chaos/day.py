"""A day in the life, in minutes: two workers under load, and everything that a bad day brings, one thing after another.

    python -m tests.chaos.day [--minutes 30]

Workers are killed and stand still, mesh.yaml is changed well and badly, the disk is full for a while, upstreams break off, the
processor is replaced. At the end the books have to balance: a request is refused only by a death or a break that was made; every
one is in the audit trail once, but for the lines that the trail itself says are lost; tokens and money are those that the
upstreams have in books of their own, in the trail and in the metrics; no counter has ever fallen; and `audit verify` finds the
gaps that were made, and no other.
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
from tests.wire.upstream import echo

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

CLIENTS = 6
MASKED, PLAIN = "I am ada@example.org.", "the pump is hot"
PAUSE_S = 0.05
"""Between two requests of a client, in the mean: a day is long, and the machine has other work."""
CALM_S = 1.0
"""Between two events."""
PRICES = {"input": 2, "output": 10}
"""Of a million tokens."""
LARGEST = 5000
"""Tokens that an answer may take."""
ANSWERED_S = 20.0
"""The longest that an answer may take. So long a replaced processor waits for the end of one of which Envoy has never heard."""
GONE_S = 180.0
"""Within that a new processor has started and the old one has ended, on a machine that does much else."""
STILL_S = 1.0
FULL_S = 1.5
SETTLE_S = 3.0


@dataclass
class Books:
    """What was seen from outside."""

    sent: int = 0
    answered: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    spent: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Of each request that an upstream answered: tokens in and out, as it said itself."""
    cut: set[str] = field(default_factory=set)
    """Requests whose answers upstreams were told to break off."""
    kills: int = 0
    stops: int = 0
    rejected: int = 0
    replaced: int = 0
    fallen: list[str] = field(default_factory=list)
    """Counters that fell."""
    last: dict[str, float] = field(default_factory=dict)

    def counted(self, name: str, label: str = "") -> float:
        """A counter, over all of its labels, or those that hold this one."""
        return sum(value for sample, value in self.last.items() if sample.partition("{")[0] == name and label in sample)

    async def answer(self, request: Any, writer: asyncio.StreamWriter) -> bool:
        """What an upstream answers, and puts into its own books."""
        dice = random.Random(id(request))
        read, written = dice.randint(1, LARGEST), dice.randint(1, LARGEST)
        self.spent[request.get("x-request-id")] = read, written
        usage = {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
        return await echo(request, writer, usage)

    async def break_off(self, request: Any, writer: asyncio.StreamWriter) -> bool:
        """What it answers while it breaks off in the middle."""
        self.cut.add(request.get("x-request-id"))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 9000\r\n\r\n")
        writer.write(b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n')
        await writer.drain()
        await asyncio.sleep(0.1)
        writer.transport.abort()
        return False


def cost(read: int, written: int) -> float:
    """What tokens cost."""
    return (read * PRICES["input"] + written * PRICES["output"]) / 1e6


async def client(gateway: Gateway, books: Books, over: asyncio.Event, number: int) -> None:
    """Ask until it is over."""
    dice = random.Random(number)
    while not over.is_set():
        await asyncio.sleep(dice.uniform(0, 2 * PAUSE_S))
        books.sent += 1
        try:
            answer = await gateway.chat(dice.choice((MASKED, PLAIN)), stream=dice.random() < 0.5)
        except httpx.TransportError:
            books.refused["broken off"] += 1
            continue
        if answer.status_code == 200:
            books.answered += 1
        else:
            books.refused[str(answer.status_code)] += 1


async def watch(gateway: Gateway, books: Books, over: asyncio.Event) -> None:
    """Look at the metrics, again and again."""
    while not over.is_set():
        await look(gateway, books)
        await asyncio.sleep(0.2)


async def look(gateway: Gateway, books: Books) -> None:
    """One look: no counter may be less than it was, whoever counts; but for what is told of a process itself."""
    async with httpx.AsyncClient() as asking:
        try:
            text = (await asking.get(f"{gateway.processor_admin}/metrics")).text
        except httpx.TransportError:
            return  # one processor has closed its port, and the next one has not opened it
    found = {
        f"{sample.name}{sorted(sample.labels.items())}".replace("[", "{", 1): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if family.type in ("counter", "histogram") and not family.name.startswith(("process_", "python_"))
    }
    books.fallen += [sample for sample, value in books.last.items() if found.get(sample, 0.0) < value]
    books.last = found


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


def write(gateway: Gateway, text: str) -> None:
    """Another mesh.yaml, whole at once: half of one would be refused, and counted."""
    new = gateway.mesh.with_suffix(".new")
    new.write_text(text)
    new.rename(gateway.mesh)


async def reload_well(gateway: Gateway, _: Books) -> None:
    """Another mesh.yaml, which says the same."""
    write(gateway, f"{gateway.mesh.read_text()}\n# {time.time()}\n")
    await asyncio.sleep(1.5)


async def reload_badly(gateway: Gateway, books: Books) -> None:
    """One that is none, and the old one again."""
    good = gateway.mesh.read_text()
    write(gateway, f"{good}\nshadow: {'[' * 3000}\n")
    await asyncio.sleep(2)
    write(gateway, good)
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


async def stand_still(gateway: Gateway, books: Books) -> None:
    """A worker is stopped for a moment, and goes on. What it was searching then is late for its deadline, and refused."""
    victim = workers(gateway)[-1]
    books.stops += 1
    os.kill(victim, signal.SIGSTOP)
    await asyncio.sleep(STILL_S)
    os.kill(victim, signal.SIGCONT)
    await gateway.healthy_again()


async def cut_answers(gateway: Gateway, books: Books) -> None:
    """Upstreams break off in the middle of an answer."""
    for upstream in gateway.upstreams.values():
        upstream.answer = books.break_off
    await asyncio.sleep(1)
    for upstream in gateway.upstreams.values():
        upstream.answer = books.answer


async def replace(gateway: Gateway, books: Books) -> None:
    """Another processor takes the place of this one."""
    old = gateway.processor
    command = [option for option in old.command if option != "--replace"]
    await look(gateway, books)
    new = Process("processor", [*command, "--replace"], gateway.socket.with_name(f"new-{books.replaced}.log"))
    await new.start()
    assert old.child is not None
    try:
        await asyncio.wait_for(old.child.wait(), GONE_S)
    except BaseException:
        await new.stop()
        raise
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
    stand_still,
    fill_the_disk,
    replace,
)


async def play(minutes: float) -> list[str]:
    """Play the day; what does not balance."""
    books, over = Books(), asyncio.Event()
    with tempfile.TemporaryDirectory(prefix="im-day-") as folder:
        audit = Path(folder) / "audit.jsonl"
        address, price = {"endpoints": [{"address": "127.0.0.1:8083"}]}, {"price_per_million": PRICES}
        mesh = {
            "models": {"general": {**address, "retries": {"attempts": 0}, "timeout_s": ANSWERED_S, **price}},
            "default_model": "general",
            "intents": {},
            "routes": [],
            "processor": {"workers": 2, "grace_s": 5},
            "telemetry": {"audit": {"path": str(audit), "max_bytes": 2**30}},
        }
        async with running_gateway(mesh=mesh) as gateway:
            for upstream in gateway.upstreams.values():
                upstream.answer = books.answer
            end = time.monotonic() + minutes * 60
            tasks = [asyncio.create_task(client(gateway, books, over, number)) for number in range(CLIENTS)]
            watcher = asyncio.create_task(watch(gateway, books, over))
            number = 0
            while time.monotonic() < end or number < len(EVENTS):
                event = EVENTS[number % len(EVENTS)]
                sys.stderr.write(f"{books.sent:7} sent, {books.answered:7} answered: {event.__name__}\n")
                await event(gateway, books)
                await asyncio.sleep(CALM_S)
                number += 1
            over.set()
            await asyncio.gather(*tasks, watcher)
            await asyncio.sleep(SETTLE_S)
            await look(gateway, books)
            await gateway.processor.stop()
        return unbalanced(books, audit)


def unbalanced(books: Books, audit: Path) -> list[str]:
    """What does not balance, each as a sentence."""
    found = verify([audit], whole=True)
    lines = [json.loads(line) for line in audit.read_bytes().splitlines()]
    decisions = [line for line in lines if "audit" not in line]
    ids = Counter(line["request_id"] for line in decisions)
    outcomes = Counter(line["outcome"] for line in decisions)
    refusals = Counter(line["error"] for line in decisions if line["outcome"] == "rejected")
    troubles = Counter(f"{line['outcome']} {line['status']} {line['error']}" for line in decisions if line["error"])
    gaps = Counter(gap.kind for gap in found.gaps)
    lost = sum(gap.lines for gap in found.gaps if gap.kind == "lost")

    paid = {line["request_id"]: line for line in decisions if line["input_tokens"] is not None}
    exact = {one: line for one, line in paid.items() if one not in books.cut}
    told = {one: (line["input_tokens"], line["output_tokens"]) for one, line in exact.items()}
    missing = books.spent.keys() - ids.keys()
    """Lines that the trail says are lost."""
    unpaid = {line["request_id"] for line in decisions if line["outcome"] == "unknown"} & books.spent.keys()
    """Of these the worker was killed."""
    unexplained = books.spent.keys() - told.keys() - missing - unpaid
    wrong = [one for one, tokens in told.items() if books.spent.get(one) != tokens or exact[one]["estimated"]]
    dear = [one for one, line in exact.items() if abs(line["cost"] - cost(*told[one])) > 1e-9]

    certain = [books.spent[one] for one in told.keys() | missing]
    estimated = [(line["input_tokens"], line["output_tokens"]) for one, line in paid.items() if one in books.cut]
    least = tuple(map(sum, zip((0, 0), *certain, *estimated, strict=True)))
    most = tuple(map(sum, zip(least, *(books.spent[one] for one in unpaid), strict=True)))
    """Who was killed between the end of an exchange and its line had counted it."""
    name = "intentmesh_project_tokens_total"
    tokens = books.counted(name, "'input'"), books.counted(name, "'output'")
    money = books.counted("intentmesh_project_cost_total")
    requests = books.counted("intentmesh_requests_total")
    print(
        json.dumps(
            {
                "sent": books.sent,
                "answered": books.answered,
                "refused": dict(books.refused),
                "tokens": tokens,
                "cost": money,
                "audit": dict(outcomes),
                "troubles": dict(troubles),
                "gaps": dict(gaps),
                "lost lines": lost,
                "kills": books.kills,
                "replaced": books.replaced,
            }
        )
    )
    rejected = books.counted("intentmesh_config_rejected_total")
    checks = {
        f"{books.sent} sent, {books.answered} answered, {dict(books.refused)} refused": books.sent
        == books.answered + books.refused.total(),
        f"refused, {dict(books.refused)}, by {books.kills} deaths and {len(books.cut)} breaks": books.refused.keys()
        <= {"500", "503", "broken off"}
        and books.refused["503"] == outcomes["rejected"]  # refused by the processor, on record
        and books.refused["500"] <= books.kills * CLIENTS
        and books.refused["broken off"] == len(books.cut),
        f"refused on record, {dict(refusals)}, while a worker stood still {books.stops} times": refusals.keys()
        <= {"LateError"}
        and refusals.total() <= books.stops * CLIENTS,
        f"counters fell: {books.fallen[:3]}": not books.fallen,
        f"{rejected} files refused, {books.rejected} were bad": rejected == books.rejected,
        f"breaks in the trail: {found.breaks[:3]}": not found.breaks,
        f"{gaps['killed']} kills in the trail, {books.kills} were made": gaps["killed"] == books.kills,
        f"gaps of other kinds: {dict(gaps)}": gaps.keys() <= {"killed", "lost", "unfinished"},
        f"{lost} lost lines, {len(missing)} are missing": len(missing) <= lost <= len(missing) + books.refused["500"],
        f"the disk was full, and no line is lost ({lost})": lost > 0,
        f"requests that stand twice in the trail: {[i for i, n in ids.items() if n > 1][:3]}": max(ids.values()) == 1,
        f"{requests} requests counted, {len(decisions)} decisions and {lost} lost lines": requests
        == len(decisions) + lost,
        f"{books.answered} answered of {requests} counted, {books.sent} sent": books.answered <= requests <= books.sent,
        f"answers whose tokens nobody has: {len(unexplained)}": not unexplained,
        f"tokens that are not the upstream's: {wrong[:3]}": not wrong,
        f"cost that is not the upstream's: {dear[:3]}": not dear,
        f"{tokens} tokens counted, {least} to {most} at the upstreams": all(
            low <= count <= high for low, count, high in zip(least, tokens, most, strict=True)
        ),
        f"{money} counted for {tokens}": abs(money - cost(*map(int, tokens))) <= 1e-6 * money,
        f"{outcomes['cut']} cut answers in the trail, {len(books.cut)} were made": outcomes["cut"] == len(books.cut),
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
