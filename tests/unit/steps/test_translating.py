"""A request for a model of another API: masked first, then translated; its answer translated first, then restored."""

import gzip
import json
import re

import pytest

from extproc.config import parse
from extproc.decision import Forward, Inquiry, Refuse
from extproc.exchange.events import RequestBody, RequestHeaders, ResponseBody, ResponseHeaders
from extproc.exchange.settings import ExchangeSettings
from extproc.exchange.stream import HttpStream
from extproc.pipeline import Pipeline

MESH = """
version: 1
models:
  claude: {endpoints: [{address: "127.0.0.1:1"}], api: anthropic, upstream_name: claude-x}
  gemini: {endpoints: [{address: "127.0.0.1:2"}], api: gemini, upstream_name: gemini-x, drop_unsupported: true}
  plain: {endpoints: [{address: "127.0.0.1:3"}]}
  local: {endpoints: [{address: "127.0.0.1:4"}], api: llama.cpp}
  chat: {endpoints: [{address: "127.0.0.1:5"}], api: openai}
default_model: plain
pii: {names: {enabled: false}, entities: {US_SSN: block}}
"""
SETTINGS = parse(MESH)
PIPELINE = Pipeline.build(SETTINGS)
MAIL = "ada@example.org"
CHAT, RESPONSES, MESSAGES = "/v1/chat/completions", "/v1/responses", "/v1/messages"


def body_for(path, model, **more):
    """What a caller of this API sends, with a mail address in it."""
    said = [{"role": "user", "content": f"I am {MAIL}"}]
    asked = {"input": said} if path == RESPONSES else {"messages": said}
    if path == MESSAGES:
        asked["max_tokens"] = 10
    return json.dumps({"model": model, **asked, **more}).encode()


class Exchange:
    """One request through the whole of the core."""

    def __init__(self, path, body, **headers):
        self.stream = HttpStream(ExchangeSettings.of(SETTINGS), PIPELINE)
        self.headers = {":method": "POST", ":path": path, "content-type": "application/json", **headers}
        self.stream.receive(RequestHeaders(self.headers))
        self.inquiry = self.stream.receive(RequestBody(body, end_of_stream=True))
        assert isinstance(self.inquiry, Inquiry)

    async def asked(self):
        """The reply to the request."""
        (reply,) = self.stream.inspected(await PIPELINE.inspect(self.inquiry))
        return reply

    def answered(self, body, media="application/json", status="200", size=5):
        """What the client gets of an answer: the reply to its headers, and its body."""
        (headers,) = self.stream.receive(ResponseHeaders({":status": status, "content-type": media}))
        out = b""
        for i in range(0, len(body), size):
            piece = body[i : i + size]
            (reply,) = self.stream.receive(ResponseBody(piece, end_of_stream=i + size >= len(body)))
            out += piece if getattr(reply, "body", None) is None else reply.body
        return headers, out


async def outcome(path, model, **more):
    """What becomes of a request."""
    headers = {":method": "POST", ":path": path, "content-type": "application/json"}
    inquiry = Inquiry(SETTINGS.intercept[0], path, headers, body_for(path, model, **more))
    return await PIPELINE.inspect(inquiry)


@pytest.mark.parametrize(
    ("path", "model", "target"),
    [
        (CHAT, "claude", "/v1/messages"),
        (RESPONSES, "claude", "/v1/messages"),
        (MESSAGES, "chat", "/v1/chat/completions"),
        (MESSAGES, "plain", "/v1/chat/completions"),
        (RESPONSES, "chat", "/v1/chat/completions"),
        (CHAT, "gemini", "/v1beta/models/gemini-x:generateContent"),
        (MESSAGES, "gemini", "/v1beta/models/gemini-x:generateContent"),
    ],
)
async def test_what_the_upstream_gets_is_masked_and_of_its_api(path, model, target):
    """Path, headers, body: no original among them."""
    exchange = Exchange(path, body_for(path, model), **{"content-encoding": "identity"})
    reply = await exchange.asked()
    assert reply.set_headers[":path"] == target
    assert reply.set_headers["content-type"] == "application/json"
    assert ("anthropic-version" in reply.set_headers) == (model == "claude")
    assert "content-encoding" in reply.remove_headers
    assert MAIL.encode() not in reply.body
    assert re.search(rb"\[EMAIL_ADDRESS_\w+\]", reply.body)


@pytest.mark.parametrize(
    ("path", "model"),
    [
        (CHAT, "plain"),
        (CHAT, "chat"),
        (CHAT, "local"),
        (RESPONSES, "local"),
        (MESSAGES, "local"),
        (MESSAGES, "claude"),
        (RESPONSES, "plain"),
    ],
)
async def test_where_both_speak_alike_only_the_model_changes(path, model):
    """And what is masked: every other byte is as it came."""
    body = body_for(path, model, unknown={"kept": [1.50, None]})
    reply = await Exchange(path, body).asked()
    assert ":path" not in reply.set_headers
    name = SETTINGS.models[model].upstream_name or model
    placeholder = re.search(rb"\[EMAIL_ADDRESS_\w+\]", reply.body)[0]
    assert reply.body == body.replace(MAIL.encode(), placeholder).replace(model.encode(), name.encode())


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
@pytest.mark.parametrize("size", [1, 7, 10_000])
async def test_an_answer_is_restored_in_the_callers_shape(size, encoding):
    """Whole and streamed: a placeholder that the model splits over its own events comes back whole."""
    body = body_for(MESSAGES, "chat")
    body = gzip.compress(body) if encoding == "gzip" else body
    exchange = Exchange(MESSAGES, body, **{"content-encoding": encoding})
    assert json.loads((await exchange.asked()).body)["messages"][0]["content"] == "I am [EMAIL_ADDRESS_1]"
    message = {"role": "assistant", "content": "Hello [EMAIL_ADDRESS_1]"}
    whole = {"id": "x", "model": "m", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    headers, out = exchange.answered(json.dumps(whole).encode(), size=size)
    assert "content-length" in headers.remove_headers
    answer = json.loads(out)
    assert (answer["type"], answer["content"][0]["text"]) == ("message", f"Hello {MAIL}")

    exchange = Exchange(MESSAGES, body_for(MESSAGES, "chat", stream=True))
    await exchange.asked()
    pieces = ["Hello [EM", "AIL_ADD", "RESS_1", "]!"]
    chunks = [
        {"id": "x", "choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]} for piece in pieces
    ]
    chunks.append({"id": "x", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    stream = b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks) + b"data: [DONE]\n\n"
    _, out = exchange.answered(stream, "text/event-stream", size=size)
    events = [json.loads(line[6:]) for line in out.decode().split("\n") if line.startswith("data: ")]
    text = "".join(event["delta"].get("text", "") for event in events if event["type"] == "content_block_delta")
    assert text == f"Hello {MAIL}!"
    assert [event["type"] for event in events][-2:] == ["message_delta", "message_stop"]


@pytest.mark.parametrize("size", [1, 11, 10_000])
async def test_arguments_and_thought_are_restored_too(size):
    """A placeholder within the JSON of a call and within thought, split over events; the call stays JSON."""
    exchange = Exchange(MESSAGES, body_for(MESSAGES, "chat", stream=True))
    await exchange.asked()
    deltas = [{"reasoning_content": "It is [EMAIL_"}, {"reasoning_content": "ADDRESS_1]."}]
    call = {"index": 0, "id": "c", "type": "function", "function": {"name": "send", "arguments": ""}}
    deltas.append({"tool_calls": [call]})
    for piece in ('{"to": "[EMAIL_AD', "DRESS_1", ']", "n": 1}'):
        deltas.append({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})  # noqa: PERF401 - one by one
    chunks = [{"id": "x", "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    chunks.append({"id": "x", "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]})
    stream = b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks) + b"data: [DONE]\n\n"
    _, out = exchange.answered(stream, "text/event-stream", size=size)
    events = [json.loads(line[6:]) for line in out.decode().split("\n") if line.startswith("data: ")]
    told = [event["delta"] for event in events if event["type"] == "content_block_delta"]
    assert "".join(delta.get("thinking", "") for delta in told) == f"It is {MAIL}."
    assert json.loads("".join(delta.get("partial_json", "") for delta in told)) == {"to": MAIL, "n": 1}


async def test_a_compressed_answer_stays_one():
    """Translated and restored within its coding."""
    exchange = Exchange(CHAT, body_for(CHAT, "claude"))
    await exchange.asked()
    said = {"type": "message", "id": "m", "role": "assistant", "model": "c", "stop_reason": "end_turn", "usage": {}}
    said["content"] = [{"type": "text", "text": "Hello [EMAIL_ADDRESS_1]"}]
    packed = gzip.compress(json.dumps(said).encode())
    headers = {":status": "200", "content-type": "application/json", "content-encoding": "gzip"}
    exchange.stream.receive(ResponseHeaders(headers))
    (reply,) = exchange.stream.receive(ResponseBody(packed, end_of_stream=True))
    assert json.loads(gzip.decompress(reply.body))["choices"][0]["message"]["content"] == f"Hello {MAIL}"


async def test_an_error_in_words_becomes_one_of_json():
    """Envoy's own answer where no upstream could be reached."""
    exchange = Exchange(CHAT, body_for(CHAT, "claude"))
    await exchange.asked()
    headers, out = exchange.answered(b"no healthy upstream", "text/plain", "503")
    assert headers.set_headers == {"content-type": "application/json"}
    assert json.loads(out)["error"]["message"] == "the upstream answered 503"


async def test_what_cannot_be_carried_is_refused_by_name_or_dropped_and_told():
    """Known fields by their names; what only the caller has a word for is not said again."""
    refused = await outcome(CHAT, "claude", seed=1, logit_bias={"50256": -100}, **{MAIL: 1})
    assert isinstance(refused, Refuse)
    message = str(refused.error)
    assert refused.error.status == 400
    assert "`seed`" in message
    assert "`logit_bias`" in message
    assert "drop_unsupported" in message
    assert MAIL not in message
    forward = await outcome(CHAT, "gemini", store=True)
    assert isinstance(forward, Forward)
    (verdict,) = forward.inspection.facts.verdicts
    assert (verdict.step, verdict.action, verdict.reason) == ("translate", "flag", "dropped store")


@pytest.mark.parametrize(
    ("path", "model", "message"),
    [
        ("/v1/embeddings", "claude", "which has no embeddings"),
        ("/v1/completions", "gemini", "which has no completions"),
    ],
)
async def test_what_another_api_has_nothing_for_is_refused(path, model, message):
    """Rather than sent to a path that it does not have."""
    headers = {":method": "POST", ":path": path, "content-type": "application/json"}
    inquiry = Inquiry(SETTINGS.intercept[0], path, headers, json.dumps({"model": model, "input": "x"}).encode())
    refused = await PIPELINE.inspect(inquiry)
    assert isinstance(refused, Refuse)
    assert message in str(refused.error)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"model": "claude", "messages": 1}',
        b'{"model": "claude", "messages": [1]}',
        b'{"model": "claude", "messages": [{"role": "king", "content": "x"}]}',
        b'{"model": "claude", "messages": [{"role": "user", "content": {"a": 1}}]}',
        b'{"model": "claude", "messages": [], "temperature": "hot"}',
        b'{"model": "claude", "messages": [], "temperature": true}',
        b'{"messages": [{"role": "assistant", "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": "{"}}]}]}',
    ],
)
async def test_what_is_no_request_of_the_callers_api_is_refused_with_its_place(body):
    """The upstream could not say so: it never sees it."""
    settings = parse(MESH.replace("default_model: plain", "default_model: claude"))
    pipeline = Pipeline.build(settings, PIPELINE)
    headers = {":method": "POST", ":path": CHAT, "content-type": "application/json"}
    refused = await pipeline.inspect(Inquiry(settings.intercept[0], CHAT, headers, body))
    assert isinstance(refused, Refuse)
    assert refused.error.status == 400


def test_only_meshes_that_translate_ask_for_answers():
    """A mesh of one API, with nothing to restore, is shown no answer."""
    plain = parse(
        'version: 1\nmodels: {m: {endpoints: [{address: "127.0.0.1:1"}], api: llama.cpp}}\n'
        "default_model: m\npii: {restore: false, names: {enabled: false}}"
    )
    pipeline = Pipeline.build(plain, PIPELINE)
    assert not pipeline.may_edit_answer(plain.intercept[0], MESSAGES)
    assert PIPELINE.may_edit_answer(SETTINGS.intercept[0], MESSAGES)
