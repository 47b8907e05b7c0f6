"""What finding, masking and restoring texts costs, without recognition: µs per body, and MB/s for large ones.

    python tests/bench/bench_payload.py

One JSON line per case, one thread; `json.loads` of the same body beside it, as a measure of the machine.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
import tracemalloc
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from extproc.config.intercept import Intercept
from extproc.config.pii import PiiSettings
from extproc.payload import parse, response_editor
from extproc.pii import Analyzer, Anonymizer, Vault
from tests.bench.machine import birth_certificate

RULE = Intercept(path_prefix="/v1/")
CHAT = "/v1/chat/completions"
USER = 'My e-mail is ada@example.org, call +1 212 555 0142 about order "7731"\nplease. Thanks!'
MAIL = (13, 28, "[EMAIL_ADDRESS_1]")


def chat(*contents: str) -> bytes:
    """A chat request."""
    messages = [{"role": "user", "content": content} for content in contents]
    settings = {"model": "gpt-4o", "temperature": 0.2, "stream": True}
    return json.dumps({**settings, "messages": [{"role": "system", "content": "Be helpful."}, *messages]}).encode()


def agent() -> bytes:
    """A chat of an agent: 30 tools whose definitions are 50 KB, and ten results that are JSON."""
    words = "The name of the thing, or its number in the catalogue, as the list of things has it."
    tools = [
        {
            "type": "function",
            "function": {
                "name": f"look_up_{i}",
                "description": f"Looks up thing {i} by its number and returns what is known of it. " * 3,
                "parameters": {
                    "type": "object",
                    "properties": {
                        f"field_{j}": {"type": "string", "description": f"{words} ({i}.{j})", "enum": ["alpha", "beta"]}
                        for j in range(8)
                    },
                    "required": ["field_1"],
                },
            },
        }
        for i in range(30)
    ]
    messages: list[dict[str, object]] = [{"role": "user", "content": USER}]
    for i in range(10):
        rows = [
            {"id": 1000 + n, "customer": f"customer{i}{n}@example.org", "total": 12.5 * n, "open": True}
            for n in range(8)
        ]
        call = {
            "id": f"call_{i}",
            "type": "function",
            "function": {"name": f"look_up_{i}", "arguments": json.dumps({"n": i})},
        }
        messages.append({"role": "assistant", "content": None, "tool_calls": [call]})
        messages.append({"role": "tool", "tool_call_id": f"call_{i}", "content": json.dumps({"rows": rows})})
    return json.dumps({"model": "gpt-4o", "messages": messages, "tools": tools}).encode()


def agents() -> None:
    """An agent's chat, recognition included. An agent sends its tools, and all that was said, with every turn.

    Targets: CPU of one thread in 8 ms to read it, 45 to mask it when it was never seen, 20 when it was (of 2 cores, an AMD EPYC;
    measured there on 2026-11-30: 6.0, 37 and 15).
    """
    body = agent()
    analyzer = Analyzer(PiiSettings())
    forgetful, mindful = (Anonymizer(PiiSettings(remember_texts=n), analyzer) for n in (0, 16384))

    def read():
        return parse(RULE, CHAT, "application/json", "", body)

    def masked(anonymizer):
        document = read()
        return document.replace(anonymizer.anonymize(document.segments, body=body).edits)

    report("read: agent, 30 tools, 10 results", len(body), timed(read) | {"segments": len(read().segments)})
    report("read and mask: agent, never seen", len(body), timed(lambda: masked(forgetful)))
    report("read and mask: agent, seen before", len(body), timed(lambda: masked(mindful)))


def timed(call, least_s: float = 0.5) -> dict[str, float]:
    """µs per call: p50, p95, p99, the first tenth dropped."""
    samples = []
    until = time.perf_counter() + least_s
    while time.perf_counter() < until or len(samples) < 20:
        start = time.perf_counter()
        call()
        samples.append((time.perf_counter() - start) * 1e6)
    samples = sorted(samples[len(samples) // 10 :])
    cuts = statistics.quantiles(samples, n=100, method="inclusive")
    return {"p50_us": round(cuts[49], 2), "p95_us": round(cuts[94], 2), "p99_us": round(cuts[98], 2)}


def report(case: str, size: int, figures: dict[str, float]) -> None:
    """One line."""
    rate = round(size / figures["p50_us"], 1)
    print(
        json.dumps(
            {"bench": "payload", "case": case, "bytes": size, **figures, "mb_per_s": rate, **birth_certificate()}
        )
    )


def peak_share(call, size: int) -> float:
    """Most memory that a call takes, in sizes of its body."""
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return round(peak / size, 2)


def requests() -> None:
    """Reading and rewriting request bodies."""
    numbers = ",".join(["-0.0123456789"] * 2300)
    escapes = ('caf\u00e9 "quoted"\n' * 10) + USER
    bodies = {
        "chat 300 B": (chat(USER), 1),
        "chat 20 turns, 8 KB": (chat(*[USER * 4] * 20), 20),
        "chat 8 KB with escapes": (chat(*[escapes] * 20), 0),
        "embeddings array, 32 KB": (f'{{"input":"x","embedding":[{numbers}]}}'.encode(), 0),
        "chat 8 MB": (chat("word " * 1_600_000), 0),
        "embeddings array, 8 MB": (f'{{"input":"x","embedding":[{",".join([numbers] * 250)}]}}'.encode(), 0),
    }
    for case, (body, edited) in bodies.items():
        document = parse(RULE, CHAT, "application/json", "", body)
        changes = [[MAIL] if i in range(1, edited + 1) else None for i in range(len(document.segments))]

        def read(body=body):
            return parse(RULE, CHAT, "application/json", "", body)

        def both(body=body, changes=changes):
            return parse(RULE, CHAT, "application/json", "", body).replace(changes, "phi")

        report(f"read: {case}", len(body), timed(read) | {"peak_bodies": peak_share(read, len(body))})
        report(f"read and rewrite: {case}", len(body), timed(both) | {"peak_bodies": peak_share(both, len(body))})
        report(f"json.loads: {case}", len(body), timed(lambda body=body: json.loads(body)))


def answers() -> None:
    """Restoring answers."""
    vault = Vault()
    vault.placeholder("EMAIL_ADDRESS", "ada@example.org")
    words = ("The quick brown fox wrote to [EMAIL_ADDRESS_1] and to nobody else . " * 20).split()
    events = [
        b"data: "
        + json.dumps(
            {
                "id": "chatcmpl-1",
                "object": "chat.completion.chunk",
                "created": 1,
                "model": "phi",
                "choices": [{"index": 0, "delta": {"content": word + " "}, "finish_reason": None}],
            }
        ).encode()
        + b"\n\n"
        for word in words
    ]

    def stream() -> None:
        editor = response_editor(RULE, "text/event-stream", "", vault.restorer)
        for event in events:
            editor.feed(event)
        editor.feed(b"", end=True)

    figures = {name: round(value / len(events), 2) for name, value in timed(stream).items()}
    report("restore: one event of a stream", len(events[0]), figures)
    for case, text in {"text": " ".join(words * 10), "code": 'x = ["a"]\n\tif a_b[0] == "\\\\":\n' * 400}.items():
        body = json.dumps({"choices": [{"message": {"role": "assistant", "content": text}}]}).encode()

        def whole(body=body):
            return response_editor(RULE, "application/json", "", vault.restorer).feed(body, end=True)

        report(f"restore: JSON answer, {case}", len(body), timed(whole))


if __name__ == "__main__":
    requests()
    agents()
    answers()
