"""The tokens of log-probabilities say what the content says, whole and in events, in every layout."""

import json

import pytest

from extproc.config.intercept import Intercept
from extproc.payload import response_editor
from extproc.pii.vault import Vault

RULE = Intercept(path_prefix="/v1/")
TOKENS = ["Mail", " [", "EMAIL", "_ADDRESS", "_", "1", "],", " ok", " [", "EMAIL", "_ADDRESS_2", "]"]
WHOLE = "Mail zoë@example.org, ok bob@example.org"


@pytest.fixture
def vault():
    """Two addresses."""
    vault = Vault()
    vault.placeholder("EMAIL_ADDRESS", "zoë@example.org")
    vault.placeholder("EMAIL_ADDRESS", "bob@example.org")
    return vault


def edit(vault, data, size, content_type):
    """What leaves for a body in chunks of one size."""
    editor = response_editor(RULE, content_type, "", vault.restorer)
    return b"".join(editor.feed(data[i : i + size]) for i in range(0, len(data), size)) + editor.feed(b"", end=True)


def items(tokens):
    """As chats and responses have them."""
    return [
        {"token": t, "logprob": -0.1, "bytes": list(t.encode()), "top_logprobs": [{"token": t, "logprob": -0.1}]}
        for t in tokens
    ]


def agrees(found, text):
    """Tokens and bytes make the text, and no alternative of a changed token is left."""
    assert "".join(item["token"] for item in found) == text
    assert b"".join(bytes(item["bytes"]) for item in found).decode() == text
    assert all(item["top_logprobs"] or item["token"] not in TOKENS for item in found if item["token"])


@pytest.mark.parametrize("size", [1, 50, 10_000])
def test_chat(vault, size):
    """A whole chat completion."""
    choice = {"message": {"content": "".join(TOKENS)}, "logprobs": {"content": items(TOKENS), "refusal": None}}
    out = edit(vault, json.dumps({"choices": [choice], "model": "m"}).encode(), size, "application/json")
    choice = json.loads(out)["choices"][0]
    assert choice["message"]["content"] == WHOLE
    agrees(choice["logprobs"]["content"], WHOLE)
    assert json.loads(out)["model"] == "m"


@pytest.mark.parametrize("size", [1, 50, 10_000])
def test_chat_streamed(vault, size):
    """Event by event, two choices between each other."""
    events = [
        {"choices": [{"index": i, "delta": {"content": t}, "logprobs": {"content": items([t])}}]}
        for t in TOKENS
        for i in (0, 1)
    ]
    events.append({"choices": [{"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}]})
    stream = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)
    blocks = edit(vault, stream, size, "text/event-stream").decode().split("\n\n")[:-1]
    for index in (0, 1):
        found = [json.loads(block[6:])["choices"][0] for block in blocks]
        mine = [choice for choice in found if choice["index"] == index and choice.get("logprobs")]
        assert "".join(choice["delta"]["content"] for choice in mine) == WHOLE
        agrees([item for choice in mine for item in choice["logprobs"]["content"]], WHOLE)
        assert all(c["delta"]["content"] == c["logprobs"]["content"][0]["token"] for c in mine)


@pytest.mark.parametrize("size", [1, 50, 10_000])
def test_completions(vault, size):
    """Side by side, with offsets."""
    offsets = [sum(map(len, TOKENS[:i])) for i in range(len(TOKENS))]
    logprobs = {
        "tokens": TOKENS,
        "token_logprobs": [-0.1] * len(TOKENS),
        "top_logprobs": [{t: -0.1} for t in TOKENS],
        "text_offset": offsets,
    }
    body = json.dumps({"choices": [{"text": "".join(TOKENS), "logprobs": logprobs}]}).encode()
    choice = json.loads(edit(vault, body, size, "application/json"))["choices"][0]
    found = choice["logprobs"]
    assert choice["text"] == "".join(found["tokens"]) == WHOLE
    assert found["text_offset"] == [sum(map(len, found["tokens"][:i])) for i in range(len(TOKENS))]
    assert len(found["top_logprobs"]) == len(found["tokens"]) == len(TOKENS)
    assert all("EMAIL" not in key for top in found["top_logprobs"] for key in top)


def test_responses(vault):
    """Of the Responses API: deltas, their end, and the whole."""
    where = {"item_id": "i", "output_index": 0, "content_index": 0}
    events = [{"type": "response.output_text.delta", **where, "delta": t, "logprobs": items([t])} for t in TOKENS]
    done = {"text": "".join(TOKENS), "logprobs": items(TOKENS)}
    events.append({"type": "response.output_text.done", **where, **done})
    part = {"type": "output_text", **done}
    events.append({"type": "response.completed", "response": {"output": [{"type": "message", "content": [part]}]}})
    stream = b"".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n".encode() for e in events)
    blocks = edit(vault, stream, 13, "text/event-stream").decode().split("\n\n")[:-1]
    found = [json.loads(block.split("data: ")[1]) for block in blocks]
    agrees([item for event in found[:-2] for item in event["logprobs"]], WHOLE)
    agrees(found[-2]["logprobs"], WHOLE)
    agrees(found[-1]["response"]["output"][0]["content"][0]["logprobs"], WHOLE)


def test_nothing_changes_without_a_placeholder(vault):
    """Log-probabilities of other texts leave byte for byte; too many of them are taken out."""
    tokens = ["Hello", " wor", "ld", " [", "x", "] E"]
    body = json.dumps({"choices": [{"logprobs": {"content": items(tokens)}}], "x": "[EMAIL_ADDRESS_2]"}).encode()
    assert edit(vault, body, 5, "application/json") == body.replace(b"[EMAIL_ADDRESS_2]", b"bob@example.org")


def test_very_many(vault, monkeypatch):
    """More than may be held is taken out, and the rest of the answer is restored."""
    monkeypatch.setattr("extproc.payload.logprobs._LONGEST", 500)
    body = json.dumps({"choices": [{"logprobs": {"content": items(TOKENS)}, "text": "[EMAIL_ADDRESS_2]"}]}).encode()
    assert json.loads(edit(vault, body, 100, "application/json"))["choices"][0] == {
        "logprobs": None,
        "text": "bob@example.org",
    }
