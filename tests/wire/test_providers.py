"""What a caller hears of a model that speaks another API, where it is no answer of the model's; and prompts by a header."""

from __future__ import annotations

import asyncio
import json
import re

import anthropic
import openai
import pytest
import pytest_asyncio

from tests.unit.payload.translate import upstreams
from tests.wire.harness import running_gateway
from tests.wire.upstream import head

pytestmark = pytest.mark.asyncio(loop_scope="module")

MAIL = "ada@example.org"
MODELS = {
    "openai": {"api": "openai", "upstream_name": "gpt-x"},
    "anthropic": {"api": "anthropic", "upstream_name": "claude-x"},
    "gemini": {"api": "gemini", "upstream_name": "gemini-x"},
    "openai-responses": {"api": "openai-responses", "upstream_name": "gpt-x"},
}


def answering(api, situation):
    """An upstream of an API that says the placeholder that it was told, in pieces, one write after the other."""

    async def answer(request, writer):
        body = json.loads(request.body)
        streamed = body.get("stream") is True or "streamGenerateContent" in request.target
        made = upstreams.ANSWERS[api](situation, stream=streamed)
        placeholder = re.search(rb"\[EMAIL_ADDRESS_\w+\]", request.body)
        if placeholder:
            cut = len(placeholder[0]) // 2
            first, second = placeholder[0][:cut], placeholder[0][cut:]
            made = made.replace(b'"Hel"', b'"%s"' % first).replace(b'"lo "', b'"%s"' % second)
            made = made.replace(b"Hello you", placeholder[0] + b"you")
        kind = "text/event-stream" if streamed else "application/json"
        writer.write(head(200, kind, {"transfer-encoding": "chunked"}))
        for event in made.split(b"\n\n"):
            part = event + b"\n\n"
            writer.write(b"%x\r\n%s\r\n" % (len(part), part))
            await writer.drain()
            await asyncio.sleep(0)
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True

    return answer


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="mesh")
async def _mesh():
    models = {
        name: {**model, "endpoints": [{"address": f"127.0.0.1:{8091 + i}"}]}
        for i, (name, model) in enumerate(MODELS.items())
    }
    prompts = {"named": {"greeting": {"1": {"template": "Greet {{ who }}.", "variables": {"who": "text"}}}}}
    sections = {"models": models, "default_model": "openai", "intents": {}, "routes": [], "prompts": prompts}
    async with running_gateway(mesh=sections) as gateway:
        yield gateway


@pytest.fixture
def gateway(mesh):
    """The four upstreams, with nothing remembered."""
    for name, upstream in mesh.upstreams.items():
        upstream.requests.clear()
        upstream.answer = answering(name, "chat")
    return mesh


async def test_what_cannot_be_carried_is_what_a_client_calls_a_bad_request(gateway):
    """By its name; no upstream sees it."""
    async with openai.AsyncOpenAI(
        base_url=f"http://127.0.0.1:{gateway.port}/v1", api_key="none", max_retries=0
    ) as client:
        with pytest.raises(openai.BadRequestError, match="cannot carry `seed`"):
            await client.chat.completions.create(model="anthropic", messages=[{"role": "user", "content": "x"}], seed=7)
    assert not gateway.received


async def test_an_upstream_that_is_gone_is_an_error_of_the_callers_api(gateway):
    """Envoy's own words become an error that each client knows."""

    async def gone(_, writer):
        writer.write(head(503, "text/plain", {"content-length": "4"}) + b"gone")
        await writer.drain()
        return True

    gateway.upstreams["openai"].answer = gone
    async with anthropic.AsyncAnthropic(
        base_url=f"http://127.0.0.1:{gateway.port}", api_key="none", max_retries=0
    ) as claude:
        with pytest.raises(anthropic.InternalServerError, match="answered 503") as error:
            await claude.messages.create(model="openai", max_tokens=5, messages=[{"role": "user", "content": "hi"}])
    assert error.value.body["type"] == "error"


async def test_a_plain_service_asks_by_a_prompt(gateway):
    """A header names it, the body fills it in; the upstream sees neither header nor original."""
    headers = {"x-intentmesh-prompt": "greeting", "x-intentmesh-model": "gemini"}
    answer = await gateway.client.post("/v1/chat/completions", json={"who": MAIL}, headers=headers)
    assert answer.json()["choices"][0]["message"]["content"] == f"{MAIL}you"
    (request,) = gateway.upstreams["openai"].requests
    assert re.fullmatch(r"Greet \[EMAIL_ADDRESS_1\]\.", request.json["messages"][0]["content"])
    assert not request.all("x-intentmesh-prompt")
    assert request.all("x-intentmesh-model") == ["openai"]


@pytest.mark.parametrize("model", MODELS)
async def test_a_client_asks_by_a_prompt(gateway, model):
    """As OpenAI's client names one: filled in, masked, brought to the model's API, and the answer restored."""
    url = f"http://127.0.0.1:{gateway.port}/v1"
    async with openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as client:
        prompt = {"id": "greeting", "version": "1", "variables": {"who": MAIL}}
        answer = await client.responses.create(model=model, prompt=prompt)
        with pytest.raises(openai.BadRequestError, match="there are: greeting"):
            await client.responses.create(model=model, prompt={"id": "farewell"})
    assert answer.output_text == f"{MAIL}you"
    (request,) = gateway.upstreams[model].requests
    assert MAIL.encode() not in request.body
    assert re.search(rb"Greet \[EMAIL_ADDRESS_\w+\]\.", request.body)
