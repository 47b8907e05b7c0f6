"""What Bedrock and Vertex serve, through a real Envoy with the official clients; signatures are judged by Amazon's own code."""

from __future__ import annotations

import json
import re

import anthropic
import openai
import pytest
import pytest_asyncio
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.unit.payload.translate import upstreams
from tests.unit.payload.translate.frames import exception, framed
from tests.wire.envoys import VERSIONS, envoy_binary
from tests.wire.harness import running_gateway
from tests.wire.upstream import head

pytestmark = pytest.mark.asyncio(loop_scope="module")
MAIL = "ada@example.org"
REGION, HOST, NAME = "eu-central-1", "bedrock-runtime.eu-central-1.amazonaws.com", "anthropic.claude-x-20250514-v1:0"
ID, SECRET, TOKEN = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "a-session"
STREAM = "application/vnd.amazon.eventstream"


def model(port, host, **more):
    """One of a cloud's; its TLS is taken off for the test."""
    endpoint = {"address": f"127.0.0.1:{port}", "zone": "external", "tls": True, "host": host, "health": "/health"}
    return {"endpoints": [endpoint], "api": "anthropic", "retries": {"attempts": 0}, **more}


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=VERSIONS, name="gateway")
async def _gateway(request, tmp_path_factory):
    keys = tmp_path_factory.mktemp("aws") / "credentials"
    keys.write_text(
        f"[mesh]\naws_access_key_id = {ID}\naws_secret_access_key = {SECRET}\naws_session_token = {TOKEN}\n"
    )
    bedrock = {"bedrock": {"region": REGION, "credentials_file": str(keys), "profile": "mesh"}}
    vertex = {"vertex": {"project": "acme-1", "location": "europe-west1"}}
    models = {
        "bedrock": model(8091, HOST, platform=bedrock, upstream_name=NAME),
        "gpt": model(8092, HOST, platform=bedrock, upstream_name="openai.gpt-x") | {"api": "openai"},
        "vertex": model(8093, "europe-west1-aiplatform.googleapis.com", platform=vertex, upstream_name="claude-x@2025"),
    }

    def change(config):
        for cluster in config["static_resources"]["clusters"]:
            if cluster["name"] in models:
                del cluster["transport_socket"]

    settings = {"models": models, "default_model": "bedrock", "intents": {}, "routes": []}
    async with running_gateway(mesh=settings, change=change, envoy_path=envoy_binary(request.param)) as gateway:
        for name, upstream in gateway.upstreams.items():
            upstream.answer = answering(name)
        yield gateway


def answering(name):
    """What the cloud would say: the placeholder that it was told, in its own frames."""

    async def answer(request, writer):
        api = "openai" if name == "gpt" else "anthropic"
        streamed = "stream" in request.target.lower() or (name == "gpt" and request.json.get("stream") is True)
        made = upstreams.ANSWERS[api]("chat", stream=streamed)
        told = re.search(rb"\[EMAIL_ADDRESS_\w+\]", request.body)[0]
        made = made.replace(b'"Hel"', b'"%s"' % told[:5]).replace(b'"lo "', b'"%s"' % told[5:])
        made = made.replace(b"Hello you", told + b"you")
        kind = "text/event-stream" if streamed else "application/json"
        if name == "bedrock" and streamed:
            made, kind = framed(made), STREAM
        writer.write(head(200, kind, {"connection": "close"}) + made)
        await writer.drain()
        return False

    return answer


def signed_by_amazon(request):
    """Whether Amazon's own code signs the same request so."""
    found = re.fullmatch(
        r"AWS4-HMAC-SHA256 Credential=(\S+)/(\d{8})/(\S+)/bedrock/aws4_request, SignedHeaders=(\S+), Signature=(\w+)",
        request.get("authorization"),
    )
    assert found, request.get("authorization")
    assert (found[1], found[3]) == (ID, REGION)
    told = {name: request.get(name) for name in found[4].split(";")}
    assert told["host"] == request.get("host") == HOST
    assert told["x-amz-security-token"] == TOKEN
    again = AWSRequest("POST", f"https://{HOST}{request.target}", headers=told, data=request.body)
    again.context["timestamp"] = request.get("x-amz-date")
    auth = SigV4Auth(Credentials(ID, SECRET, TOKEN), "bedrock", REGION)
    return auth.signature(auth.string_to_sign(again, auth.canonical_request(again)), again) == found[5]


async def say(gateway, client, name, *, stream=False):
    """What an official client makes of the answer."""
    url, said = f"http://127.0.0.1:{gateway.port}", [{"role": "user", "content": f"I am {MAIL}"}]
    if client == "messages":
        async with anthropic.AsyncAnthropic(base_url=url, api_key="secret", max_retries=0) as claude:
            if not stream:
                return (await claude.messages.create(model=name, max_tokens=9, messages=said)).content[0].text
            async with claude.messages.stream(model=name, max_tokens=9, messages=said) as events:
                return (await events.get_final_message()).content[0].text
    async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="secret", max_retries=0) as chat:
        if not stream:
            return (await chat.chat.completions.create(model=name, messages=said)).choices[0].message.content
        chunks = await chat.chat.completions.create(model=name, messages=said, stream=True)
        return "".join([chunk.choices[0].delta.content or "" async for chunk in chunks if chunk.choices])


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("client", ["messages", "chat"])
@pytest.mark.parametrize("name", ["bedrock", "gpt", "vertex"])
async def test_a_cloud_s_model_answers(gateway, name, client, stream):
    """In the caller's API, restored; what the cloud gets is masked, and Bedrock's is signed, of the body as it goes out."""
    assert await say(gateway, client, name, stream=stream) == f"{MAIL}you"
    request = gateway.upstreams[name].last
    assert MAIL.encode() not in request.body
    assert "secret" not in str(request.headers)
    if name == "gpt":
        assert request.target == "/openai/v1/chat/completions"
        assert signed_by_amazon(request)
        return
    assert "model" not in request.json
    if name == "bedrock":
        method = "invoke-with-response-stream" if stream else "invoke"
        assert request.target == f"/model/anthropic.claude-x-20250514-v1%3A0/{method}"
        assert request.json["anthropic_version"] == "bedrock-2023-05-31"
        assert signed_by_amazon(request)
    else:
        method = "streamRawPredict" if stream else "rawPredict"
        models = "/v1/projects/acme-1/locations/europe-west1/publishers/anthropic/models"
        assert request.target == f"{models}/claude-x%402025:{method}"
        assert request.json["anthropic_version"] == "vertex-2023-10-16"


async def test_what_bedrock_refuses(gateway):
    """Is what the clients call it: before the answer, and in the midst of a stream."""
    upstream = gateway.upstreams["bedrock"]
    usual = upstream.answer

    async def refusing(_, writer):
        body = json.dumps({"message": "Too many tokens"}).encode()
        writer.write(head(429, "application/json", {"content-length": str(len(body))}) + body)
        await writer.drain()
        return True

    async def breaking(_, writer):
        made = framed(upstreams.ANSWERS["anthropic"]("chat", stream=True).split(b"event: content_block_stop")[0])
        writer.write(head(200, STREAM, {"connection": "close"}) + made + exception("throttlingException", "slow down"))
        await writer.drain()
        return False

    try:
        upstream.answer = refusing
        with pytest.raises(anthropic.RateLimitError, match="Too many tokens"):
            await say(gateway, "messages", "bedrock")
        with pytest.raises(openai.RateLimitError, match="Too many tokens"):
            await say(gateway, "chat", "bedrock")
        upstream.answer = breaking
        with pytest.raises(anthropic.APIStatusError, match="slow down"):
            await say(gateway, "messages", "bedrock", stream=True)
        with pytest.raises(openai.APIError, match="slow down"):
            await say(gateway, "chat", "bedrock", stream=True)
    finally:
        upstream.answer = usual
