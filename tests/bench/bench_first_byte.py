"""How much later a streamed answer begins where it is translated: through a real Envoy, each pair of APIs in turns with none.

    python -m tests.bench.bench_first_byte [--rounds 300]

One request at a time over a connection that stays; the upstream answers at once. What is told of a pair is the median of its
times from the first byte of the request to the first byte of the answer's body, less that of the same caller with a model that
speaks its API: masking and restoring are in both. One JSON line each.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from statistics import median
from typing import Any

from tests.bench.machine import birth_certificate
from tests.unit.payload.translate.oracles import CALLERS, DIALECTS
from tests.wire.harness import Gateway, running_gateway
from tests.wire.test_providers import MODELS, answering

TEXT = "I am ada@example.org, and my parcel has not arrived. "
BODIES: dict[str, tuple[str, dict[str, Any]]] = {
    "openai": ("/v1/chat/completions", {"messages": [{"role": "user", "content": TEXT}]}),
    "openai-responses": ("/v1/responses", {"input": TEXT}),
    "anthropic": ("/v1/messages", {"messages": [{"role": "user", "content": TEXT}], "max_tokens": 100}),
}


class Client:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def to(cls, port: int) -> Client:
        """Open it."""
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def first_byte(self, caller: str, model: str) -> float:
        """Milliseconds until the answer's body begins; it is read to its end."""
        path, body = BODIES[caller]
        data = json.dumps({**body, "model": model, "stream": True}).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {len(data)}\r\n\r\n"
        )
        begun = time.perf_counter()
        self._writer.write(head.encode() + data)
        status = await self._reader.readuntil(b"\r\n\r\n")
        if not status.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(status.decode())
        size = int(await self._reader.readuntil(b"\r\n"), 16)
        took = time.perf_counter() - begun
        while size:
            await self._reader.readexactly(size + 2)
            size = int(await self._reader.readuntil(b"\r\n"), 16)
        await self._reader.readexactly(2)
        return took * 1e3


async def measure(gateway: Gateway, rounds: int) -> dict[tuple[str, str], list[float]]:
    """Every caller with every model, in turns."""
    client = await Client.to(gateway.port)
    pairs = [(caller, model) for caller in CALLERS for model in DIALECTS]
    found: dict[tuple[str, str], list[float]] = {pair: [] for pair in pairs}
    for number in range(rounds + 20):
        for pair in pairs:
            took = await client.first_byte(*pair)
            if number >= 20:  # what is first made, and what the processor learns of bodies
                found[pair].append(took)
        pairs = [*pairs[1:], pairs[0]]
    return found


async def main() -> None:
    """Print the lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=300)
    options = parser.parse_args()
    models = {
        name: {**model, "endpoints": [{"address": f"127.0.0.1:{8091 + i}"}]}
        for i, (name, model) in enumerate(MODELS.items())
    }
    mesh = {"models": models, "default_model": "openai", "intents": {}, "routes": []}
    async with running_gateway(mesh=mesh) as gateway:
        for name, upstream in gateway.upstreams.items():
            upstream.answer = answering(name, "chat")
        found = await measure(gateway, options.rounds)
    for (caller, model), times in found.items():
        own = found[caller, caller]
        told = {
            "caller": caller,
            "model": model,
            "ms": round(median(times), 3),
            "added_ms": round(median(times) - median(own), 3),
        }
        line = {"bench": "first-byte", **told, "rounds": options.rounds, "load_average": os.getloadavg()[0]}
        print(json.dumps(line | birth_certificate()), flush=True)
        if caller != model:
            sys.stderr.write(f"{caller:17} -> {model:17} {told['ms']:7.3f} ms, {told['added_ms']:+.3f}\n")


if __name__ == "__main__":
    asyncio.run(main())
