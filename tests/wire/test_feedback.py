"""What callers say of decisions, and what answers say of them, through a real Envoy."""

import json

import pytest
import pytest_asyncio

from tests.wire.harness import running_gateway

pytestmark = pytest.mark.asyncio(loop_scope="module")
FEEDBACK = "/v1/feedback"


@pytest.fixture(scope="module", name="file")
def _file(tmp_path_factory):
    return tmp_path_factory.mktemp("feedback") / "feedback.jsonl"


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="telling")
async def _telling(file):
    async with running_gateway(
        mesh={"classifier": {"explain_headers": True}, "feedback": {"file": str(file)}}
    ) as gateway:
        yield gateway


@pytest.mark.parametrize("stream", [False, True])
async def test_answers_say_how_they_were_decided(telling, stream):
    """With a value to be restored and without one, streamed and whole; the upstream is told nothing of it."""
    for secret in ("", " for ada@example.org"):
        body = {
            "model": "auto",
            "stream": stream,
            "messages": [{"role": "user", "content": f"I want a refund{secret}"}],
        }
        answer = await telling.client.post("/v1/chat/completions", json=body)
        assert answer.status_code == 200
        assert answer.headers["x-intentmesh-intent"] == "customer_support"
        assert answer.headers["x-intentmesh-language"] == "en"
        assert 0.5 < float(answer.headers["x-intentmesh-score"]) <= 1
        assert "x-intentmesh-stage" in answer.headers
        assert "x-intentmesh-stage" not in telling.upstreams["support"].requests[-1].headers
        assert secret.split()[-1:] == [] or secret.split()[-1] in answer.text


async def test_feedback_reaches_the_file_and_no_upstream(telling, file):
    """Masked; a mistake is told in the shape of the API."""
    before = sum(len(upstream.requests) for upstream in telling.upstreams.values())
    text = "when does ada@example.org get her money"
    answer = await telling.client.post(FEEDBACK, json={"text": text, "intent": "customer_support"})
    assert answer.status_code == 200
    assert answer.json() == {"object": "feedback", "kept": True}
    (line,) = file.read_text().splitlines()
    assert json.loads(line)["text"] == "when does [EMAIL_ADDRESS_1] get her money"
    wrong = await telling.client.post(FEEDBACK, json={"text": text, "intent": "billing"})
    assert wrong.status_code == 400
    assert wrong.json()["error"]["param"] == "intent"
    assert "ada@" not in wrong.text
    assert len(file.read_text().splitlines()) == 1
    assert before == sum(len(upstream.requests) for upstream in telling.upstreams.values())


async def test_it_is_off_by_default(gateway):
    """Answers say nothing, and the path is any other one's."""
    answer = await gateway.chat("I want a refund")
    assert not [name for name in answer.headers if name.startswith("x-intentmesh-")]
    told = await gateway.client.post(FEEDBACK, json={"text": "x", "intent": None})
    assert told.json() != {"object": "feedback", "kept": True}
