"""Every client through a real Envoy to an upstream of every API: what either may do, masked there and restored here.

The upstreams speak each provider's shapes and say the placeholder again that they were told, in pieces; what they get is
judged by the types of the provider's package.
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
import re

import anthropic
import httpx2
import openai
import pytest
import pytest_asyncio

from tests.unit.payload.translate.oracles import CALLERS, validate
from tests.unit.payload.translate.test_table import FEATURES as TABLE
from tests.unit.payload.translate.test_table import body_of, cell
from tests.wire.harness import running_gateway
from tests.wire.provider import BEGUN, PATHS, PLACEHOLDER, Provider, cut_off, dialect_of, read, without_end
from tests.wire.speakers import FEATURES, IMAGE, SPEAKERS
from tests.wire.upstream import head

pytestmark = pytest.mark.asyncio(loop_scope="module")

MAIL = "ada@example.org"
MODELS = ("openai", "openai-responses", "anthropic", "gemini", "llama-cpp")
PAIRS = [(caller, model) for caller in CALLERS for model in MODELS]
FOREIGN = [(caller, model) for caller, model in PAIRS if model not in (caller, "llama-cpp")]
SITUATIONS = {"tools": "call", "thought": "thought"}


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="mesh")
async def _mesh():
    models = {
        name: {
            "api": name.replace("llama-cpp", "llama.cpp"),
            "upstream_name": f"{name}-model",
            "endpoints": [{"address": f"127.0.0.1:{8091 + i}"}],
            "retries": {"attempts": 0},
        }
        for i, name in enumerate(MODELS)
    }
    sections = {"models": models, "default_model": "openai", "intents": {}, "routes": []}
    async with running_gateway(mesh=sections) as gateway:
        yield gateway


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="speakers")
async def _speakers(mesh):
    """The clients, which take longer to make than all that they ask."""
    speakers = {name: kind(f"http://127.0.0.1:{mesh.port}") for name, kind in SPEAKERS.items()}
    yield speakers
    for speaker in speakers.values():
        await speaker.client.close()


@pytest.fixture
def gateway(mesh):
    """The five upstreams, with nothing remembered."""
    for upstream in mesh.upstreams.values():
        upstream.requests.clear()
        upstream.answer = None
    return mesh


def provided(gateway, model):
    """The upstream of a model, to be told how to answer."""
    provider = Provider()
    gateway.upstreams[model].answer = provider.answer
    return provider


def sent(gateway, caller, model, speaker):
    """The one request that reached an upstream: of its API, without the original; as the client sent it, where both are alike."""
    (request,) = gateway.received
    assert request in gateway.upstreams[model].requests
    assert MAIL not in read(request.body)
    assert not request.all("x-api-key") or caller == "anthropic"
    spoken = dialect_of(request)
    assert spoken == (caller if model == "llama-cpp" else model)
    if spoken == caller:
        (body,) = speaker.sent
        placeholder = PLACEHOLDER.search(read(request.body))[0].encode()
        as_sent = body.replace(MAIL.encode(), placeholder).replace(model.encode(), f"{model}-model".encode(), 1)
        if base64.b64encode(MAIL.encode())[:8] not in body and b"base64" not in body:
            assert request.body == as_sent
    if "count" not in request.target and "input_tokens" not in request.target:
        validate(spoken, request.json)
        method = "streamGenerateContent?alt=sse" if "stream" in request.target else "generateContent"
        assert request.target == PATHS.get(spoken, f"/v1beta/models/{model}-model:{method}")
    assert request.all("content-length") == [str(len(request.body))]
    if spoken != caller:
        assert request.get("anthropic-version") == ("2023-06-01" if spoken == "anthropic" else "")
    return request


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("feature", FEATURES)
@pytest.mark.parametrize(("caller", "model"), PAIRS)
async def test_each_pair_carries_each_feature(gateway, speakers, caller, model, feature, stream):
    """The upstream gets it in its own API and without the address; the client gets its own API's answer with the address."""
    provider, speaker = provided(gateway, model), speakers[caller]
    provider.situation = SITUATIONS.get(feature, "chat")
    provider.shape = "json" if feature == "structured" else "text"
    speaker.sent.clear()
    ask = speaker.streamed if stream else speaker.whole
    told = await ask(model=model, **speaker.fields(feature, MAIL))
    request = sent(gateway, caller, model, speaker)
    if feature == "image":
        assert IMAGE.encode() in request.body
    if feature == "tools":
        assert told.calls == [("get_weather", {"to": MAIL})]
    elif feature == "structured":
        assert told.parsed.to == MAIL
    else:
        assert told.text == f"{MAIL} you"
    if feature == "thought":
        assert told.thought == f"hm {MAIL}"


ERRORS = {
    400: ("BadRequestError", "invalid_request_error", "INVALID_ARGUMENT"),
    429: ("RateLimitError", "rate_limit_error", "RESOURCE_EXHAUSTED"),
    500: ("InternalServerError", "api_error", "INTERNAL"),
}
"""Status -> what both packages call it, and what it is to Anthropic's API and to Gemini's."""


def error_of(dialect, status, message):
    """An error of an upstream, in its own shape."""
    _, kind, word = ERRORS[status]
    return {
        "openai": {"error": {"message": message, "type": kind, "param": None, "code": None}},
        "openai-responses": {"error": {"message": message, "type": kind, "param": None, "code": None}},
        "anthropic": {"type": "error", "error": {"type": kind, "message": message}},
        "gemini": {"error": {"code": status, "message": message, "status": word}},
    }[dialect]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("status", ERRORS)
@pytest.mark.parametrize(("caller", "model"), PAIRS)
async def test_an_error_is_what_the_client_calls_it(gateway, speakers, caller, model, status, stream):
    """By its status and kind, in the upstream's words, in which the address stands again."""
    provider, speaker = provided(gateway, model), speakers[caller]

    def failing(dialect, read):
        return status, json.dumps(error_of(dialect, status, f"no: {PLACEHOLDER.search(read)[0]}")).encode()

    provider.error = failing
    speaker.sent.clear()
    name, kind, _ = ERRORS[status]
    ask = speaker.streamed if stream else speaker.whole
    with pytest.raises(getattr(speaker.package, name), match=f"no: {MAIL}") as error:
        await ask(model=model, **speaker.fields("chat", MAIL))
    if caller == "anthropic":
        assert error.value.body["error"]["type"] == kind
    sent(gateway, caller, model, speaker)


def error_event(dialect):
    """The same in the middle of a stream."""
    error = error_of(dialect, 500, "broken off")
    if dialect == "openai-responses":
        error = {"type": "error", "sequence_number": 9, "code": "server_error", "message": "broken off", "param": None}
    named = f"event: {error['type']}\n" if "type" in error else ""
    return f"{named}data: {json.dumps(error)}\n\n".encode()


async def pieces(speaker, model, fields):
    """Texts until the stream ends, whether the API's own end was told, and what the client raised."""
    said, ended = [], False
    try:
        async for piece in speaker.pieces(model=model, **fields):
            ended |= piece is None
            said.append(piece or "")
    except (openai.OpenAIError, anthropic.AnthropicError, httpx2.HTTPError) as error:
        return "".join(said), ended, error
    return "".join(said), ended, None


@pytest.mark.parametrize(("caller", "model"), PAIRS)
async def test_an_error_in_the_middle_of_a_stream(gateway, speakers, caller, model):
    """The client raises it, after what was said; there is no end beside it."""
    provider = provided(gateway, model)

    async def spoil(dialect, events):
        for event in events[: BEGUN[dialect]]:
            yield event
        yield error_event(dialect)

    provider.spoil = spoil
    said, ended, error = await pieces(speakers[caller], model, speakers[caller].fields("chat", MAIL))
    assert f"{MAIL} you".startswith(said)
    assert not ended
    assert "broken off" in str(error)


@pytest.mark.parametrize("caller", CALLERS)
async def test_a_stream_that_is_cut_off_has_no_end(gateway, speakers, caller):
    """Nobody takes half an answer for a whole one. All at once: Envoy lets a client wait a second for it."""
    for model in MODELS:
        provided(gateway, model).spoil = cut_off
    fields = speakers[caller].fields("chat", MAIL)
    for said, ended, error in await asyncio.gather(*(pieces(speakers[caller], model, fields) for model in MODELS)):
        assert f"{MAIL} you".startswith(said)
        assert not ended
        assert error is not None


@pytest.mark.parametrize(("caller", "model"), PAIRS)
async def test_a_stream_that_the_client_cancels(gateway, speakers, caller, model):
    """The upstream notices, and the next one is whole."""
    provider, speaker = provided(gateway, model), speakers[caller]
    provider.words, provider.spoil = lambda said: [said, " and", " on"], without_end
    stream = speaker.pieces(model=model, **speaker.fields("chat", MAIL))
    said = ""
    while len(said) < len(MAIL) + 30:
        said += await anext(stream)
    assert said.startswith(f"{MAIL} and and and")
    await stream.aclose()
    await asyncio.wait_for(provider.gone.wait(), 10)
    provided(gateway, model)
    told = await speaker.streamed(model=model, **speaker.fields("chat", MAIL))
    assert told.text == f"{MAIL} you"


@pytest.mark.parametrize(("caller", "model"), PAIRS)
async def test_a_long_stream_in_pieces_of_any_size(gateway, speakers, caller, model):
    """Hundreds of events, the placeholder in many of them, each cut anywhere; all of it comes, and comes right."""
    provider, speaker = provided(gateway, model), speakers[caller]
    chance = random.Random(f"{caller} {model}")
    words = [chance.choice(["a ", "wörd ", "\n", "{", "@", " ", "[EMAIL", "x"]) for _ in range(400)]

    def long(said):
        cut = [piece for word in words for piece in (word, said[: len(word)], said[len(word) :])]
        return [piece for piece in cut if piece]

    async def spoil(_, events):
        data, at = b"".join(events), 0
        while at < len(data):
            size = chance.choice([1, 7, 300, 4000])
            yield data[at : at + size]
            at += size

    provider.words, provider.spoil = long, spoil
    said, ended, error = await pieces(speaker, model, speaker.fields("chat", MAIL))
    assert error is None
    assert ended
    assert said == "".join(word + MAIL for word in words)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("caller", ["openai-responses", "anthropic"])
async def test_tokens_are_counted(gateway, speakers, caller, model):
    """By the upstream, of what it would get; chat completions cannot, and that is said."""
    provided(gateway, model)
    speaker = speakers[caller]
    speaker.sent.clear()
    if model == "openai":
        with pytest.raises(speaker.package.BadRequestError, match="cannot count tokens"):
            await speaker.count(model=model, **speaker.fields("tools", MAIL))
        assert not gateway.received
        return
    assert await speaker.count(model=model, **speaker.fields("tools", MAIL)) == 42
    request = sent(gateway, caller, model, speaker)
    assert b"get_weather" in request.body


@pytest.mark.parametrize("model", MODELS)
async def test_embeddings_are_openais(gateway, speakers, model):
    """Masked, and refused for models that speak another provider's API."""
    client = speakers["openai"].client

    async def embed(_, writer):
        item = {"object": "embedding", "index": 0, "embedding": [0.5, 0.25]}
        usage = {"prompt_tokens": 3, "total_tokens": 3}
        body = json.dumps({"object": "list", "model": "e", "data": [item], "usage": usage}).encode()
        writer.write(head(200, "application/json", {"content-length": str(len(body))}) + body)
        await writer.drain()
        return True

    gateway.upstreams[model].answer = embed
    asking = client.embeddings.create(model=model, input=f"I am {MAIL}", encoding_format="float")
    if model in ("anthropic", "gemini"):
        with pytest.raises(openai.BadRequestError, match="which has no embeddings"):
            await asking
        assert not gateway.received
        return
    assert (await asking).data[0].embedding == [0.5, 0.25]
    (request,) = gateway.received
    assert MAIL not in read(request.body)
    assert request.json["model"] == f"{model}-model"


async def test_the_clients_list_the_models(gateway, speakers):
    """And find one, or what they call not found."""
    for caller in ("openai", "anthropic"):
        speaker = speakers[caller]
        assert sorted([model.id async for model in speaker.client.models.list()]) == sorted(MODELS)
        assert (await speaker.client.models.retrieve("gemini")).id == "gemini"
        with pytest.raises(speaker.package.NotFoundError):
            await speaker.client.models.retrieve("gpt-9")
    assert not gateway.received


@pytest.mark.parametrize(("caller", "model"), FOREIGN)
async def test_the_table_of_the_manual_is_true(gateway, caller, model):
    """Each cell of this pair's column: refused by a name where it says so, else what the upstream's package knows."""
    provided(gateway, model)
    for feature, by_caller in TABLE.items():
        if (fields := by_caller.get(caller)) is None:
            continue
        for upstream in gateway.upstreams.values():
            upstream.requests.clear()
        body = body_of(caller, fields) | {"model": model}
        answer = await gateway.client.post(PATHS[caller], json=body, headers={"anthropic-version": "2023-06-01"})
        if cell(feature, caller, model) == "400":
            assert answer.status_code == 400, feature
            assert re.search(r"cannot carry `[a-z_.\[\]0-9]+[^`]*`", answer.json()["error"]["message"]), feature
            assert not gateway.received
            continue
        assert answer.status_code == 200, (feature, answer.text)
        (request,) = gateway.upstreams[model].requests
        validate(model, request.json)


BROKEN = {
    "nothing": (b"", "application/json"),
    "another object": (b'{"x": 1}', "application/json"),
    "a page": (b"<html>hi", "text/html"),
    "a stream of nothing": (b"", "text/event-stream"),
    "a stream without events": (b": hi\n\n", "text/event-stream"),
    "events of nobody": (b"data: {}\n\ndata: 5\n\n", "text/event-stream"),
    "no stream at all": (b'{"x": 1}', "text/event-stream"),
}
"""A success of an upstream that is no answer."""


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("caller", "model"), FOREIGN)
async def test_what_is_no_answer(gateway, speakers, caller, model, broken, stream):
    """Is an error that the client knows, and says something."""
    speaker, (body, kind) = speakers[caller], BROKEN[broken]

    async def answer(_, writer):
        writer.write(head(200, kind, {"content-length": str(len(body))}) + body)
        await writer.drain()
        return True

    gateway.upstreams[model].answer = answer
    ask = speaker.streamed if stream else speaker.whole
    with pytest.raises(speaker.package.APIError, match="upstream"):
        await ask(model=model, **speaker.fields("chat", MAIL))


@pytest.mark.parametrize(("caller", "model"), FOREIGN)
async def test_an_upstream_that_does_not_stream(gateway, speakers, caller, model):
    """Its whole answer comes as the stream that was asked for."""
    provider = provided(gateway, model)
    provider.streams = False
    told = await speakers[caller].streamed(model=model, **speakers[caller].fields("chat", MAIL))
    assert told.text == f"{MAIL} you"
