"""What the filter costs through one Envoy worker: no filter, a processor that does nothing, ours.

    python -m tests.bench.bench_wire [--seconds 8] [--connections 16] [--rate 300]
    python -m tests.bench.bench_wire --cost [--rounds 20] [--seconds 1.5]
    python -m tests.bench.bench_wire --telemetry [--masked] [--rounds 10] [--seconds 3]
    python -m tests.bench.bench_wire --governance [--rounds 10] [--seconds 3]

The requests are chats of CLINC150's test split (one user message of some eight words). Ours masks with every
deterministic recognizer and classifies into CLINC150's 150 intents. Load generator, Envoy, processor and upstream are
processes of their own; the CPU of each is read from /proc, so that the cost per request holds on a busy machine, where
requests per second do not. One JSON line per variant, then a table on stderr.

`--cost` compares ours, as it comes and with the name model off (every recognizer that is left is deterministic), with the
processor that does nothing: all run at the same time and are loaded in turns, in a closed loop and at the rate, and what is told
is the median over the rounds of the ratio of their CPU a request.

`--telemetry` compares telemetry off, on, and on without reading usage from the answers: all three run at the same time and
are loaded in turns, and what is told is the median over the rounds of each one's ratio to the one that is off. Usage is read
by Envoy itself, in answers that need no restoring; with `--masked` they are shown to the processor, which then reads it.

`--governance` compares 20 rules and three budgets, alone, together, and together in the file of a fleet's pod that leases of a
store, with none of them, likewise in turns: what is told is the median over the rounds of what they add to a request's CPU.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import httpx
import yaml

from extproc.cli.relocation import relocate
from extproc.config import load as load_mesh
from tests.bench.bench_budgets import MESH as BUDGETS
from tests.bench.bench_policy import RULES
from tests.bench.machine import birth_certificate, cpu_seconds, resident_bytes
from tests.wire.budget.store import running_store
from tests.wire.harness import ENVOY_YAML, ROOT, Process, ext_proc, healthy, rendered, running_envoy, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CLINC = ROOT.parent / "shared" / "data" / "intents" / "clinc150.jsonl"
TEXT_MODELS = ("telemetry", "support", "general")
EXAMPLES_PER_INTENT = 100
DECIDED_EARLY = 0.9
"""Of the requests of the variant `ours`, the share that the cascade decides before the transformer. `whole` has the test
split as it is, where it is about half, out-of-scope requests included."""


@dataclass
class Bench:
    """What runs for one variant."""

    port: int
    envoy: Process
    processor: Process | None
    sink: Process
    admin: str
    """Envoy's."""


@cache
def clinc(split: str) -> list[dict[str, Any]]:
    """Rows of a split."""
    return [row for line in CLINC.read_text().splitlines() if (row := json.loads(line))["split"] == split]


def chat(text: str) -> str:
    """An OpenAI chat request."""
    return json.dumps({"model": "any", "messages": [{"role": "user", "content": text}]})


def write_bodies(path: Path, texts: list[str]) -> Path:
    """One request body a line, as the load generator reads them."""
    path.write_text("".join(json.dumps(chat(text)) + "\n" for text in texts))
    return path


FORGETFUL: dict[str, dict[str, Any]] = {"classifier": {"cache_size": 0}, "pii": {"remember_texts": 0}}
"""No request is cheaper for having been sent before: the load generator sends the same texts over and over."""


def clinc_mesh(folder: Path, **sections: Any) -> Path:
    """A mesh of CLINC150's intents, spread over three models."""
    rows: dict[str, list[str]] = {}
    for row in clinc("train"):
        if row["intent"]:
            rows.setdefault(row["intent"], []).append(row["text"])
    mesh = {
        "version": 1,
        "intents": {name: {"examples": texts[:EXAMPLES_PER_INTENT]} for name, texts in rows.items()},
        "models": {n: {"endpoints": [{"address": f"127.0.0.1:{8081 + i}"}]} for i, n in enumerate(TEXT_MODELS)},
        "routes": [{"intent": name, "model": TEXT_MODELS[i % 3]} for i, name in enumerate(rows)],
        "default_model": "general",
        **FORGETFUL,
        **sections,
    }
    path = folder / "mesh.yaml"
    path.write_text(yaml.safe_dump(mesh, allow_unicode=True))
    return path


def envoy_config(
    variant: str, socket: Path, sink: int, *, mesh: Path | None = None, workers: int = 1, pool: int | None = None
) -> dict[str, Any]:
    """The committed configuration, or that of a mesh; for this variant, so many workers and, if given, connections upstream."""
    config = yaml.safe_load(rendered(mesh) if mesh else ENVOY_YAML.read_text())
    listener = config["static_resources"]["listeners"][0]["address"]["socket_address"]["port_value"]
    admin = config["admin"]["address"]["socket_address"]["port_value"]
    models = dict.fromkeys((8081, 8082, 8083), sink)
    config = relocate(config, {listener: 0, admin: 0, **models}, socket.parent)
    manager = config["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    # The line on standard output is the same for all, and none of it ours.
    manager["access_log"] = [each for each in manager["access_log"] if not each["name"].endswith("stdout")]
    for cluster in config["static_resources"]["clusters"]:
        if cluster["name"] != "intentmesh":
            cluster.pop("health_checks", None)
            if pool:
                limits = {"max_connections": pool, "max_pending_requests": pool, "max_requests": pool}
                cluster["circuit_breakers"] = {"thresholds": [limits]}
            continue
        endpoints = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"]
        paths = [socket, *(socket.with_stem(f"{socket.stem}-{i}") for i in range(1, workers))]
        endpoints[:] = [{"endpoint": {"address": {"pipe": {"path": str(path)}}}} for path in paths]
    if variant == "none":
        manager["http_filters"] = [f for f in manager["http_filters"] if "ExternalProcessor" not in str(f)]
        for host in manager["route_config"]["virtual_hosts"]:
            for route in host["routes"]:
                route.pop("typed_per_filter_config", None)
    elif variant == "idle":
        ext_proc(config)["processing_mode"]["response_header_mode"] = "SKIP"
    return config


def mostly_decided(mesh: Path) -> list[str]:
    """Texts of the test split, DECIDED_EARLY of which need no transformer."""
    from extproc.intent import Classifier

    classifier = Classifier(load_mesh(mesh))
    early: list[str] = []
    late: list[str] = []
    for row in clinc("test"):
        score = classifier.classify_now(row["text"])
        (early if score.stage == "static" else late).append(row["text"])
    number = int(len(early) * (1 - DECIDED_EARLY) / DECIDED_EARLY)
    return early + late[:number]


@asynccontextmanager
async def running(
    variant: str, *, mesh: Path | None = None, workers: int = 1, sink: int | None = None, pool: int | None = None
) -> AsyncIterator[Bench]:
    """Everything for one variant: none, idle, idle3 (with the response's headers), ours. `sink`: another upstream."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="im-bench-")))
        own = Process("sink", [sys.executable, "-m", "tests.bench.sink"], folder / "sink.log")
        await own.start()
        stack.push_async_callback(own.stop)

        async def port() -> int:
            return int(own.output() or 0)

        upstream = sink or await until(port, process=own)
        socket, processor = folder / "extproc.sock", None
        if variant != "none":
            command = [sys.executable, "-m", "tests.bench.idle_processor", str(socket)]
            if variant.startswith("ours"):
                command = [sys.executable, "-m", "extproc", "serve", str(mesh or clinc_mesh(folder))]
                command += ["--socket", str(socket), "--admin", "127.0.0.1:0", "--workers", str(workers)]
            processor = Process("processor", command, folder / "processor.log")
            await processor.start()
            stack.push_async_callback(processor.stop)
            await until(lambda: healthy(f"unix:{socket}"), process=processor, timeout_s=120)
        config = envoy_config(variant, socket, upstream, mesh=mesh, workers=workers, pool=pool)
        envoy, admin = await stack.enter_async_context(running_envoy(config, folder))
        async with httpx.AsyncClient() as asking:
            listeners = (await asking.get(f"{admin}/listeners", params={"format": "json"})).json()
        address = listeners["listener_statuses"][0]["local_address"]["socket_address"]
        yield Bench(address["port_value"], envoy, processor, own, admin)


async def load(port: int, bodies: Path, **options: object) -> dict[str, Any]:
    """Run the load generator."""
    command = [sys.executable, "-m", "tests.bench.load", str(port), str(bodies)]
    command += [part for name, value in options.items() for part in (f"--{name}", str(value))]
    child = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, cwd=ROOT)
    out, _ = await child.communicate()
    answer: dict[str, Any] = json.loads(out)
    return answer


async def measure(bench: Bench, bodies: Path, **options: object) -> dict[str, Any]:
    """One run: what the load generator saw, and what each process spent per request."""
    parts = {"processor": bench.processor, "envoy": bench.envoy, "upstream": bench.sink}
    before = {name: cpu_seconds(part.pid) for name, part in parts.items() if part}
    seen = await load(bench.port, bodies, **options)
    for name, spent in before.items():
        part = parts[name]
        assert part is not None
        seen[f"{name}_us_per_request"] = round(1e6 * (cpu_seconds(part.pid) - spent) / max(1, seen["requests"]), 1)
    if bench.processor:
        seen["processor_mb"] = round(resident_bytes(bench.processor.pid) / 2**20, 1)
    return seen


async def main() -> None:
    """All variants, twice over: in turns, so that a busy minute hits all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--rate", type=float, default=300)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--cost", action="store_true", help="what ours costs, against a processor that does nothing")
    parser.add_argument("--telemetry", action="store_true", help="what telemetry costs, on against off")
    parser.add_argument(
        "--masked", action="store_true", help="with --telemetry: requests whose answers are read anyway"
    )
    parser.add_argument("--governance", action="store_true", help="what rules and budgets cost, on against off")
    parser.add_argument("--variants", default="none,idle,idle3,ours,ours-whole")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        mesh = clinc_mesh(Path(folder))
        if options.telemetry:
            texts = mostly_decided(mesh)
            if options.masked:
                texts = [f"{text}; write to ada@example.org" for text in texts]
            await compare_telemetry(Path(folder), write_bodies(Path(folder) / "told", texts), options)
            return
        if options.governance:
            await compare_governance(Path(folder), write_bodies(Path(folder) / "ruled", mostly_decided(mesh)), options)
            return
        if options.cost:
            own = Path(folder) / "nameless"
            own.mkdir()
            await compare_cost(own, mesh, write_bodies(Path(folder) / "early", mostly_decided(mesh)), options)
            return
        whole = write_bodies(Path(folder) / "whole", [row["text"] for row in clinc("test")])
        early = write_bodies(Path(folder) / "early", mostly_decided(mesh))
        for _ in range(options.rounds):
            for variant in options.variants.split(","):
                bodies = whole if variant == "ours-whole" else early
                async with running(variant, mesh=mesh) as bench:
                    await load(bench.port, bodies, seconds=1.5, connections=options.connections)  # warm-up, dropped
                    full = await measure(bench, bodies, seconds=options.seconds, connections=options.connections)
                    report(variant, "closed", full, connections=options.connections)
                    steady = await measure(bench, bodies, seconds=options.seconds, rate=options.rate, connections=64)
                    report(variant, "open", steady, rate=options.rate)
                    alone = await measure(bench, bodies, seconds=options.seconds / 2, connections=1)
                    report(variant, "unloaded", alone, connections=1)


async def in_turns(
    benches: dict[str, Bench], bodies: Path, options: argparse.Namespace, **how: object
) -> dict[str, list[dict[str, Any]]]:
    """Load what runs at the same time in turns, so that a busy second hits all of it: what was measured, round by round."""
    rounds: dict[str, list[dict[str, Any]]] = {variant: [] for variant in benches}
    for bench in benches.values():
        await load(bench.port, bodies, seconds=1.5, connections=options.connections)  # warm-up, dropped
    turn = list(benches.items())
    for _ in range(options.rounds):
        for variant, bench in turn:
            rounds[variant].append(await measure(bench, bodies, seconds=options.seconds, **how))
        turn = [*turn[1:], turn[0]]
    return rounds


async def compare_cost(folder: Path, mesh: Path, bodies: Path, options: argparse.Namespace) -> None:
    """The CPU of ours over that of the processor that does nothing."""
    nameless = clinc_mesh(folder, pii=FORGETFUL["pii"] | {"names": {"enabled": False}})
    loops: dict[str, dict[str, object]] = {
        "closed": {"connections": options.connections},
        "open": {"rate": options.rate, "connections": 64},
    }
    async with (
        running("idle", mesh=mesh) as idle,
        running("ours", mesh=mesh) as ours,
        running("ours", mesh=nameless) as deterministic,
    ):
        benches = {"idle": idle, "ours": ours, "ours, names off": deterministic}
        rounds = {loop: await in_turns(benches, bodies, options, **how) for loop, how in loops.items()}
    for loop, seen in rounds.items():
        for variant in list(seen)[1:]:
            report_cost(loop, variant, list(zip(seen[variant], seen["idle"], strict=True)))


def report_cost(loop: str, variant: str, pairs: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
    """One line of what was seen of a variant, and of the processor that does nothing beside it, round by round."""
    ratios = sorted(one["processor_us_per_request"] / two["processor_us_per_request"] for one, two in pairs)
    told = {
        "ratio": round(median(ratios), 2),
        "ratios": [round(ratio, 2) for ratio in ratios],
        "requests_per_s": round(median(one["per_s"] for one, _ in pairs), 1),
        "p99_ms": round(median(one["p99_ms"] for one, _ in pairs), 1),
        "processor_us_per_request": [
            round(median(pair[which]["processor_us_per_request"] for pair in pairs), 1) for which in (0, 1)
        ],
    }
    how = {"bench": "wire-cost", "loop": loop, "variant": variant, "rounds": len(pairs)}
    print(json.dumps(how | told | birth_certificate()), flush=True)
    sys.stderr.write(f"cost, {loop}, {variant}: {told}\n")


TOLD = {
    "off": {"enabled": False},
    "on, usage unread": {"otlp": {}, "audit": {}, "usage": False},
    "on": {"otlp": {}, "audit": {}},
}
"""Variant of the comparison -> its telemetry: the defaults, an OTLP receiver and an audit trail."""


@asynccontextmanager
async def running_told(folder: Path) -> AsyncIterator[dict[str, Bench]]:
    """All variants of TOLD, each with an Envoy, a processor and a sink of its own."""
    async with AsyncExitStack() as stack:
        receiver = Process("otlp", [sys.executable, "-m", "tests.bench.otlp_sink"], folder / "otlp.log")
        await receiver.start()
        stack.push_async_callback(receiver.stop)

        async def port() -> int:
            return int(receiver.output() or 0)

        otlp = {"endpoint": f"http://127.0.0.1:{await until(port, process=receiver)}"}
        benches = {}
        for variant, how in TOLD.items():
            own = folder / variant
            own.mkdir()
            places = {"otlp": otlp, "audit": {"path": str(own / "audit.jsonl")}}
            settings = {key: places.get(key, value) for key, value in how.items()}
            mesh = clinc_mesh(own, telemetry=settings)
            benches[variant] = await stack.enter_async_context(running("ours", mesh=mesh))
        yield benches


async def compare_telemetry(folder: Path, bodies: Path, options: argparse.Namespace) -> None:
    """What telemetry costs, over what runs without."""
    async with running_told(folder) as benches:
        rounds = await in_turns(benches, bodies, options, connections=options.connections)
    for variant, seen in rounds.items():
        pairs = list(zip(seen, rounds["off"], strict=True))
        told = {
            "requests_per_s": median(s["per_s"] for s in seen),
            "share_of_off": round(median(s["per_s"] / off["per_s"] for s, off in pairs), 3),
            "processor_us_per_request": median(s["processor_us_per_request"] for s in seen),
            "processor_us_over_off": round(
                median(s["processor_us_per_request"] - off["processor_us_per_request"] for s, off in pairs), 1
            ),
            "envoy_us_over_off": round(
                median(s["envoy_us_per_request"] - off["envoy_us_per_request"] for s, off in pairs), 1
            ),
            "errors": sum(bool(s["errors"]) for s in seen),
        }
        how = {
            "bench": "telemetry-wire",
            "variant": variant,
            "masked": options.masked,
            "rounds": len(seen),
            "seconds": options.seconds,
        }
        print(json.dumps({**how, **told, "load_average": os.getloadavg()[0], **birth_certificate()}), flush=True)
        sys.stderr.write(f"{variant:18} {told}\n")


@asynccontextmanager
async def running_governed(folder: Path) -> AsyncIterator[dict[str, Bench]]:
    """None of it, rules, budgets, both, both with leases: each with an Envoy, a processor and a sink of its own."""
    conditions = [rule.replace('"health"', '"balance"') for rule in RULES]
    rules = [{"name": f"r{i}", "when": when, "then": {"deny": "no"}} for i, when in enumerate(conditions)]
    budgets = BUDGETS["budgets"]
    async with AsyncExitStack() as stack:
        store = stack.enter_context(running_store())
        shared = {"path": str(folder / "accounts"), "store": {"url": store.url, "lease": 0.05}}
        variants: dict[str, dict[str, Any]] = {
            "off": {},
            "20 rules": {"policy": rules},
            "3 budgets": {"budgets": budgets},
            "20 rules, 3 budgets": {"policy": rules, "budgets": budgets},
            "20 rules, 3 budgets, leases": {"policy": rules, "budgets": budgets, "budget_state": shared},
        }
        benches = {}
        for variant, sections in variants.items():
            own = folder / variant.replace(" ", "-")
            own.mkdir()
            identity = {"identity": {"headers": {"id": "x-id", "team": "x-team"}}}
            mesh = clinc_mesh(own, **identity, **sections)
            benches[variant] = await stack.enter_async_context(running("ours", mesh=mesh))
        yield benches


async def compare_governance(folder: Path, bodies: Path, options: argparse.Namespace) -> None:
    """What rules and budgets add to a request."""
    async with running_governed(folder) as benches:
        rounds = await in_turns(benches, bodies, options, connections=options.connections)
    for variant, seen in rounds.items():
        pairs = list(zip(seen, rounds["off"], strict=True))
        told = {
            "requests_per_s": median(s["per_s"] for s in seen),
            "processor_us_per_request": median(s["processor_us_per_request"] for s in seen),
            "processor_us_over_off": round(
                median(s["processor_us_per_request"] - off["processor_us_per_request"] for s, off in pairs), 1
            ),
            "errors": sum(bool(s["errors"]) for s in seen),
        }
        how = {"bench": "governance-wire", "variant": variant, "rounds": len(seen), "seconds": options.seconds}
        print(json.dumps({**how, **told, "load_average": os.getloadavg()[0], **birth_certificate()}), flush=True)
        sys.stderr.write(f"{variant:28} {told}\n")


def report(variant: str, loop: str, seen: dict[str, Any], **how: object) -> None:
    """A JSON line for machines, a short one for people."""
    print(
        json.dumps({"bench": "wire", "variant": variant, "loop": loop, **how, **seen, **birth_certificate()}),
        flush=True,
    )
    sys.stderr.write(
        f"{variant:6} {loop:9} {seen['per_s']:8} req/s  p50 {seen['p50_ms']:7} p95 {seen['p95_ms']:7} p99 {seen['p99_ms']:7} ms"
        f"  processor {seen.get('processor_us_per_request', '-'):>6} us  envoy {seen['envoy_us_per_request']:>6} us"
        f"  {seen.get('processor_mb', '')} MB {seen['errors'] or ''}\n"
    )


if __name__ == "__main__":
    asyncio.run(main())
