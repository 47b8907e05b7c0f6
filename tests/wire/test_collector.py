"""What the OpenTelemetry collector makes of our telemetry: it takes all of it, and finds no word of a text in it."""

import json

import pytest
import yaml

from tests.mesh.servers import server
from tests.wire.harness import Process, free_port, running_gateway, until

COLLECTOR = server("collector")
CANARY = "canary-7f3a"


@pytest.mark.skipif(COLLECTOR is None, reason="no collector: `make mesh-servers` builds one")
@pytest.mark.parametrize("protocol", ["grpc", "http"])
async def test_a_collector_takes_it_all(tmp_path, protocol):
    """Over both protocols, as the collector itself writes it down."""
    port, out = free_port(), tmp_path / "out.jsonl"
    config = {
        "receivers": {"otlp": {"protocols": {protocol: {"endpoint": f"127.0.0.1:{port}"}}}},
        "exporters": {"file": {"path": str(out)}},
        "service": {
            "telemetry": {"metrics": {"level": "none"}},
            "pipelines": {
                signal: {"receivers": ["otlp"], "exporters": ["file"]} for signal in ("traces", "metrics", "logs")
            },
        },
    }
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    collector = Process("collector", [str(COLLECTOR), "--config", str(tmp_path / "config.yaml")], tmp_path / "log")
    await collector.start()
    try:
        telemetry = {
            "otlp": {"endpoint": f"http://127.0.0.1:{port}", "protocol": protocol},
            "traces": {"ratio": 1.0},
            "metrics_interval_s": 0.2,
            "audit": {"path": str(tmp_path / "audit.jsonl"), "ship": {"otlp": True}},
        }
        async with running_gateway(mesh={"telemetry": telemetry}) as gateway:
            assert (await gateway.chat(f"{CANARY}: mail ada@example.org")).status_code == 200

            async def written():
                text = out.read_text() if out.exists() else ""
                return all(word in text for word in ("resourceSpans", "resourceMetrics", "resourceLogs")) and text

            await until(written, process=collector)
    finally:
        await collector.stop()
    text = out.read_text()
    assert CANARY not in text
    assert "ada@" not in text
    records = [json.loads(line) for line in text.splitlines()]
    names = {
        metric["name"]
        for record in records
        for resource in record.get("resourceMetrics", ())
        for scope in resource["scopeMetrics"]
        for metric in scope["metrics"]
    }
    assert {"gen_ai.client.operation.duration", "intentmesh.requests"} <= names
    assert "error" not in collector.output().lower()
