"""Deciding without acting: `shadow: true` in mesh.yaml, and Envoy's own observability_mode, on both Envoys."""

import json

import httpx
import pytest
import pytest_asyncio

from tests.wire.envoys import VERSIONS, envoy_binary
from tests.wire.harness import another_envoy, ext_proc, running_gateway, until

pytestmark = pytest.mark.asyncio(loop_scope="module")
SECRET = "ada@example.org"
ASK = f"The bearing alarm is critical, tell {SECRET}."
BODY = json.dumps({"messages": [{"role": "user", "content": ASK}]}).encode()


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="shadow")
async def _shadow():
    async with running_gateway(mesh={"shadow": True}) as gateway:
        yield gateway


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="acting")
async def _acting():
    async with running_gateway(mesh={}) as gateway:
        yield gateway


async def metrics(gateway):
    """What the processor counts."""
    async with httpx.AsyncClient() as client:
        return (await client.get(f"{gateway.processor_admin}/metrics")).text


def counted(text, *words):
    """The sum of the samples of a metric with all these words."""
    lines = [line for line in text.splitlines() if not line.startswith("#") and all(word in line for word in words)]
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines)


def forget(gateway):
    """Empty the upstreams' memories."""
    for upstream in gateway.upstreams.values():
        upstream.requests.clear()


async def passes_untouched(gateway):
    """Ask, whole and streamed: the upstream gets every byte as it was sent, the client what the upstream said."""
    forget(gateway)
    for headers in ({}, {"x-test-cut": "7"}):
        answer = await gateway.client.post(
            "/v1/chat/completions", content=BODY, headers={"content-type": "application/json", **headers}
        )
        assert answer.status_code == 200
        assert gateway.text_of(answer) == ASK
    assert [request.body for request in gateway.received] == [BODY, BODY]
    assert not [name for request in gateway.received for name, _ in request.headers if name.startswith("x-intentmesh")]


async def test_shadow_decides_and_changes_nothing(shadow):
    """Everything is counted as if it had been done, and every byte passes as it came; bad bodies pass too."""
    before = await metrics(shadow)
    for version in VERSIONS:
        async with another_envoy(shadow, envoy_path=envoy_binary(version)) as gateway:
            await passes_untouched(gateway)
            broken = await gateway.client.post(
                "/v1/chat/completions", content=b'{"messages": [', headers={"content-type": "application/json"}
            )
            assert gateway.received[-1].body == b'{"messages": ['
            assert broken.status_code in (200, 502, 503)  # as the upstream likes it
    after = await metrics(shadow)
    for words in (("intentmesh_requests_total", "hardware_telemetry"), ("EMAIL_ADDRESS",)):
        assert counted(after, *words) - counted(before, *words) >= 2 * len(VERSIONS)


@pytest.mark.parametrize("mode", ["STREAMED", "FULL_DUPLEX_STREAMED", "BUFFERED"])
@pytest.mark.parametrize("version", VERSIONS)
async def test_observability_mode_only_watches(acting, version, mode):
    """An Envoy that reads no reply gets none: traffic passes as it came, and what is shown is counted."""

    def observe(config):
        found = ext_proc(config)
        found["observability_mode"] = True
        found["failure_mode_allow"] = True
        found["processing_mode"] |= {"request_body_mode": mode, "response_body_mode": "NONE"}
        if mode == "FULL_DUPLEX_STREAMED":
            found["processing_mode"] |= {"request_trailer_mode": "SEND"}

    before = counted(await metrics(acting), "EMAIL_ADDRESS")

    async def seen():
        return counted(await metrics(acting), "EMAIL_ADDRESS") > before

    async with another_envoy(acting, observe, envoy_binary(version)) as gateway:
        await passes_untouched(gateway)
        assert await gateway.stat("spurious_msgs_received") == 0
        if mode == "STREAMED":  # Envoy shows bodies in this mode only
            await until(seen, timeout_s=10)
