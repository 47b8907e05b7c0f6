"""The official clients through the mesh: Envoy, the processor and our own server, with the tasks of `make clients`."""

from __future__ import annotations

import pytest

from tests.clients.python_clients import OFFICIAL, TASKS
from tests.clients.run import mesh, scripted

NOT_CARRIED = {
    ("openai", "anthropic", "usage"): "chat completions cannot count tokens beforehand",
    ("openai-responses", "anthropic", "usage"): "our server has no responses/input_tokens",
}
"""API of the model, client and task -> why it cannot be."""
pytest.importorskip("llama_cpp", reason="the inference extra is not installed")


def does(client, task):
    """Whether it does; its connections are closed, which nobody else would do before the interpreter ends."""
    try:
        return getattr(client, task)()
    finally:
        client.client.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A mesh of one scripted model."""
    with mesh(scripted(tmp_path_factory.mktemp("clients"))) as url:
        yield url


@pytest.mark.parametrize("client", OFFICIAL, ids=lambda client: client.name)
@pytest.mark.parametrize("task", TASKS)
def test_a_client_does_its_task(address, client, task):
    """Chat, stream, tools, structured output, usage: what the package makes of our answers is what was said."""
    assert does(client(address), task)


@pytest.fixture(scope="module", params=["openai", "openai-responses", "anthropic"])
def translating(request, tmp_path_factory):
    """A mesh whose model answers in one API, whichever its caller speaks."""
    with mesh(scripted(tmp_path_factory.mktemp("clients")), api=request.param) as url:
        yield request.param, url


@pytest.mark.parametrize("client", OFFICIAL, ids=lambda client: client.name)
@pytest.mark.parametrize("task", TASKS)
def test_a_client_does_its_task_in_any_api(translating, client, task):
    """The same, brought from the client's API to the one that the server is spoken to in, and back."""
    api, url = translating
    if (api, client.name, task) in NOT_CARRIED:
        pytest.skip(NOT_CARRIED[api, client.name, task])
    assert does(client(url), task)
