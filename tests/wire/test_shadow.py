"""Deciding without acting: `shadow: true` in mesh.yaml, and Envoy's own observability_mode, on both Envoys."""

import json
from dataclasses import dataclass

import httpx
import pytest
import pytest_asyncio

from tests.wire.envoys import VERSIONS, envoy_binary
from tests.wire.harness import another_envoy, ext_proc, running_gateway, until
from tests.wire.test_conformance import Setting

pytestmark = pytest.mark.asyncio(loop_scope="module")
SECRET = "ada@example.org"
ASK = f"The bearing alarm is critical, tell {SECRET}."
BODY = json.dumps({"messages": [{"role": "user", "content": ASK}]}).encode()


@dataclass(frozen=True)
class Watching:
    """A set-up in which the processor decides, and changes nothing."""

    setting: Setting
    shadow: bool
    """By `shadow: true` in mesh.yaml; otherwise by Envoy's observability_mode."""

    def __str__(self) -> str:
        return f"{'shadow' if self.shadow else 'observability_mode'}, {self.setting}"

    @property
    def shows_bodies(self) -> bool:
        """Whether Envoy shows the request's body: with observability_mode, in one mode only."""
        return self.setting.request == "STREAMED" or (self.shadow and self.setting.request != "NONE")

    def __call__(self, config):
        """Set an Envoy up so."""
        self.setting(config)
        if not self.shadow:
            found = ext_proc(config)
            found["observability_mode"] = True
            found["failure_mode_allow"] = True


WATCHING = (
    Watching(Setting("BUFFERED", "NONE"), shadow=True),
    Watching(Setting("BUFFERED", "STREAMED"), shadow=True),
    Watching(Setting("FULL_DUPLEX_STREAMED", "FULL_DUPLEX_STREAMED"), shadow=True),
    Watching(Setting("STREAMED", "STREAMED"), shadow=True),
    Watching(Setting("BUFFERED_PARTIAL", "NONE"), shadow=True),
    Watching(Setting("NONE", "NONE"), shadow=True),
    Watching(Setting("STREAMED", "NONE"), shadow=False),
    Watching(Setting("BUFFERED", "NONE"), shadow=False),
    Watching(Setting("FULL_DUPLEX_STREAMED", "NONE"), shadow=False),
)


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
    """The upstream gets every byte as it was sent, the client what the upstream said, whole and streamed."""
    forget(gateway)
    for headers in ({}, {"x-test-cut": "7"}):
        answer = await gateway.client.post(
            "/v1/chat/completions", content=BODY, headers={"content-type": "application/json", **headers}
        )
        assert answer.status_code == 200
        assert gateway.text_of(answer) == ASK
    assert [request.body for request in gateway.received] == [BODY, BODY]
    assert not [name for request in gateway.received for name, _ in request.headers if name.startswith("x-intentmesh")]


async def counts(gateway):
    """What would have been masked is counted."""
    before = counted(await metrics(gateway), "EMAIL_ADDRESS")
    await gateway.client.post("/v1/chat/completions", content=BODY, headers={"content-type": "application/json"})

    async def seen():
        return counted(await metrics(gateway), "EMAIL_ADDRESS") > before

    try:
        await until(seen, timeout_s=7)  # Envoy keeps an observed stream open for five seconds
    except TimeoutError:
        raise AssertionError("nothing was counted") from None


FEATURES = (passes_untouched, counts)


async def outcome(feature, gateway):
    """`yes` or `no`."""
    try:
        await feature(gateway)
    except AssertionError:
        return "no"
    return "yes"


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


@pytest.mark.parametrize("setting", WATCHING, ids=str)
@pytest.mark.parametrize("version", VERSIONS)
async def test_watching_changes_nothing(shadow, acting, version, setting):
    """In shadow mode, and with an Envoy that reads no reply: traffic passes as it came, and what is shown is counted."""
    async with another_envoy(shadow if setting.shadow else acting, setting, envoy_binary(version)) as gateway:
        actual = {feature.__name__: await outcome(feature, gateway) for feature in FEATURES}
        assert await gateway.stat("spurious_msgs_received") == 0
    assert {"passes_untouched": "yes", "counts": "yes" if setting.shows_bodies else "no"} == actual
