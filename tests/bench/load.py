"""A load generator in a process of its own: raw HTTP/1.1 on kept connections, so that it costs less than what it measures.

`python -m tests.bench.load PORT BODIES` where BODIES is a file of JSON strings, one request body a line. Prints one JSON
object: requests, errors, seconds, latencies in milliseconds (p50, p95, p99, max) and the CPU that it took itself.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import resource
import time
from pathlib import Path

import uvloop


class Connection(asyncio.Protocol):
    """One connection: a request, its answer to the last byte, the next request."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.buffer = b""
        self.due = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self.transport = transport
        self.run.idle(self)

    def send(self, request: bytes, due: float) -> None:
        """Ask; `due` is when the request was to be sent, so that waiting for a free connection counts."""
        self.due = due
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Collect an answer."""
        buffer = self.buffer = self.buffer + data if self.buffer else data
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        start = buffer.find(b"content-length: ", 0, end)
        if start >= 0:
            length = int(buffer[start + 16 : buffer.index(b"\r\n", start)])
            if len(buffer) < end + 4 + length:
                return
        elif not buffer.endswith(b"0\r\n\r\n"):
            return
        self.buffer = b""
        self.run.answered(self, int(buffer[9:12]))

    def connection_lost(self, exc: Exception | None) -> None:
        """Envoy closed it: an error, unless the run is over."""
        self.run.lost()


class Run:
    """Closed loop with so many connections; with a rate, open loop over them."""

    def __init__(self, bodies: list[bytes], path: str, connections: int, seconds: float, rate: float) -> None:
        head = f"POST {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: "
        self.requests = [head.encode() + b"%d\r\n\r\n" % len(body) + body for body in bodies]
        random.Random(7).shuffle(self.requests)
        self.connections, self.seconds, self.rate = connections, seconds, rate
        self.free: list[Connection] = []
        self.queue: list[float] = []
        self.latencies: list[float] = []
        self.errors: dict[str, int] = {}
        self.sent = 0
        self.open = True

    def idle(self, connection: Connection) -> None:
        """A connection is free."""
        if self.queue:
            self._ask(connection, self.queue.pop(0))
        elif self.rate or not self.open:
            self.free.append(connection)
        else:
            self._ask(connection, time.perf_counter())

    def _ask(self, connection: Connection, due: float) -> None:
        connection.send(self.requests[self.sent % len(self.requests)], due)
        self.sent += 1

    def answered(self, connection: Connection, status: int) -> None:
        """One more."""
        if self.open:
            self.latencies.append(time.perf_counter() - connection.due)
            if status != 200:
                self.errors[str(status)] = self.errors.get(str(status), 0) + 1
        self.idle(connection)

    def lost(self) -> None:
        """A connection broke."""
        if self.open:
            self.errors["lost"] = self.errors.get("lost", 0) + 1

    async def __call__(self, port: int) -> dict[str, object]:
        """Run."""
        loop = asyncio.get_running_loop()
        start = time.perf_counter()
        cpu = resource.getrusage(resource.RUSAGE_SELF)
        await asyncio.gather(
            *(loop.create_connection(lambda: Connection(self), "127.0.0.1", port) for _ in range(self.connections))
        )
        if self.rate:
            await self._arrivals(start)
        else:
            await asyncio.sleep(self.seconds)
        self.open = False
        took = time.perf_counter() - start
        after = resource.getrusage(resource.RUSAGE_SELF)
        ordered = sorted(self.latencies)
        return {
            "requests": len(ordered),
            "errors": self.errors,
            "seconds": round(took, 3),
            "per_s": round(len(ordered) / took, 1),
            **{
                f"p{q:g}_ms": round(1e3 * ordered[int(q / 100 * (len(ordered) - 1))], 3)
                for q in (50, 95, 99)
                if ordered
            },
            "max_ms": round(1e3 * ordered[-1], 3) if ordered else None,
            "load_cpu_s": round(after.ru_utime + after.ru_stime - cpu.ru_utime - cpu.ru_stime, 3),
        }

    async def _arrivals(self, start: float) -> None:
        """Requests at even intervals, whatever the answers do."""
        number = 0
        while (now := time.perf_counter()) < start + self.seconds:
            while start + number / self.rate <= now:
                due = start + number / self.rate
                number += 1
                if self.free:
                    self._ask(self.free.pop(), due)
                else:
                    self.queue.append(due)
            await asyncio.sleep(max(0, start + number / self.rate - time.perf_counter()))


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("bodies", type=Path)
    parser.add_argument("--path", default="/v1/chat/completions")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rate", type=float, default=0)
    options = parser.parse_args()
    bodies = [json.loads(line).encode() for line in options.bodies.read_text().splitlines()]
    run = Run(bodies, options.path, options.connections, options.seconds, options.rate)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(run(options.port))))


if __name__ == "__main__":
    main()
