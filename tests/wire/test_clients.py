"""The official clients through the mesh: Envoy, the processor and our own server, with the tasks of `make clients`."""

from __future__ import annotations

import pytest

from tests.clients.python_clients import OFFICIAL, TASKS
from tests.clients.run import mesh, scripted

pytest.importorskip("llama_cpp", reason="the inference extra is not installed")


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A mesh of one scripted model."""
    with mesh(scripted(tmp_path_factory.mktemp("clients"))) as url:
        yield url


@pytest.mark.parametrize("client", OFFICIAL, ids=lambda client: client.name)
@pytest.mark.parametrize("task", TASKS)
def test_a_client_does_its_task(address, client, task):
    """Chat, stream, tools, structured output, usage: what the package makes of our answers is what was said."""
    assert getattr(client(address), task)()
