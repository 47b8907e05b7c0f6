"""Requests reach the model that fits what they mean; nobody else chooses it."""

import pytest

pytestmark = pytest.mark.asyncio(loop_scope="module")

ASKS = {
    "The bearing on pump 4 is running hot.": "telemetry",
    "turbine bearing alarm is critical": "telemetry",
    "I want a refund for my order, please.": "support",
    "Write a short poem about the sea.": "general",
}


@pytest.mark.parametrize("text", ASKS, ids=str)
async def test_a_request_reaches_the_model_of_its_intent(gateway, text):
    """The upstream that saw the request is the model of the intent, and it was told why."""
    answer = await gateway.chat(text)
    assert answer.status_code == 200
    (request,) = gateway.received
    assert ([request], [ASKS[text]]) == (gateway.upstreams[ASKS[text]].requests, request.all("x-intentmesh-model"))


async def test_the_last_user_message_decides(gateway):
    """What was said before does not."""
    await gateway.chat("I want a refund for my order.", "The bearing on pump 4 is running hot.")
    assert gateway.upstreams["telemetry"].requests


@pytest.mark.parametrize(
    "name", ["x-intentmesh-model", "X-IntentMesh-Model", "x-intentmesh-residency", "x-intentmesh-any"]
)
@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/chat/completions"), ("GET", "/v1/files"), ("POST", "/up")])
async def test_a_client_cannot_choose_its_model(gateway, name, method, path):
    """Headers of ours that a client sends change nothing and reach nobody, on every path."""
    body = {"messages": [{"role": "user", "content": "Write a short poem about the sea."}]}
    await gateway.client.request(method, path, headers={name: "support"}, json=body)
    assert not gateway.upstreams["support"].requests
    (request,) = gateway.upstreams["general"].requests
    assert not [value for key, value in request.headers if key.startswith("x-intentmesh") and value == "support"]


async def test_a_header_sent_twice_gains_nothing(gateway):
    """Two values of the routing header are none."""
    headers = [("x-intentmesh-model", "support"), ("x-intentmesh-model", "telemetry")]
    body = {"messages": [{"role": "user", "content": "Hi"}]}
    await gateway.client.post("/v1/chat/completions", json=body, headers=headers)
    (seen,) = gateway.received
    assert seen.all("x-intentmesh-model") == ["general"]


async def test_content_length_is_kept(gateway):
    """The upstream gets a body of a told length, not chunks, whether it was masked or not."""
    await gateway.chat("Hello.")
    await gateway.chat("Write to ada@example.org.")
    for request in gateway.received:
        assert not request.chunked
        assert int(request.get("content-length")) == len(request.body)


async def test_a_chunked_request_is_read_whole(gateway):
    """A body that comes in chunks is one body to us."""

    async def pieces():
        yield b'{"messages": [{"role": "user", "content": "The bearing on pump'
        yield b" 4 is running hot. Mail ada@exam"
        yield b'ple.org."}]}'

    answer = await gateway.client.post(
        "/v1/chat/completions", content=pieces(), headers={"content-type": "application/json"}
    )
    assert "ada@example.org" in gateway.text_of(answer)
    (request,) = gateway.upstreams["telemetry"].requests
    assert b"ada@example.org" not in request.body


async def test_expect_continue(gateway):
    """`expect: 100-continue` is Envoy's to answer; the body is read all the same."""
    answer = await gateway.chat("Mail ada@example.org.", headers={"expect": "100-continue"})
    assert answer.status_code == 200
    assert b"ada@" not in gateway.received[0].body
