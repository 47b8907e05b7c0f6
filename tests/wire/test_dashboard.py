"""The dashboard's queries, each run on a real Prometheus that scrapes a real processor."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager

import httpx
import pytest
import yaml

from extproc.render.dashboard import dashboard
from scripts.fetch_debian import find
from tests.wire.harness import Process, free_port, running_gateway, until

PROMETHEUS = find("prometheus")
SILENT = {
    *("Default model after a fault", "Refused after a fault", "Lost telemetry", "Lost audit lines"),
    "Went on without, by rule (the goal is zero)",
}
"""Panels that are empty while nothing goes wrong: their queries have to be good, not to find anything."""


def chosen(query):
    """A query as Grafana asks it, with everything chosen."""
    for name, value in (("__rate_interval", "5s"), ("namespace", ".*"), ("pod", ".*"), ("project", ".*")):
        query = query.replace(f"${name}", value)
    return query


@asynccontextmanager
async def running_prometheus(folder, target):
    """A Prometheus that scrapes one target every 100 ms."""
    config = {
        "global": {"scrape_interval": "100ms", "scrape_timeout": "100ms"},
        "scrape_configs": [{"job_name": "intentmesh", "static_configs": [{"targets": [target]}]}],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    port = free_port()
    command = [str(PROMETHEUS), f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}"]
    process = Process("prometheus", [*command, f"--web.listen-address=127.0.0.1:{port}"], folder / "prometheus.log")
    await process.start()
    url = f"http://127.0.0.1:{port}"

    async def ready():
        async with httpx.AsyncClient() as client:
            try:
                return (await client.get(f"{url}/-/ready")).status_code == 200
            except httpx.TransportError:
                return False

    try:
        await until(ready, process=process)
        yield url
    finally:
        await process.stop()


async def ask(url, query):
    """The series that a query finds now; the query's own error fails the test."""
    async with httpx.AsyncClient() as client:
        answer = (await client.get(f"{url}/api/v1/query", params={"query": query})).json()
    assert answer["status"] == "success", f"{query}: {answer.get('error')}"
    return answer["data"]["result"]


@pytest.mark.skipif(PROMETHEUS is None, reason="no prometheus; `python3 scripts/fetch_debian.py` says why")
async def test_every_query_finds_data(tmp_path):
    """No panel of the dashboard asks for a metric, or a label, that is not there."""
    telemetry = {"usage": True, "projects": ["red"]}
    identity = {"headers": {"project": "x-team"}}
    budgets = [{"name": "all", "unit": "tokens", "limit": 1_000_000, "window": "month"}]
    async with (
        running_gateway(mesh={"telemetry": telemetry, "identity": identity, "budgets": budgets}) as gateway,
        running_prometheus(tmp_path, gateway.processor_admin.removeprefix("http://")) as url,
    ):
        for _ in range(6):
            for text in ("mail ada@example.org: the pump is hot", "refund my order", "zzz qqq"):
                await gateway.chat(text, stream=True, headers={"x-team": "red"})
            await asyncio.sleep(0.3)
        queries = [
            (panel["title"], chosen(target["expr"]))
            for panel in dashboard("EUR")["panels"]
            for target in panel.get("targets", ())
        ]
        assert len(queries) > 20

        async def missing():
            found = [(title, query) for title, query in queries if not await ask(url, query) and title not in SILENT]
            (tmp_path / "missing").write_text(json.dumps(found))
            return not found

        try:
            await until(missing, timeout_s=8)
        except TimeoutError:
            pytest.fail((tmp_path / "missing").read_text())
