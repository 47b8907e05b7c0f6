"""Failover between models of different APIs: Envoy goes on, each attempt is translated for the one that gets it."""

from __future__ import annotations

import asyncio
import json
import re

import openai
import pytest
import pytest_asyncio

from tests.unit.payload.translate import upstreams
from tests.unit.payload.translate.oracles import validate
from tests.wire.envoys import OLDEST, envoy_binary
from tests.wire.harness import another_envoy, running_gateway
from tests.wire.test_providers import MAIL, answering
from tests.wire.upstream import head

pytestmark = pytest.mark.asyncio(loop_scope="module")

APIS = {"first": "openai", "second": "anthropic", "third": "gemini"}
ALONE = 'request.headers["x-alone"] == "yes" && destination.model != "first"'
MESH = {
    "models": {
        "first": {
            "endpoints": [{"address": "127.0.0.1:8091"}],
            "api": "openai",
            "upstream_name": "gpt-x",
            "fallback": ["second", "third"],
            "retries": {"attempts": 0, "per_try_timeout_s": 1},
        },
        "second": {
            "endpoints": [{"address": "127.0.0.1:8092"}],
            "api": "anthropic",
            "upstream_name": "claude-x",
            "retries": {"attempts": 0},
        },
        "third": {
            "endpoints": [{"address": "127.0.0.1:8093", "zone": "cluster"}],
            "api": "gemini",
            "upstream_name": "gemini-x",
            "retries": {"attempts": 0},
        },
    },
    "default_model": "first",
    "intents": {},
    "routes": [{"headers": {"x-near": "yes"}, "model": "first", "residency": "pod"}],
    "policy": [{"name": "alone", "when": ALONE, "then": {"deny": "first alone"}}],
}


def failing(status, body=b"", kind="application/json"):
    """An upstream that answers with an error."""

    async def answer(_, writer):
        writer.write(head(status, kind, {"content-length": str(len(body))}) + body)
        await writer.drain()
        return True

    return answer


async def silent(_, writer):
    """An upstream that takes the request and says nothing."""
    await asyncio.sleep(3)
    writer.close()
    return False


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="mesh")
async def _mesh():
    async with running_gateway(mesh=MESH) as gateway:
        yield gateway


@pytest.fixture
def gateway(mesh):
    """All three answer, and remember nothing."""
    for name, upstream in mesh.upstreams.items():
        upstream.requests.clear()
        upstream.answer = answering(APIS[name], "chat")
    return mesh


async def ask(gateway, *, stream=False, **headers):
    """What the client makes of it, and which model has answered."""
    async with openai.AsyncOpenAI(base_url=f"http://127.0.0.1:{gateway.port}/v1", api_key="k", max_retries=0) as client:
        said = [{"role": "user", "content": f"I am {MAIL}"}]
        raw = await client.chat.completions.with_raw_response.create(
            model="auto", messages=said, stream=stream, extra_headers=headers
        )
        by = raw.headers["x-intentmesh-answered-by"]
        if not stream:
            return raw.parse().choices[0].message.content, by
        chunks = [chunk async for chunk in raw.parse() if chunk.choices]
        assert chunks[-1].choices[0].finish_reason == "stop"
        return "".join(chunk.choices[0].delta.content or "" for chunk in chunks), by


def tried(gateway):
    """The models that were asked, each in its own API and none with an original."""
    names = []
    for name, upstream in gateway.upstreams.items():
        for request in upstream.requests:
            names.append(name)
            validate(APIS[name], request.json)
            assert MAIL.encode() not in request.body
            assert re.search(rb"\[EMAIL_ADDRESS_1\]", request.body)
            expected = MESH["models"][name]["upstream_name"]
            assert expected in (request.target if name == "third" else request.json["model"])
    return sorted(names, key=list(APIS).index)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("status", [429, 500, 503, 529])
async def test_the_next_model_answers(gateway, status, stream):
    """After too many requests and after errors of the server's: in the caller's own API, restored."""
    gateway.upstreams["first"].answer = failing(status, json.dumps(upstreams.ERRORS["openai"]).encode())
    assert await ask(gateway, stream=stream) == (f"{MAIL}you", "second")
    assert tried(gateway) == ["first", "second"]
    gateway.upstreams["second"].answer = failing(status, json.dumps(upstreams.ERRORS["anthropic"]).encode())
    assert await ask(gateway, stream=stream) == (f"{MAIL}you", "third")


async def test_the_first_answers_when_it_can(gateway):
    """Nobody else is asked, and the body is as it would be without fallbacks."""
    assert await ask(gateway) == (f"{MAIL}you", "first")
    assert tried(gateway) == ["first"]


async def test_a_model_that_says_nothing_is_left(gateway):
    """No first byte within the time for one attempt."""
    gateway.upstreams["first"].answer = silent
    assert await ask(gateway) == (f"{MAIL}you", "second")


async def test_time_is_for_the_beginning_of_an_answer(gateway):
    """One that has begun may take longer than an attempt may take to begin."""

    async def slow(_, writer):
        writer.write(head(200, "text/event-stream", {"transfer-encoding": "chunked"}))
        for event in upstreams.ANSWERS["openai"]("chat", stream=True).split(b"\n\n"):
            part = event + b"\n\n"
            writer.write(b"%x\r\n%s\r\n" % (len(part), part))
            await writer.drain()
            await asyncio.sleep(0.25)
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True

    gateway.upstreams["first"].answer = slow
    assert await ask(gateway, stream=True) == (upstreams.SAID, "first")


async def test_where_nobody_may_stand_in_the_error_is_the_models_own(gateway):
    """And nobody else is asked."""
    error = json.dumps(upstreams.ERRORS["openai"]).encode()
    gateway.upstreams["first"].answer = failing(429, error)
    with pytest.raises(openai.RateLimitError, match="slow down"):
        await ask(gateway, **{"x-alone": "yes"})
    assert tried(gateway) == ["first"]


async def test_what_is_the_callers_fault_is_not_tried_elsewhere(gateway):
    """A 400 is one everywhere."""
    error = {"error": {"message": "no such field", "type": "invalid_request_error", "param": None, "code": None}}
    gateway.upstreams["first"].answer = failing(400, json.dumps(error).encode())
    with pytest.raises(openai.BadRequestError, match="no such field"):
        await ask(gateway)
    assert tried(gateway) == ["first"]


async def test_when_all_fail_the_last_error_is_of_the_callers_api(gateway):
    """With the upstream's own words."""
    for name in APIS:
        error = json.dumps(upstreams.ERRORS[APIS[name]]).encode()
        gateway.upstreams[name].answer = failing(429, error)
    with pytest.raises(openai.RateLimitError, match="slow down"):
        await ask(gateway)
    assert tried(gateway) == ["first", "second", "third"]


async def test_no_attempt_goes_beyond_the_residency(gateway):
    """What must stay in the pod is not sent to the model in the cluster, whatever else fails."""
    for name in ("first", "second"):
        gateway.upstreams[name].answer = failing(503)
    with pytest.raises(openai.InternalServerError):
        await ask(gateway, **{"x-near": "yes"})
    assert tried(gateway) == ["first", "second"]


async def test_a_caller_cannot_say_who_may_stand_in(gateway):
    """The list is the processor's, on every path."""
    for name in ("first", "second"):
        gateway.upstreams[name].answer = failing(503)
    headers = {"x-near": "yes", "x-intentmesh-fallback": "third", "x-intentmesh-residency": "external"}
    with pytest.raises(openai.InternalServerError):
        await ask(gateway, **headers)
    assert "third" not in tried(gateway)


async def test_the_oldest_envoy_does_the_same(gateway):
    """Whole and streamed."""
    gateway.upstreams["first"].answer = failing(429)
    gateway.upstreams["second"].answer = failing(500)
    async with another_envoy(gateway, envoy_path=envoy_binary(OLDEST)) as other:
        for stream in (False, True):
            assert await ask(other, stream=stream) == (f"{MAIL}you", "third")
