"""What is broken in each scenario, and how."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import resource
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from extproc.cli.relocation import free_port
from tests.bench.machine import descendants
from tests.chaos import floods, illegal, questions
from tests.wire.budget.store import Store
from tests.wire.harness import ext_proc, healthy, until
from tests.wire.upstream import echo, head

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.chaos.asking import Question
    from tests.chaos.counts import Counts
    from tests.wire.harness import Gateway
    from tests.wire.upstream import Received

EARLY = b'{"choices": [{"message": {"role": "assistant", "content": "early"}}]}'
SPARE_BYTES = 160 * 2**20
"""Address space that is left to a processor whose memory is taken away."""


@dataclass
class Trouble:
    """What a scenario may break, and until when."""

    gateway: Gateway
    over: asyncio.Event
    counts: Counts

    async def pause(self, seconds: float) -> bool:
        """Wait; False when it is over meanwhile."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.over.wait(), seconds)
        return not self.over.is_set()

    @property
    def pids(self) -> list[int]:
        """The processor's processes."""
        return [self.gateway.processor.pid, *descendants(self.gateway.processor.pid)]

    def signal(self, number: int) -> None:
        """Signal all of them."""
        for pid in self.pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)


async def nothing(_: Trouble) -> None:
    """Break nothing."""


@dataclass(frozen=True)
class Scenario:
    """One way in which things go wrong."""

    name: str
    break_things: Callable[[Trouble], Awaitable[None]] = nothing
    question: Callable[[str, random.Random], Question] = questions.plain
    mesh: Callable[[Path], dict[str, Any]] = lambda _: {}
    """Sections of mesh.yaml; given a folder of its own."""
    change: Callable[[dict[str, Any]], None] = lambda _: None
    command: list[str] | None = None
    """Another processor: ours with something broken in it."""
    share: float = 1.0
    """Of the requests; little where most of the time is spent waiting."""
    room_mb: int = 24
    """How much more memory each worker may keep: large bodies leave holes in the heap, as many as were open together."""
    refuses: bool = False
    """Whether nothing is broken if nothing is refused."""
    early: bool = False
    """Whether a 200 may be the upstream's EARLY."""
    leaks_memory: bool = False
    """The test of the test: its memory must not come back."""


async def kill(trouble: Trouble) -> None:
    """`kill -9` of a worker (or of the processor) every second."""
    dice = random.Random(1)
    while await trouble.pause(1.0):
        with contextlib.suppress(ProcessLookupError):
            os.kill(dice.choice(trouble.pids[1:] or trouble.pids), signal.SIGKILL)


async def stop(trouble: Trouble) -> None:
    """SIGSTOP for three seconds, again and again."""
    while await trouble.pause(1.0):
        trouble.signal(signal.SIGSTOP)
        await asyncio.sleep(3.0)
        trouble.signal(signal.SIGCONT)


async def take_memory(trouble: Trouble) -> None:
    """RLIMIT_AS a little above what each process has, half of the time."""
    while await trouble.pause(1.0):
        for pid in trouble.pids:
            with contextlib.suppress(ProcessLookupError, FileNotFoundError):
                resource.prlimit(pid, resource.RLIMIT_AS, (address_space(pid) + SPARE_BYTES, resource.RLIM_INFINITY))
        await trouble.pause(1.0)
        limit_all(trouble, resource.RLIMIT_AS, resource.RLIM_INFINITY)


def address_space(pid: int) -> int:
    """Bytes that a process has mapped."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[0]) * resource.getpagesize()


async def fill_disk(trouble: Trouble) -> None:
    """No file may grow, half of the time: the audit trail, and the log."""
    while await trouble.pause(1.0):
        limit_all(trouble, resource.RLIMIT_FSIZE, 0)
        await trouble.pause(1.0)
        limit_all(trouble, resource.RLIMIT_FSIZE, resource.RLIM_INFINITY)


def limit_all(trouble: Trouble, what: int, soft: int) -> None:
    """Set a soft limit of each of the processor's processes."""
    for pid in trouble.pids:
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(pid, what, (soft, resource.RLIM_INFINITY))


async def upstreams_die(trouble: Trouble) -> None:
    """Upstreams that hang up before they answer, or in the middle of it."""
    count = 0

    async def answer(request: Received, writer: asyncio.StreamWriter) -> bool:
        nonlocal count
        count += 1
        if count % 4 == 0:
            writer.write(head(200, "application/json", {"content-length": "500"}) + b"{")
            await writer.drain()
            return False
        return count % 4 != 1 and await echo(request, writer)

    await behave(trouble, answer)


async def upstreams_trickle(trouble: Trouble) -> None:
    """Upstreams that answer in pieces of five bytes, with pauses."""

    async def answer(request: Received, writer: asyncio.StreamWriter) -> bool:
        request.headers[:] = [h for h in request.headers if h[0] != "x-test-cut"]
        request.headers.append(("x-test-cut", "5"))
        await asyncio.sleep(0.02)
        return await echo(request, writer)

    await behave(trouble, answer)


async def upstreams_lie(trouble: Trouble) -> None:
    """Upstreams that send placeholders of their own beside the true one."""

    async def answer(request: Received, writer: asyncio.StreamWriter) -> bool:
        request.headers.append(("x-test-say", questions.LIES))
        return await echo(request, writer)

    await behave(trouble, answer)


async def upstreams_hurry(trouble: Trouble) -> None:
    """Upstreams that answer before they have read the body, every fourth time, and then read on or hang up."""
    count = 0

    async def answer_early(_: Received, writer: asyncio.StreamWriter) -> bool:
        nonlocal count
        count += 1
        if count % 4:
            return False
        writer.write(head(200, "application/json", {"content-length": str(len(EARLY))}) + EARLY)
        await writer.drain()
        if count % 8 == 0:
            writer.close()
        return True

    for upstream in trouble.gateway.upstreams.values():
        upstream.answer_early = answer_early
    await trouble.over.wait()
    for upstream in trouble.gateway.upstreams.values():
        upstream.answer_early = None


async def behave(trouble: Trouble, answer: Callable[[Received, asyncio.StreamWriter], Awaitable[bool]]) -> None:
    """Let the upstreams answer so until it is over."""
    for upstream in trouble.gateway.upstreams.values():
        upstream.answer = answer
    await trouble.over.wait()
    for upstream in trouble.gateway.upstreams.values():
        upstream.answer = None


async def reload(trouble: Trouble) -> None:
    """mesh.yaml changed every half second: rewritten, renamed over, swapped behind a symlink; every third time broken."""
    file = trouble.gateway.mesh
    text = file.read_text()
    number = 0
    while await trouble.pause(0.5):
        number += 1
        changed = "version: [" if number % 3 == 0 else f"{text}\n# {number}\n"
        way = number % 4
        if way == 0:
            file.unlink()
            file.write_text(changed)
        elif way == 1:
            fresh = file.with_name("mesh.new")
            fresh.write_text(changed)
            fresh.rename(file)
        else:
            folder = file.with_name(f"..{number}")
            folder.mkdir()
            (folder / file.name).write_text(changed)
            link = file.with_name("..data_tmp")
            link.symlink_to(folder.name)
            link.rename(file.with_name("..data"))
            if way == 2:
                fresh = file.with_name("mesh.link")
                fresh.symlink_to("..data/mesh.yaml")
                fresh.rename(file)
        if number % 2:
            with contextlib.suppress(ProcessLookupError):  # it has just ended, and is started again
                trouble.gateway.processor.child.send_signal(signal.SIGHUP)
        trouble.counts.done["reloads"] += 1
    file.unlink()
    file.write_text(text)


async def change_rules(trouble: Trouble) -> None:
    """Rules that come, go, err and only tell, ten times in three seconds; those that deny stay among them."""
    file = trouble.gateway.mesh
    settings = yaml.safe_load(file.read_text())
    denying = settings["policy"]
    dice = random.Random(5)
    passing = [
        {"name": "errs", "when": "has(caller.claims.x) && caller.claims.x > 1", "then": {"deny": "no"}},
        {"name": "tells", "when": "request.tokens > 0", "then": {"deny": "no"}, "mode": "dry_run"},
        {"name": "near", "when": "entities.total > 0", "then": {"residency": "pod"}},
        {"name": "hidden", "when": 'intent == ""', "then": {"operators": {"EMAIL_ADDRESS": "replace"}}},
        {"name": "dear", "when": "destination.price.output > 100.0", "then": {"deny": "dear"}},
    ]
    while await trouble.pause(0.3):
        rules = [*denying, *dice.sample(passing, dice.randrange(len(passing) + 1))]
        dice.shuffle(rules)
        fresh = file.with_name("mesh.new")
        fresh.write_text(yaml.safe_dump(settings | {"policy": rules}))
        fresh.rename(file)
        trouble.counts.done["policies"] += 1


async def lose_store(trouble: Trouble) -> None:
    """The store of the budgets stands still, is killed, and comes back empty."""
    store = STORES.pop()
    try:
        while await trouble.pause(1.0):
            store.signal(signal.SIGSTOP)
            await trouble.pause(1.0)
            store.signal(signal.SIGCONT)
            await trouble.pause(0.5)
            store.kill()
            await trouble.pause(1.0)
            store.start()
            trouble.counts.done["stores lost"] += 1
    finally:
        store.kill()


STORES: list[Store] = []
"""Of the scenario that runs."""


def shared_budgets(folder: Path) -> dict[str, Any]:
    """Budgets in a store; one of them is used up before long, and not all requests go on."""
    store = Store(folder)
    store.start()
    STORES.append(store)
    return {
        "budgets": [
            {"name": "all", "unit": "requests", "limit": 10**7, "window": "day"},
            {"name": "teams", "by": "team", "unit": "tokens", "limit": 10**9, "window": "hour"},
        ],
        "budget_state": {"store": {"url": store.url, "lease": 0.01}},
    }


async def slow_guard(trouble: Trouble) -> None:
    """A moderation service that takes its time, hangs up, or says what is no answer."""
    dice = random.Random(6)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            await reader.readuntil(b"\r\n\r\n")
            way = dice.randrange(4)
            trouble.counts.done["moderations"] += 1
            if way == 1:
                await asyncio.sleep(0.5)
            if way != 2:
                said = b'{"results": [{"flagged": false}]}' if way != 3 else b"<html>"
                writer.write(head(200, "application/json", {"content-length": str(len(said))}) + said)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", GUARDS.pop())
    await trouble.over.wait()
    server.close()


GUARDS: list[int] = []
"""The port on which the guard of the scenario that runs is to listen."""


def moderated(_: Path) -> dict[str, Any]:
    """A guard elsewhere, without which requests go on: what rules deny is denied all the same."""
    GUARDS.append(port := free_port())
    guard = {
        "kind": "moderation",
        "url": f"http://127.0.0.1:{port}/v1/moderations",
        "action": "block",
        "on_error": "open",
    }
    return {"guardrails": {"elsewhere": guard | {"deadline_ms": 200}}}


async def make_noise(trouble: Trouble) -> None:
    """Bytes on the processor's socket that are no HTTP/2, or begin like it; connections that are left half open."""
    dice = random.Random(2)
    while await trouble.pause(0.05):
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_unix_connection(trouble.gateway.socket)
            preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" if dice.random() < 0.5 else b""
            writer.write(preface + dice.randbytes(300))
            await asyncio.sleep(0.01)
            writer.close()
            trouble.counts.done["connections of noise"] += 1


async def speak_illegally(trouble: Trouble) -> None:
    """Malformed protobuf and messages out of order, straight to the processor's socket."""
    dice = random.Random(3)
    while not trouble.over.is_set():
        try:
            await illegal.speak(str(trouble.gateway.socket), dice, trouble.counts, trouble.over)
        except OSError:
            await trouble.pause(0.1)


async def flood(trouble: Trouble) -> None:
    """Frames that HTTP/2 allows, and too many of them, on connections that read nothing."""
    dice = random.Random(4)
    while await trouble.pause(0.1):
        with contextlib.suppress(OSError):
            kind = await floods.flood(str(trouble.gateway.socket), dice)
            trouble.counts.done[f"floods of {kind}"] += 1


async def everything(trouble: Trouble) -> None:
    """Most of it at once."""
    await asyncio.gather(
        kill(trouble), reload(trouble), upstreams_die(trouble), make_noise(trouble), speak_illegally(trouble)
    )


async def keep_running(trouble: Trouble) -> None:
    """What an orchestrator does, until it is cancelled: a processor that has ended is started again."""
    processor = trouble.gateway.processor
    while True:
        await asyncio.sleep(0.1)
        assert processor.child is not None
        if processor.child.returncode is not None:
            trouble.counts.done["processors started again"] += 1
            await processor.start()
            with contextlib.suppress(TimeoutError, RuntimeError):
                await until(lambda: healthy(f"unix:{trouble.gateway.socket}"), process=processor)


def broken(what: str) -> list[str]:
    """The processor with a broken part."""
    return [sys.executable, "-m", "tests.chaos.broken_processor", what]


def quick_timeout(config: dict[str, Any]) -> None:
    """Envoy waits no longer than the processor's deadline and a little."""
    ext_proc(config)["message_timeout"] = "1.2s"


def audited(folder: Path) -> dict[str, Any]:
    """An audit trail without which nothing goes on."""
    return {"telemetry": {"audit": {"path": str(folder / "audit.jsonl"), "on_error": "block"}}}


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("calm"),
        Scenario("kill", kill),
        Scenario("stop", stop, change=quick_timeout, share=0.2),
        Scenario("raising", command=broken("raising"), refuses=True),
        Scenario("slow", command=broken("slow"), change=quick_timeout, share=0.05),
        Scenario("hanging", command=broken("hanging"), change=quick_timeout, share=0.2),
        Scenario("leaking", command=broken("leaking"), share=0.2, leaks_memory=True),
        Scenario("classifier", command=broken("classifier")),
        Scenario("saturated", command=broken("saturated"), share=0.5),
        Scenario("memory", take_memory, questions.hostile, share=0.2, room_mb=110),
        Scenario("hostile", question=questions.hostile, share=0.2, room_mb=110),
        Scenario("costly", question=questions.costly, share=0.1, room_mb=110),
        Scenario("illegal", speak_illegally),
        Scenario("noise", make_noise),
        Scenario("floods", flood, share=0.5),
        Scenario("clock", command=broken("clock")),
        Scenario("disk", fill_disk, mesh=audited),
        Scenario("dying", upstreams_die),
        Scenario("trickling", upstreams_trickle, share=0.2),
        Scenario("hurrying", upstreams_hurry, questions.large, share=0.5, early=True, room_mb=48),
        Scenario("lying", upstreams_lie, questions.lied_to),
        Scenario("placeholders", question=questions.with_placeholders),
        Scenario("reload", reload),
        Scenario("rules", change_rules),
        Scenario("store", lose_store, mesh=shared_budgets),
        Scenario("guard", slow_guard, mesh=moderated),
        Scenario("everything", everything),
    )
}
