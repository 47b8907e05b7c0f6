"""Envoy's own errors: what the official clients make of them, whichever API they speak and whichever their model speaks."""

import asyncio
import signal

import anthropic
import openai
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.wire.envoys import VERSIONS, envoy_binary
from tests.wire.harness import running_gateway
from tests.wire.test_identity import ISSUER, key_set, token

pytestmark = pytest.mark.asyncio(loop_scope="module")
CLIENTS = ("chat", "responses", "messages")
MODELS = {
    "near": {"endpoints": [{"address": "127.0.0.1:8091"}], "api": "openai", "upstream_name": "gpt-x"},
    "claude": {"endpoints": [{"address": "127.0.0.1:8092"}], "api": "anthropic", "upstream_name": "claude-x"},
}
for model in MODELS.values():
    model |= {"timeout_s": 0.3, "retries": {"attempts": 0}}
RULE = {"name": "no", "when": 'request.headers["x-no"] != ""', "then": {"deny": "no"}}


@pytest.fixture(scope="module")
def issuer():
    """The key of the issuer."""
    return rsa.generate_private_key(65537, 2048)


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=VERSIONS, name="gateway")
async def _gateway(request, tmp_path_factory, issuer):
    folder = tmp_path_factory.mktemp("replies")
    (folder / "jwks.json").write_text(key_set(issuer))
    provider = {"issuer": ISSUER, "audiences": ["intentmesh"], "jwks_file": str(folder / "jwks.json")}
    mesh = {
        "models": MODELS,
        "default_model": "near",
        "intents": {},
        "routes": [],
        "policy": [RULE],
        "identity": {"jwt": {"providers": {"corporate": provider}}},
    }

    async with running_gateway(mesh=mesh, envoy_path=envoy_binary(request.param)) as gateway:
        yield gateway


async def ask(url, client, model, headers):
    """One request of an official client."""
    said = [{"role": "user", "content": "hello"}]
    if client == "messages":
        async with anthropic.AsyncAnthropic(base_url=url, api_key="x", max_retries=0) as claude:
            return await claude.messages.create(model=model, max_tokens=9, messages=said, extra_headers=headers)
    async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="x", max_retries=0) as chat:
        if client == "responses":
            return await chat.responses.create(model=model, input="hello", extra_headers=headers)
        return await chat.chat.completions.create(model=model, messages=said, extra_headers=headers)


async def refused(gateway, client, model="near", key="k", **headers):
    """The error that a client raises, and what it has read of it."""
    headers = {"authorization": f"Bearer {key}"} | headers
    with pytest.raises((openai.APIStatusError, anthropic.APIStatusError)) as caught:
        await ask(f"http://127.0.0.1:{gateway.port}", client, model, headers)
    error = caught.value
    assert error.response.headers["content-type"] == "application/json"
    if client == "messages":
        assert error.body["type"] == "error"
        return (
            {kind.__name__ for kind in type(error).__mro__},
            error.body["error"]["type"],
            error.body["error"]["message"],
        )
    assert error.body.keys() == {"message", "type", "param", "code"}
    return {kind.__name__ for kind in type(error).__mro__}, error.body["type"], error.body["message"]


@pytest.mark.parametrize("client", CLIENTS)
async def test_a_token_that_is_none(gateway, client, issuer):
    """Is refused before the processor hears of it, in the client's own words; one for others likewise."""
    names, kind, message = await refused(gateway, client, key=token(rsa.generate_private_key(65537, 2048)))
    assert ("AuthenticationError" in names, kind) == (True, "authentication_error")
    assert message.startswith("Jwt")
    names, kind, _ = await refused(gateway, client, key=token(issuer, aud="others"))
    assert ("PermissionDeniedError" in names, kind) == (True, "permission_error")


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("model", ["near", "claude"])
async def test_a_model_that_breaks_off(gateway, client, model, issuer):
    """Before it has answered, whether the answer would have been translated or not."""

    async def broken(_, writer):
        writer.close()
        return False

    gateway.upstreams[model].answer = broken
    names, kind, message = await refused(gateway, client, model, key=token(issuer))
    assert "InternalServerError" in names
    assert kind in ("service_unavailable", "server_error", "api_error", "overloaded_error")
    assert "upstream connect error" in message


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("model", ["near", "claude"])
async def test_a_model_that_does_not_answer(gateway, client, model, issuer):
    """By its time limit."""

    async def silent(_, writer):
        await asyncio.sleep(1)
        writer.close()
        return False

    gateway.upstreams[model].answer = silent
    names, kind, message = await refused(gateway, client, model, key=token(issuer))
    assert "InternalServerError" in names
    assert kind in ("timeout_error", "server_error")
    assert "it took too long" in message


@pytest.mark.parametrize("client", CLIENTS)
async def test_what_has_its_shape_stays(gateway, client, issuer):
    """The processor's own refusals say what they said."""
    names, kind, message = await refused(gateway, client, key=token(issuer), **{"x-no": "yes"})
    assert ("PermissionDeniedError" in names, kind, message) == (True, "permission_error", "refused by policy: no")


async def test_other_paths(gateway):
    """What is not intercepted is none of ours."""
    answer = await gateway.client.get("/elsewhere")
    assert (answer.status_code, answer.headers["content-type"]) == (504, "text/plain")


async def test_a_processor_that_is_gone(gateway, issuer):
    """Nothing goes on without it, and clients are told so."""
    await gateway.processor.kill(signal.SIGKILL)
    for client in CLIENTS:
        names, kind, message = await refused(gateway, client, key=token(issuer))
        assert "InternalServerError" in names
        assert kind == ("api_error" if client == "messages" else "service_unavailable")
        assert message == "the request could not be inspected, and was not sent on"
