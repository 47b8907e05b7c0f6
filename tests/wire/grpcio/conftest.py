"""The same wire tests, with gRPC's own server in the place of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio
import yaml

from tests.wire.harness import MESH_YAML, Gateway, running_gateway

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="shared_gateway")
async def _shared_gateway() -> AsyncIterator[Gateway]:
    processor = yaml.safe_load(MESH_YAML.read_text()).get("processor") or {}
    async with running_gateway(mesh={"processor": {**processor, "server": "grpcio"}}) as gateway:
        yield gateway
