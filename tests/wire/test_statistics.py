"""Envoy's own statistics that alerts and dashboard ask for: a real Envoy has each under that name, and counts what it is for."""

from __future__ import annotations

import json
import re
from collections import Counter

import httpx
import pytest
import pytest_asyncio

from extproc.render.alerts import groups
from extproc.render.dashboard import dashboard
from tests.wire.envoys import VERSIONS, envoy_binary
from tests.wire.harness import another_envoy, ext_proc, running_gateway, until
from tests.wire.test_reload import ASK, GENERAL

pytestmark = pytest.mark.asyncio(loop_scope="module")
BYPASSED = "envoy_http_ext_proc_(.+_)?failure_mode_allowed"


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="gateway")
async def _gateway():
    async with running_gateway(mesh={"models": GENERAL, "intents": {}, "routes": []}) as gateway:
        yield gateway


def asked_for():
    """What the queries of alerts and dashboard name of Envoy, as regular expressions."""
    told = json.dumps([groups(), dashboard("EUR")]).replace('\\"', '"')
    by_pattern = re.findall(r'__name__=~"(envoy_[^"]+)"', told)
    return {*by_pattern, *re.findall(r"\benvoy_\w+(?=[{\[)\s])", told)}


async def statistics(gateway):
    """Name -> value, summed over labels."""
    async with httpx.AsyncClient() as asking:
        text = (await asking.get(f"{gateway.admin}/stats/prometheus")).text
    found: Counter[str] = Counter()
    for line in text.splitlines():  # by hand: the parser's counters have another name
        if line and not line.startswith("#"):
            sample, _, value = line.rpartition(" ")
            found[sample.partition("{")[0]] += float(value)
    return found


@pytest.mark.parametrize("version", VERSIONS)
async def test_every_statistic_that_is_asked_for(gateway, version):
    """It is there before anything has happened, so that its first increase is one."""
    async with another_envoy(gateway, envoy_path=envoy_binary(version)) as front:
        await front.chat(ASK)
        found = await statistics(front)
    assert BYPASSED in asked_for()
    for pattern in asked_for():
        assert [name for name in found if re.fullmatch(pattern, name)], f"no Envoy statistic is called {pattern}"


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_request_that_passes_unseen_is_counted(gateway, version):
    """By an Envoy that is open where it cannot ask, and has nobody to ask."""

    def opened(config):
        ext_proc(config)["failure_mode_allow"] = True

    async with another_envoy(gateway, opened, envoy_binary(version)) as front:

        async def passed():
            return sum(n for name, n in (await statistics(front)).items() if re.fullmatch(BYPASSED, name))

        assert (await front.chat(ASK)).status_code == 200
        assert await passed() == 0
        gone = gateway.socket.with_name("gone.sock")
        gateway.socket.rename(gone)
        await gateway.processor.kill()
        try:
            assert (await front.chat(ASK)).status_code == 200
            assert await passed() == 1
        finally:
            await gateway.processor.start()

            async def serves():
                return gateway.socket.exists()

            await until(serves, process=gateway.processor)
            await gateway.healthy_again()
