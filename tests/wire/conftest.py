"""The gateway that most wire tests share: one per module, its upstreams' memories emptied before each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.wire.harness import Gateway, running_gateway

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


def pytest_configure(config: pytest.Config) -> None:
    """What a test's own servers still had open when their loop ended is no fault of anybody's."""
    config.addinivalue_line("filterwarnings", "ignore:unclosed:ResourceWarning")


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="shared_gateway")
async def _shared_gateway() -> AsyncIterator[Gateway]:
    async with running_gateway() as gateway:
        yield gateway


@pytest.fixture
def gateway(shared_gateway: Gateway) -> Gateway:
    """Envoy, processor and upstreams with the shipped mesh.yaml and the committed envoy.yaml."""
    for upstream in shared_gateway.upstreams.values():
        upstream.requests.clear()
        upstream.answer = None
    return shared_gateway


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """Add what the processes said to the report of a failed test."""
    report = (yield).get_result()
    gateway = getattr(item, "funcargs", {}).get("gateway")
    if report.failed and isinstance(gateway, Gateway):
        for part in (gateway.processor, gateway.envoy):
            report.sections.append((part.name, part.output()[-10000:]))
