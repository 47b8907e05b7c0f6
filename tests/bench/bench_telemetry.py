"""What one finished exchange costs: µs of CPU for `begin` and `finish`, by what is switched on.

    python tests/bench/bench_telemetry.py

The exporters run against nothing that answers, as the worst case has it. One JSON line per set-up.
"""

from __future__ import annotations

import json
import platform
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from extproc.config import parse
from extproc.exchange.record import ExchangeRecord, Usage
from extproc.telemetry import Telemetry

MESH = """
version: 1
models: {{telemetry: {{endpoints: [{{address: "127.0.0.1:8081"}}], price_per_million: {{input: 1, output: 2}}}}}}
default_model: telemetry
telemetry: {telemetry}
"""
SETUPS = {
    "metrics": "{usage: true}",
    "metrics+traces": "{usage: true, otlp: {endpoint: 'http://127.0.0.1:9'}}",
    "metrics+traces+steps as spans": "{usage: true, otlp: {endpoint: 'http://127.0.0.1:9'}, traces: {steps: spans}}",
    "metrics+traces+audit": "{usage: true, otlp: {endpoint: 'http://127.0.0.1:9'}, audit: {path: %s}}",
}
HEADERS = {
    ":path": "/v1/chat/completions",
    ":method": "POST",
    "x-request-id": "5b3f8d7e-93b4-4c7e-8f3a-0d8f7f6a1b2c",
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
}
COUNT = 5000


def main() -> None:
    """Measure each set-up: the best of five rounds."""
    for name, settings in SETUPS.items():
        with tempfile.TemporaryDirectory() as folder:
            text = settings % f"{folder}/audit.jsonl" if "%s" in settings else settings
            telemetry = Telemetry(parse(MESH.format(telemetry=text)))
            rounds = []
            for _ in range(5):
                started = time.process_time()
                for _ in range(COUNT):
                    trace = telemetry.begin(HEADERS)
                    telemetry.finish(exchange(trace))
                rounds.append((time.process_time() - started) / COUNT * 1e6)
            result = {"bench": "telemetry", "setup": name, "us_per_exchange": round(min(rounds), 1), "count": COUNT}
            print(json.dumps(result | {"python": platform.python_version()}))


def exchange(trace: object) -> ExchangeRecord:
    """A masked, routed, streamed request."""
    return ExchangeRecord(
        "forwarded",
        1.7e9,
        0.42,
        method="POST",
        rule="/v1/",
        payload="openai",
        intent="hardware_telemetry",
        score=0.97,
        stage="static",
        model="telemetry",
        reason="route[0]",
        residency="external",
        entities={("EMAIL_ADDRESS", "replace"): 2},
        vault_size=2,
        steps_s={"payload": 3e-5, "pii": 8e-5, "intent": 4e-5, "routing": 2e-6, "rewrite": 2e-5},
        status=200,
        streamed=True,
        first_chunk_s=0.05,
        usage=Usage(120, 64, "stop", "telemetry", chunks=65),
        trace=trace,
    )


if __name__ == "__main__":
    main()
