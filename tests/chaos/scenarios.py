"""What is broken in each scenario, and how."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.bench.machine import descendants
from tests.wire.harness import ext_proc, healthy, until
from tests.wire.upstream import echo

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable

    from tests.wire.harness import Gateway
    from tests.wire.upstream import Received


def plain(secret: str, dice: random.Random) -> str:
    """A text with the secret somewhere in it."""
    words = [
        "bearing",
        "refund",
        "order",
        "hot",
        "please",
        "invoice",
        "temperature",
        "hello",
        "\u00e9t\u00e9",
        "\U0001f600",
    ]
    text = " ".join(dice.choices(words, k=dice.randint(1, 30)))
    return f"{text} {secret} {text[::-1]}"


def with_placeholders(secret: str, dice: random.Random) -> str:
    """The same, with placeholders that nobody gave out."""
    return f"[EMAIL_ADDRESS_{dice.randint(1, 3)}] {plain(secret, dice)} [US_SSN_1] [EMAIL_ADDRESS_99]"


async def nothing(_gateway: Gateway, _over: asyncio.Event) -> None:
    """Break nothing."""


@dataclass(frozen=True)
class Scenario:
    """One way in which things go wrong."""

    name: str
    break_things: Callable[[Gateway, asyncio.Event], Awaitable[None]] = nothing
    text: Callable[[str, random.Random], str] = plain
    mesh: dict[str, Any] = field(default_factory=dict)
    change: Callable[[dict[str, Any]], None] = lambda _: None
    command: list[str] | None = None
    """Another processor: ours with something broken in it."""
    echoes: bool = True
    """Whether a 200 is to be exactly what was asked."""


async def pause(over: asyncio.Event, seconds: float) -> bool:
    """Wait; False when it is over meanwhile."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(over.wait(), seconds)
    return not over.is_set()


async def kill(gateway: Gateway, over: asyncio.Event) -> None:
    """`kill -9` of a worker (or of the processor) every second."""
    while await pause(over, 1.0):
        workers = descendants(gateway.processor.pid)
        if workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(workers[0], signal.SIGKILL)
            continue
        await gateway.processor.kill()
        await gateway.processor.start()
        await until(lambda: healthy(f"unix:{gateway.socket}"), process=gateway.processor)
    await until(lambda: healthy(f"unix:{gateway.socket}"), process=gateway.processor)


async def stop(gateway: Gateway, over: asyncio.Event) -> None:
    """SIGSTOP for three seconds, again and again."""
    while await pause(over, 1.0):
        pids = [gateway.processor.pid, *descendants(gateway.processor.pid)]
        for number in (signal.SIGSTOP, signal.SIGCONT):
            for pid in pids:
                os.kill(pid, number)
            if number == signal.SIGSTOP:
                await asyncio.sleep(3.0)


async def upstreams_die(gateway: Gateway, over: asyncio.Event) -> None:
    """Upstreams that hang up in the middle, trickle, answer before they have read, or are fine."""
    count = 0

    async def answer(request: Received, writer: asyncio.StreamWriter) -> bool:
        nonlocal count
        count += 1
        if count % 4 == 0:
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{")
            await writer.drain()
            return False
        if count % 4 == 1:
            return False
        if count % 4 == 2:
            request.headers.append(("x-test-cut", "7"))
        return await echo(request, writer)

    for upstream in gateway.upstreams.values():
        upstream.answer = answer
    await over.wait()
    for upstream in gateway.upstreams.values():
        upstream.answer = None


async def upstreams_lie(gateway: Gateway, over: asyncio.Event) -> None:
    """Upstreams that send placeholders of their own beside the true ones."""

    async def answer(request: Received, writer: asyncio.StreamWriter) -> bool:
        request.headers.append(
            ("x-test-say", "[EMAIL_ADDRESS_2] [EMAIL_ADDRESS_77] [US_SSN_1] [PERSON_1] [EMAIL_ADDRESS_")
        )
        return await echo(request, writer)

    for upstream in gateway.upstreams.values():
        upstream.answer = answer
    await over.wait()
    for upstream in gateway.upstreams.values():
        upstream.answer = None


async def reload(gateway: Gateway, over: asyncio.Event) -> None:
    """mesh.yaml rewritten every half second, every third time broken."""
    text = gateway.mesh.read_text()
    number = 0
    while await pause(over, 0.5):
        number += 1
        gateway.mesh.write_text("version: [" if number % 3 == 0 else f"{text}\n# {number}\n")
        gateway.processor.child.send_signal(signal.SIGHUP)
    gateway.mesh.write_text(text)


async def envoy_goes(gateway: Gateway, over: asyncio.Event) -> None:
    """The path between Envoy and the processor is cut: nonsense on the socket, half-open connections."""
    while await pause(over, 0.05):
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_unix_connection(gateway.socket)
            writer.write(os.urandom(200) if os.getpid() % 2 else b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + os.urandom(300))
            await asyncio.sleep(0.01)
            writer.close()


def broken(what: str) -> list[str]:
    """The processor with a broken part."""
    return [sys.executable, "-m", "tests.chaos.broken_processor", what]


def quick_timeout(config: dict[str, Any]) -> None:
    """Envoy waits no longer than the processor's deadline and a little."""
    ext_proc(config)["message_timeout"] = "1.2s"


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("calm"),
        Scenario("kill", kill),
        Scenario("stop", stop, change=quick_timeout),
        Scenario("raising", command=broken("raising")),
        Scenario("slow", command=broken("slow"), change=quick_timeout),
        Scenario("classifier", command=broken("classifier")),
        Scenario("saturated", command=broken("saturated")),
        Scenario("memory", command=broken("memory")),
        Scenario("clock", command=broken("clock")),
        Scenario("disk", command=broken("disk")),
        Scenario("dying", upstreams_die, echoes=True),
        Scenario("lying", upstreams_lie, echoes=False),
        Scenario("placeholders", text=with_placeholders),
        Scenario("reload", reload),
        Scenario("noise", envoy_goes),
    )
}
