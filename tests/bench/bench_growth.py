"""How cost grows: with the length of a prompt, the size of a body, the number of intents, open streams and workers.

    python -m tests.bench.bench_growth [latency guarded bodies customers intents streams workers]

One JSON line per point. `latency` is what the filter adds at p50 and p99 to the same Envoy without it, unloaded.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import httpx
import yaml

from extproc import logs
from extproc.config import load
from extproc.decision import Inquiry
from extproc.payload.document import Segment
from extproc.pii import Analyzer, Anonymizer
from extproc.pii.names.words import load as load_words
from extproc.pipeline import Pipeline
from tests.bench.bench_wire import FORGETFUL, chat, clinc, clinc_mesh, measure, running, write_bodies
from tests.bench.bench_wire import load as run_load
from tests.bench.machine import birth_certificate, resident_bytes
from tests.wire.harness import MESH_YAML

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.bench.bench_wire import Bench

PROMPT_TOKENS = (20, 500, 2000, 8000)
BODY_BYTES = (1_000, 10_000, 100_000, 1_000_000, 8_000_000)
CUSTOMERS = (500, 2_000, 8_000, 32_000)
INTENTS = (2, 10, 50, 150, 1000)
OPEN_STREAMS = 2000
WORKER_TOKENS = (0, 2000)
"""Prompts that workers are compared with; 0: CLINC150's questions as they are."""
GUARDED_TOKENS = 400_000
"""Of texts of which none is sent twice."""
CHARACTERS_PER_TOKEN = 4.5
HEADERS = {":method": "POST", "content-type": "application/json"}


def tell(bench: str, **line: object) -> None:
    """One point."""
    print(json.dumps({"bench": bench, **line, **birth_certificate()}), flush=True)
    sys.stderr.write(f"{bench}: {json.dumps(line)}\n")


def prose(characters: int, first: int = 0) -> str:
    """So much text, of what people ask, from the question numbered `first` on, with an address in it now and then."""
    parts, size = [], 0
    rows = clinc("test")
    while size < characters:
        text = rows[(first + len(parts)) % len(rows)]["text"] + (
            " mail ada@example.org. " if len(parts) % 50 == 49 else ". "
        )
        parts.append(text)
        size += len(text)
    return "".join(parts)[: max(1, characters)]


async def latency() -> None:
    """What the filter adds, by the length of one chat's prompt: to texts that it has not seen, and to the same sent again."""
    seen: dict[tuple[str, int], dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        forgetful = Path(folder) / "mesh.yaml"
        forgetful.write_text(yaml.safe_dump(yaml.safe_load(MESH_YAML.read_text()) | FORGETFUL))
        for variant in ("none", "ours", "again") * 2:
            name = "none" if variant == "none" else "ours"
            async with running(name, mesh=MESH_YAML if variant == "again" else forgetful) as bench:
                for tokens in PROMPT_TOKENS:
                    texts = [prose(int(tokens * CHARACTERS_PER_TOKEN), first=97 * i) for i in range(50)]
                    bodies = write_bodies(Path(folder) / "bodies", texts)
                    await run_load(bench.port, bodies, seconds=1.5, connections=1)
                    point = await measure(bench, bodies, seconds=3, connections=1)
                    best = seen.get((variant, tokens))
                    if best is None or point["p50_ms"] < best["p50_ms"]:
                        seen[variant, tokens] = point
    for tokens in PROMPT_TOKENS:
        without, ours, again = (seen[variant, tokens] for variant in ("none", "ours", "again"))
        added = {f"added_{p}_ms": round(ours[f"{p}_ms"] - without[f"{p}_ms"], 3) for p in ("p50", "p99")}
        added["again_p50_ms"] = round(again["p50_ms"] - without["p50_ms"], 3)
        tell("latency", tokens=tokens, **added, without_p50_ms=without["p50_ms"], ours_p50_ms=ours["p50_ms"])


async def guarded() -> None:
    """What a guardrail on attacks adds to the same, where no text is sent twice: what it has seen it does not read again."""
    seen: dict[tuple[str, int], dict[str, Any]] = {}
    attacks = {"attacks": {"kind": "injection", "look_at": ["user", "tool", "document"]}}
    with tempfile.TemporaryDirectory() as folder:
        plain = yaml.safe_load(MESH_YAML.read_text()) | FORGETFUL
        for variant in ("without", "with") * 2:
            mesh = Path(folder) / "mesh.yaml"
            mesh.write_text(yaml.safe_dump(plain | {"guardrails": attacks} if variant == "with" else plain))
            async with running("ours", mesh=mesh) as bench:
                for tokens in PROMPT_TOKENS:
                    size = int(tokens * CHARACTERS_PER_TOKEN)
                    texts = [prose(size, first=i) for i in range(max(300, min(4000, GUARDED_TOKENS // tokens)))]
                    point = await measure(bench, write_bodies(Path(folder) / "bodies", texts), seconds=3, connections=1)
                    best = seen.get((variant, tokens))
                    if best is None or point["p50_ms"] < best["p50_ms"]:
                        seen[variant, tokens] = point
    for tokens in PROMPT_TOKENS:
        told = {
            f"{variant}_{name}": seen[variant, tokens][name]
            for variant in ("without", "with")
            for name in ("p50_ms", "p99_ms", "processor_us_per_request")
        }
        tell("guarded", tokens=tokens, **told, dearer=round(told["with_p50_ms"] / told["without_p50_ms"] - 1, 3))


async def bodies() -> None:
    """CPU time of the pipeline by the size of the body: should grow no faster than the body."""
    mesh = load(MESH_YAML)
    mesh = mesh.model_copy(update={"pii": mesh.pii.model_copy(update={"remember_texts": 0})})
    patient = mesh.limits.model_copy(update={"deadline_ms": 60_000})
    pipeline = Pipeline.build(mesh.model_copy(update={"limits": patient}))
    rule = pipeline.mesh.intercept[0]
    for size in BODY_BYTES:
        body = chat(prose(size - 80)).encode()
        took = []
        for _ in range(max(3, min(200, 2_000_000 // size))):
            start = time.process_time()
            await pipeline.inspect(Inquiry(rule, "/v1/chat/completions", HEADERS, body))
            took.append(time.process_time() - start)
        tell(
            "body",
            bytes=len(body),
            ms=round(1e3 * median(took), 3),
            ns_per_byte=round(1e9 * median(took) / len(body), 1),
        )


async def customers() -> None:
    """CPU of masking a table of customers: as many values of each kind as it has lines, and none of them twice."""
    mesh = load(MESH_YAML)
    anonymizer = Anonymizer(mesh.pii, Analyzer(mesh.pii))
    names = sorted(name.title() for name in load_words("given") if name.isascii() and len(name) > 4)
    for number in CUSTOMERS:
        lines = (
            f"{names[i * 97 % len(names)]} {names[i * 31 % len(names)]}son,c{i}@example.org,+44 20 7946 {i % 10_000:04}"
            for i in range(number)
        )
        table = "name,mail,phone\n" + "\n".join(lines)
        start = time.process_time()
        masked = anonymizer.anonymize([Segment(table)])
        took = time.process_time() - start
        tell(
            "customers",
            customers=number,
            bytes=len(table),
            masked=sum(masked.entities.values()),
            s=round(took, 3),
            ns_per_byte=round(1e9 * took / len(table), 1),
        )


async def intents() -> None:
    """Time of the intent step by the number of intents, for texts that it has not seen."""
    rows: dict[str, list[str]] = {}
    for row in clinc("train"):
        if row["intent"]:
            rows.setdefault(row["intent"], []).append(row["text"])
    names = list(rows)
    texts = [row["text"] for row in clinc("test")][:400]
    for number in INTENTS:
        examples = {}
        for i in range(number):
            first = 5 * (i // len(names))
            examples[f"i{i}"] = {"examples": rows[names[i % len(names)]][first : first + 5]}
        mesh = yaml.safe_load(MESH_YAML.read_text()) | {"intents": examples, "routes": []}
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "mesh.yaml"
            file.write_text(yaml.safe_dump(mesh))
            pipeline = Pipeline.build(load(file))
        rule = pipeline.mesh.intercept[0]
        took = []
        for text in texts:
            found = await pipeline.inspect(Inquiry(rule, "/v1/chat/completions", HEADERS, chat(text).encode()))
            took.append(found.inspection.steps_s["intent"])
        tell("intents", intents=number, us=round(1e6 * median(took), 1))


async def streams() -> None:
    """Memory of one worker that holds so many streamed answers open, each with something to restore."""
    waiting = asyncio.Event()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"}]}")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")
        writer.write(b'data: {"choices": [{"index": 0, "delta": {"content": "I am [EMAIL_"}}]}\n\n')
        await waiting.wait()
        writer.write(b'data: {"choices": [{"index": 0, "delta": {"content": "ADDRESS_1]."}}]}\n\ndata: [DONE]\n\n')
        writer.close()

    upstream = await asyncio.start_server(slow, "127.0.0.1", 0, backlog=4096)
    body = chat("I am ada@example.org.").encode()
    ask = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nconnection: close\r\n"
    ask += b"content-length: %d\r\n\r\n%s" % (len(body), body)

    async def client() -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", bench.port)
        writer.write(ask)
        answer = await reader.read()
        writer.close()
        return answer

    async with running(
        "ours", mesh=MESH_YAML, sink=upstream.sockets[0].getsockname()[1], pool=2 * OPEN_STREAMS
    ) as bench:
        assert bench.processor is not None
        before = resident_bytes(bench.processor.pid)
        clients = []
        for _ in range(OPEN_STREAMS // 100):
            clients += [asyncio.create_task(client()) for _ in range(100)]
            await asyncio.sleep(0.4)
        await asyncio.sleep(3)
        during = resident_bytes(bench.processor.pid)
        waiting.set()
        answers = await asyncio.gather(*clients)
    right = sum(b"ada@example.org" in a and b"EMAIL_ADDRESS" not in a for a in answers)
    tell(
        "streams",
        open=OPEN_STREAMS,
        restored=right,
        kb_per_stream=round((during - before) / OPEN_STREAMS / 1024, 1),
        processor_mb=round(during / 2**20, 1),
    )


async def workers() -> None:
    """One worker and two, with short chats and with long prompts; and of the two cores, how much of them who took.

    Envoy, the upstream and the load generator need cores too. So beside the requests per second there is what a CPU second
    of the workers carries: how much less that is with two of them is what they cost each other, and twice that over what
    it is with one is what two cores would carry that nobody else uses.
    """
    with tempfile.TemporaryDirectory() as folder:
        for tokens in WORKER_TOKENS:
            texts = [row["text"] for row in clinc("test")]
            if tokens:
                texts = [prose(int(tokens * CHARACTERS_PER_TOKEN), first=97 * i) for i in range(50)]
            bodies = write_bodies(Path(folder) / "bodies", texts)
            points: dict[int, list[dict[str, Any]]] = {1: [], 2: []}
            for number in (1, 2) * 2:
                points[number].append(await _with_workers(number, Path(folder), bodies))
            for number, found in points.items():
                tell("workers" if not tokens else "workers-prompts", workers=number, tokens=tokens, **_best(found))
            one, two = (_best(found) for found in points.values())
            tell(
                "workers-scale",
                tokens=tokens,
                requests=round(two["per_s"] / one["per_s"], 2),
                on_cores_of_their_own=round(2 * two["per_worker_cpu_s"] / one["per_worker_cpu_s"], 2),
            )


async def _with_workers(number: int, folder: Path, bodies: Path) -> dict[str, Any]:
    mesh = clinc_mesh(folder, intents={}, routes=[], processor={"workers": number})
    async with running("ours", mesh=mesh, workers=number) as bench:
        await run_load(bench.port, bodies, seconds=1, connections=32)
        before = await _requests_by_worker(bench)
        seen = await measure(bench, bodies, seconds=4, connections=32)
        shares = [now - then for now, then in zip(await _requests_by_worker(bench), before, strict=True)]
    cores = {
        part: round(seen[f"{part}_us_per_request"] * seen["per_s"] / 1e6, 2)
        for part in ("processor", "envoy", "upstream")
    }
    return {
        "per_s": seen["per_s"],
        "p50_ms": seen["p50_ms"],
        "errors": seen["errors"],
        "per_worker_cpu_s": round(1e6 / seen["processor_us_per_request"], 1),
        "cores_used": cores | {"load": round(seen["load_cpu_s"] / seen["seconds"], 2)},
        "share_of_each": [round(share / sum(shares), 3) for share in shares],
        "processor_mb": seen["processor_mb"],
    }


async def _requests_by_worker(bench: Bench) -> list[int]:
    """How many requests Envoy has sent to each worker's socket."""
    async with httpx.AsyncClient() as client:
        clusters = (await client.get(f"{bench.admin}/clusters", params={"format": "json"})).json()["cluster_statuses"]
    hosts = next(cluster["host_statuses"] for cluster in clusters if cluster["name"] == "intentmesh")
    return [int(stat["value"]) for host in hosts for stat in host["stats"] if stat["name"] == "rq_total"]


def _best(found: list[dict[str, Any]]) -> dict[str, Any]:
    """The run that the rest of the machine disturbed least."""
    return max(found, key=lambda point: point["per_worker_cpu_s"])


PARTS: dict[str, Callable[[], Awaitable[None]]] = {
    "latency": latency,
    "guarded": guarded,
    "bodies": bodies,
    "customers": customers,
    "intents": intents,
    "streams": streams,
    "workers": workers,
}


async def main() -> None:
    """The parts that are named, or all."""
    logs.configure("warning")  # stdout is for the lines of the bench
    for name in sys.argv[1:] or PARTS:
        await PARTS[name]()


if __name__ == "__main__":
    asyncio.run(main())
