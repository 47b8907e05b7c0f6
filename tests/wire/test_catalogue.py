"""The list of models through a real Envoy, read by the official clients: no upstream is asked."""

import anthropic
import openai
import pytest

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_official_clients_read_it(gateway):
    """Both list the models of the mesh and fetch one; an unknown one is what each client calls not found."""
    url = f"http://127.0.0.1:{gateway.port}"
    async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client:
        listed = [model.id async for model in client.models.list()]
        assert sorted(listed) == sorted(gateway.upstreams)
        assert (await client.models.retrieve("support")).id == "support"
        with pytest.raises(openai.NotFoundError) as missing:
            await client.models.retrieve("gpt-9")
        assert missing.value.code == "model_not_found"
    async with anthropic.AsyncAnthropic(base_url=url, api_key="none", max_retries=0) as claude:
        assert [model.id async for model in claude.models.list(limit=2)] == listed
        assert (await claude.models.retrieve("auto")).type == "model"
        with pytest.raises(anthropic.NotFoundError):
            await claude.models.retrieve("claude-9")
    assert not gateway.received


async def test_a_request_gets_the_model_that_it_names(gateway):
    """Whatever its text is about; `auto` goes by the text."""
    await gateway.client.post(
        "/v1/chat/completions",
        json={"model": "support", "messages": [{"role": "user", "content": "The bearing on pump 4 is running hot."}]},
    )
    assert gateway.upstreams["support"].requests
    await gateway.chat("The bearing on pump 4 is running hot.")
    assert gateway.upstreams["telemetry"].requests
