"""Tokens per second and time to first token: ours, `python -m llama_cpp.server` and llama-server, in one run.

    python tests/bench/bench_inference.py --model X.gguf [--llama-server PATH] [--clients 1,4,8,16]

The same GGUF, the same processors, the same sampling, streamed chat, prompts of 32 to 512 tokens and 64 tokens of
answer, every prompt different. The client is bare asyncio on the same machine, so that it costs all servers the same.
Prints a JSON line per result, then a table. llama-server is built from the sdist of llama-cpp-python:

    pip download --no-binary :all: --no-deps llama-cpp-python==0.3.36 && tar xf llama_cpp_python-*.tar.gz
    cmake -S llama_cpp_python-0.3.36/vendor/llama.cpp -B build -DCMAKE_BUILD_TYPE=Release -DLLAMA_OPENSSL=OFF
    cmake --build build --target llama-server
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib.metadata
import json
import os
import platform
import random
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from string import ascii_lowercase

from llama_cpp import Llama

ROOT = Path(__file__).parents[2]
ANSWER_TOKENS = 64
PROMPT_TOKENS = (32, 512)
TEMPLATE_TOKENS = 20
"""What the chat template adds."""
CONTEXT_TOKENS = 1024


@dataclass(frozen=True)
class Contestant:
    """A server to measure."""

    name: str
    command: list[str]
    health: str = "/health"


@dataclass(frozen=True)
class Sample:
    """One request as its client saw it."""

    first_s: float
    total_s: float
    tokens: int


def contestants(arguments: argparse.Namespace, port: int) -> list[Contestant]:
    """The servers, each as its own documentation would set it up for this many clients."""
    slots, model = max(arguments.clients), str(arguments.model)
    threads = str(arguments.threads or len(os.sched_getaffinity(0)))
    ours = [sys.executable, "-m", "inference", "--model", model, "--port", str(port), "--slots", str(slots)]
    ours += [
        "--context-tokens",
        str(CONTEXT_TOKENS),
        "--threads",
        str(arguments.threads),
        "--max-queue",
        "64",
        *arguments.ours,
    ]
    python = [sys.executable, "-m", "llama_cpp.server", "--model", model, "--port", str(port)]
    python += ["--n_ctx", str(CONTEXT_TOKENS), "--n_threads", threads, "--n_threads_batch", threads]
    python += ["--interrupt_requests", "False"]
    native = [str(arguments.llama_server), "-m", model, "--port", str(port), "-np", str(slots)]
    native += ["-c", str(slots * CONTEXT_TOKENS), "-t", threads, "-tb", threads, "--cache-ram", "0"]
    known = [
        Contestant("ours", ours),
        Contestant("llama_cpp.server", python, "/v1/models"),
        Contestant("llama-server", native),
    ]
    return [contestant for contestant in known if contestant.name in arguments.servers.split(",")]


@contextlib.contextmanager
def running(contestant: Contestant, port: int, log: Path):
    """Start a server, wait until it is healthy, stop it."""
    with log.open("wb") as out:
        process = subprocess.Popen(contestant.command, stdout=out, stderr=out, cwd=ROOT)
        try:
            deadline = time.monotonic() + 120
            while True:
                with contextlib.suppress(OSError):
                    if urllib.request.urlopen(f"http://127.0.0.1:{port}{contestant.health}", timeout=2).status == 200:
                        break
                if process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"{contestant.name} did not start:\n{log.read_text()[-2000:]}")
                time.sleep(0.1)
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def words(chance: random.Random, count: int) -> str:
    """Random words of two letters: a token each in the models of scripts/make_gguf.py, more of them in others."""
    return " ".join("".join(chance.choices(ascii_lowercase, k=2)) for _ in range(count))


def tokens_per_word(model: Path) -> float:
    """How many tokens such a word has in this model's vocabulary."""
    vocabulary = Llama(str(model), vocab_only=True, verbose=False)
    try:
        return len(vocabulary.tokenize(words(random.Random(0), 500).encode())) / 500
    finally:
        vocabulary.close()


def prompt(chance: random.Random, per_word: float) -> str:
    """So many words that the prompt has 32 to 512 tokens, every doubling as likely."""
    size = 2 ** chance.uniform(*(size.bit_length() - 1 for size in PROMPT_TOKENS))
    return words(chance, max(1, round((size - TEMPLATE_TOKENS) / per_word)))


async def request(port: int, text: str, seed: int) -> Sample:
    """One streamed chat request over a connection of its own."""
    body = json.dumps(
        {
            "model": "bench",
            "messages": [{"role": "user", "content": text}],
            "max_tokens": ANSWER_TOKENS,
            "stream": True,
            "temperature": 0.8,
            "top_k": 40,
            "top_p": 0.95,
            "min_p": 0.05,
            "seed": seed,
        }
    ).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    ).encode()
    started = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head + body)
    first, tokens, tail = 0.0, 0, b""
    received = b""
    while data := await reader.read(65536):
        received += data
        text_bytes = tail + data
        found = text_bytes.count(b'"content":"') + text_bytes.count(b'"content": "')
        empty = text_bytes.count(b'"content":""') + text_bytes.count(b'"content": ""')
        if found - empty > 0 and not first:
            first = time.perf_counter()
        tail = text_bytes[-12:] if found == 0 else b""
    total = time.perf_counter()
    writer.close()
    if b" 200 " not in received[:20] or b"[DONE]" not in received:
        raise SystemExit(f"bad answer: {received[:500]!r}")
    tokens = received.count(b'"content":"') + received.count(b'"content": "')
    return Sample((first or total) - started, total - started, tokens)


async def load(port: int, clients: int, requests: int, seed: int, per_word: float) -> tuple[list[Sample], float]:
    """`clients` at once, each sending its next request when the last is answered."""
    chance = random.Random(seed)
    texts = [prompt(chance, per_word) for _ in range(requests)]
    samples: list[Sample] = []

    async def client() -> None:
        while texts:
            samples.append(await request(port, texts.pop(), len(texts)))

    started = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    return samples, time.perf_counter() - started


def processor_s(pid: int) -> float:
    """Processor time that a server has used: unlike the clock, it does not count what others on the machine do."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def percentile(values: list[float], share: float) -> float:
    """By nearest rank."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def birth_certificate(arguments: argparse.Namespace) -> dict[str, object]:
    """Where the numbers come from."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=ROOT, check=False
    )
    cpu = next((x for x in Path("/proc/cpuinfo").read_text().splitlines() if x.startswith("model name")), "")
    return {
        "commit": commit.stdout.strip(),
        "llama_cpp_python": importlib.metadata.version("llama-cpp-python"),
        "python": platform.python_version(),
        "cpu": cpu.partition(":")[2].strip(),
        "processors": len(os.sched_getaffinity(0)),
        "threads": arguments.threads,
        "model": arguments.model.name,
        "model_mb": round(arguments.model.stat().st_size / 1e6, 1),
        "answer_tokens": ANSWER_TOKENS,
        "prompt_tokens": PROMPT_TOKENS,
    }


def measure(arguments: argparse.Namespace) -> list[dict[str, object]]:
    """All servers, all numbers of clients, `--rounds` times in turn; the median of the rounds."""
    certificate = birth_certificate(arguments)
    per_word = tokens_per_word(arguments.model)
    results: dict[tuple[str, int], list[dict[str, float]]] = {}
    for turn in range(arguments.rounds):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        for contestant in contestants(arguments, port):
            log = Path(f"/tmp/bench-{contestant.name}.log")
            with running(contestant, port, log) as process:
                asyncio.run(load(port, 2, 4, 1, per_word))
                for clients in arguments.clients:
                    before = processor_s(process.pid)
                    requests = arguments.requests * max(clients, 3)
                    samples, took = asyncio.run(load(port, clients, requests, 100 * turn + clients, per_word))
                    spent = processor_s(process.pid) - before
                    first = [sample.first_s for sample in samples]
                    run = {
                        "load_average": os.getloadavg()[0],
                        "tokens_per_answer": statistics.mean(sample.tokens for sample in samples),
                        "tokens_per_s": sum(sample.tokens for sample in samples) / took,
                        "processor_us_per_token": spent * 1e6 / sum(sample.tokens for sample in samples),
                        "first_p50_ms": percentile(first, 0.5) * 1e3,
                        "first_p95_ms": percentile(first, 0.95) * 1e3,
                    }
                    print(
                        contestant.name, clients, {key: round(value, 1) for key, value in run.items()}, file=sys.stderr
                    )
                    results.setdefault((contestant.name, clients), []).append(run)
    rows = []
    for (name, clients), runs in results.items():
        median = {key: round(statistics.median(run[key] for run in runs), 1) for key in runs[0]}
        rows.append({"server": name, "clients": clients, **median, "rounds": len(runs), **certificate})
        print(json.dumps(rows[-1]))
    return rows


def table(rows: list[dict[str, object]]) -> str:
    """For people."""
    lines = ["| server | clients | tokens/s | first token p50 | p95 | processor |", "|---|---|---|---|---|---|"]
    lines += [
        f"| {r['server']} | {r['clients']} | {r['tokens_per_s']} | {r['first_p50_ms']} ms | {r['first_p95_ms']} ms "
        f"| {r['processor_us_per_token']} µs/token |"
        for r in sorted(rows, key=lambda r: (r["clients"], r["server"]))
    ]
    return "\n".join(lines)


def main() -> None:
    """Parse the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--llama-server", type=Path, default="llama-server")
    parser.add_argument("--servers", default="ours,llama_cpp.server,llama-server")
    parser.add_argument("--clients", type=lambda text: [int(n) for n in text.split(",")], default=[1, 4, 8, 16])
    parser.add_argument("--threads", type=int, default=0, help="0: ours chooses, the others take all processors")
    parser.add_argument("--requests", type=int, default=4, help="for each client")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("ours", nargs="*", help="after --: more flags for our server")
    print("\n" + table(measure(parser.parse_args())))


if __name__ == "__main__":
    main()
