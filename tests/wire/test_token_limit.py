"""A budget of tokens, held by Envoy's own filters with what the processor tells them."""

from __future__ import annotations

from contextlib import asynccontextmanager

import grpc
import pytest
from envoy_data_plane.envoy.service.ratelimit.v3 import (
    RateLimitRequest,
    RateLimitResponse,
    RateLimitResponseCode,
)

from tests.wire.harness import running_gateway, until

TEXT = "the pump is hot " * 25
"""A body of about 120 tokens, by the rule of thumb."""


async def test_local_budget_by_project():
    """Each project has a bucket of its own; who has used it up gets 429, the others go on."""
    envoy = {"token_limit": {"tokens": 300, "per_s": 3600}}
    identity = {"headers": {"project": "x-team"}}
    async with running_gateway(mesh={"envoy": envoy, "identity": identity}) as gateway:
        red = [(await gateway.chat(TEXT, headers={"x-team": "red"})).status_code for _ in range(5)]
        assert red == [200, 200, 429, 429, 429]
        assert (await gateway.chat(TEXT, headers={"x-team": "blue"})).status_code == 200


@asynccontextmanager
async def running_rate_limit_service(limit):
    """A rate limit service that keeps one account for each descriptor, as envoyproxy/ratelimit does."""
    accounts: dict[str, int] = {}

    async def should_rate_limit(data, _context):
        request = RateLimitRequest.parse(data)
        (descriptor,) = request.descriptors
        key = ",".join(f"{entry.key}={entry.value}" for entry in descriptor.entries)
        addend = descriptor.hits_addend if descriptor.hits_addend is not None else max(1, request.hits_addend)
        over = accounts.get(key, 0) >= limit
        accounts[key] = accounts.get(key, 0) + addend
        code = RateLimitResponseCode.OVER_LIMIT if over else RateLimitResponseCode.OK
        return bytes(RateLimitResponse(overall_code=code))

    server = grpc.aio.server()
    handler = grpc.unary_unary_rpc_method_handler(should_rate_limit)
    service = "envoy.service.ratelimit.v3.RateLimitService"
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {"ShouldRateLimit": handler}),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}", accounts
    finally:
        await server.stop(None)


@pytest.mark.parametrize("stream", [False, True])
async def test_service_is_charged_what_answers_used(stream):
    """Asked before, with nothing to add; charged the answer's own total when it has ended."""
    async with running_rate_limit_service(30) as (address, accounts):
        envoy = {"token_limit": {"tokens": 30, "by": "model", "service": address}}
        async with running_gateway(mesh={"envoy": envoy, "telemetry": {"usage": True}}) as gateway:
            statuses = []
            for number in range(1, 5):
                statuses.append((await gateway.chat("the pump on line 4 is hot", stream=stream)).status_code)
                charged = min(number, 3) * 12

                async def paid(charged=charged):
                    return sum(accounts.values()) == charged

                await until(paid)
            assert statuses == [200, 200, 200, 429]
