"""A text goes on in the next event only where the event's own protocol says so; everything else leaves as it came."""

import json

import pytest

from extproc.config.intercept import Intercept
from extproc.payload import response_editor
from extproc.pii.vault import Vault
from tests.unit.restoring import restored

RULE = Intercept(path_prefix="/")
SSE, NDJSON = "text/event-stream", "application/x-ndjson"


@pytest.fixture
def vault():
    """Types whose names begin with letters at which records like to end."""
    vault = Vault()
    for entity_type in ("EMAIL_ADDRESS", "PHONE_NUMBER", "US_SSN", "PERSON"):
        vault.placeholder(entity_type, f"<{entity_type.lower()}>")
    return vault


def edit(vault, data, size=0, content_type=SSE, **how):
    """What leaves for a body in chunks of one size."""
    editor = response_editor(Intercept(path_prefix="/", **how), content_type, "", vault.restorer)
    size = size or max(1, len(data))
    return b"".join(editor.feed(data[i : i + size]) for i in range(0, len(data), size)) + editor.feed(b"", end=True)


def events(*values, names=()):
    """An event stream of these values: JSON unless they are text."""
    out = ""
    for i, value in enumerate(values):
        out += f"event: {names[i % len(names)]}\n" if names else ""
        out += f"data: {value if isinstance(value, str) else json.dumps(value)}\n\n"
    return out.encode()


def lines(*values):
    """NDJSON."""
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


TAILS = ["Grade E", "US", "step [", "P", "[EMAIL", "EMAIL_ADDRESS", "see [PERSON", "\\[", "US_"]


def record_streams(tail):
    """Records of many kinds, each with a text that ends like this."""
    note = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": tail}}
    result = {"jsonrpc": "2.0", "id": 1, "result": {"content": [{"type": "text", "text": tail}]}}
    yield SSE, events(note, result, names=["message"])
    yield SSE, events({"type": "transcript.text.delta", "delta": tail}, {"type": "transcript.text.done", "text": tail})
    yield SSE, events({"snapshot": tail}, {"snapshot": tail + " and more"}, {"snapshot": tail})
    yield SSE, events(*({"id": "c", "choices": [{"index": 0, "message": {"content": tail}}]} for _ in range(3)))
    yield SSE, events(tail, tail, tail)
    yield SSE, events(*({"type": "status", "text": tail} for _ in range(3)), names=["status", "log"])
    yield SSE, events(*({"delta": tail} for _ in range(3)))
    yield SSE, events(*(["row", tail] for _ in range(3)))
    yield SSE, events(json.dumps(tail), json.dumps(tail))
    yield NDJSON, lines(*({"id": i, "country": tail} for i in range(3)))
    yield NDJSON, lines(*({"choices": [{"index": 0, "delta": {"content": tail}}]} for _ in range(3)))
    yield NDJSON, lines(*({"done": False, "response": tail} for _ in range(3)))
    yield NDJSON, lines(tail, tail)
    yield NDJSON, f"{tail}\n{tail}\n".encode()
    yield "application/json-seq", b"".join(b"\x1e" + json.dumps({"a": tail}).encode() + b"\n" for _ in range(2))
    yield "application/json", json.dumps([{"a": tail}, tail, {"b": tail}]).encode()
    yield "application/json", lines({"a": tail}, {"a": tail})


@pytest.mark.parametrize("tail", TAILS)
def test_records_stay_apart(vault, tail):
    """Not a character moves from one record into the next, and every byte leaves as it came."""
    for content_type, stream in record_streams(tail):
        for size in (1, 7, 0):
            assert edit(vault, stream, size, content_type) == stream, stream


def test_placeholders_in_records(vault):
    """What stands whole in a record is restored there."""
    for content_type, stream in record_streams("[EMAIL_ADDRESS_1]"):
        assert edit(vault, stream, 5, content_type) == stream.replace(b"[EMAIL_ADDRESS_1]", b"<email_address>")
    stream = events({"type": "status", "text": "[EMAIL_"}, {"type": "status", "text": "ADDRESS_1]"})
    assert edit(vault, stream, 5) == stream


PROTOCOLS = {
    "chat": lambda part: {"choices": [{"index": 0, "delta": {"content": part}}]},
    "chat, any field": lambda part: {"choices": [{"index": 0, "delta": {"vendor_field": part}}]},
    "completions": lambda part: {"object": "text_completion", "choices": [{"index": 0, "text": part}]},
    "anthropic": lambda part: {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": part}},
    "thinking": lambda part: {
        "type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": part}
    },
    "responses": lambda part: {
        "type": "response.output_text.delta", "item_id": "i", "output_index": 0, "content_index": 0, "delta": part
    },
    "reasoning": lambda part: {"type": "response.reasoning_text.delta", "item_id": "i", "output_index": 0, "delta": part},
    "transcription": lambda part: {"type": "transcript.text.delta", "delta": part},
    "assistants": lambda part: {
        "id": "m", "object": "thread.message.delta",
        "delta": {"content": [{"index": 0, "type": "text", "text": {"value": part}}]},
    },
    "gemini": lambda part: {"candidates": [{"content": {"parts": [{"text": part}], "role": "model"}, "index": 0}]},
    "llama.cpp": lambda part: {"index": 0, "content": part, "stop": False},
    "tgi": lambda part: {"index": 1, "token": {"id": 5, "text": part}, "generated_text": None},
    "cohere": lambda part: {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": part}}}},
    "ai sdk": lambda part: {"type": "text-delta", "id": "1", "delta": part},
    "ag-ui": lambda part: {"type": "TEXT_MESSAGE_CONTENT", "messageId": "1", "delta": part},
}  # fmt: skip


def texts(value):
    """Every string in a value."""
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for item in inner for text in texts(item)]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_deltas_are_one_text(vault, protocol):
    """Protocols that do say so: a placeholder over many events is restored in the first that it touches."""
    make = PROTOCOLS[protocol]
    for parts in (["a [EMAIL_", "ADDRESS", "_1] b"], list("x[PERSON_1]!"), ["[US_SSN_1", "][PHONE_", "NUMBER_1]"]):
        stream = events(*map(make, parts)) + b"data: [DONE]\n\n"
        whole = restored(vault, "".join(parts))
        for size in (1, 11, 0):
            out = edit(vault, stream, size)
            blocks = [json.loads(block[6:]) for block in out.decode().split("\n\n")[:-2]]
            empty = [set(texts(make("")))] * len(blocks)
            said = [
                [t for t in texts(block) if t not in constant] for block, constant in zip(blocks, empty, strict=True)
            ]
            assert "".join(text for some in said for text in some) == whole
            assert len(blocks) == len(parts)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_deltas_without_a_placeholder(vault, protocol):
    """What never became one leaves byte for byte, in the order in which it came."""
    for tail in TAILS:
        stream = b": hello\n\n" + events(*map(PROTOCOLS[protocol], ["so ", tail, "", tail])) + b"data: [DONE]\n\n"
        for size in (1, 11, 0):
            assert edit(vault, stream, size) == stream, tail


def test_reasoning_before_content(vault):
    """The order of texts is the order of events, and a text that is over does not stop the next one for long."""
    stream = events(
        {"choices": [{"index": 0, "delta": {"reasoning_content": "Plan P"}, "finish_reason": None}]},
        *({"choices": [{"index": 0, "delta": {"content": f"word{i} "}}]} for i in range(50)),
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
    )
    assert edit(vault, stream, 9) == stream
    editor = response_editor(RULE, SSE, "", vault.restorer)
    blocks = [block + b"\n\n" for block in stream.split(b"\n\n")]
    left = b"".join(map(editor.feed, blocks[:10]))
    assert b"Plan P" in left
    assert b"word8" in left


def test_events_behind_one_that_waits_are_bounded(vault):
    """Another choice does not fill the memory while one waits."""
    editor = response_editor(RULE, SSE, "", vault.restorer)
    editor.feed(events({"choices": [{"index": 0, "delta": {"content": "see [EM"}}]}))
    held = sum(not editor.feed(events({"choices": [{"index": 1, "delta": {"content": "word "}}]})) for _ in range(5000))
    assert held < 1000


def test_comments_pass(vault):
    """Keep-alive comments do not wait for a text."""
    editor = response_editor(RULE, SSE, "", vault.restorer)
    assert editor.feed(events({"choices": [{"index": 0, "delta": {"content": "see [EM"}}]})) == b""
    assert editor.feed(b": ping\n\n") == b": ping\n\n"


UNFRAMED = [
    b'{"jsonrpc":"2.0","id":2,"result":{"content":[{"type":"text","text":"to [EMAIL_ADDRESS_1]"}]}}',
    b'  {"a": ["[EMAIL_ADDRESS_1]"]}\n',
    b'\xef\xbb\xbf{"a": "[EMAIL_ADDRESS_1]"}',
    b'{\n  "a": {\n    "b": "[EMAIL_ADDRESS_1]"\n  }\n}\n',
    b'[{"a": "[EMAIL_ADDRESS_1]"}]',
    b'{"a": "[EMAIL_ADDRESS_1]"}\n{"a": "[EMAIL_ADDRESS_1]"}\n',
]
FRAMED = events({"choices": [{"index": 0, "delta": {"content": "a [EMAIL_"}}]}, PROTOCOLS["chat"]("ADDRESS_1]"))


@pytest.mark.parametrize(
    "content_type", [SSE, "application/octet-stream", "text/plain", "", "application/json", NDJSON]
)
def test_labels_that_are_wrong(vault, content_type):
    """An answer is what it is, whatever its content type says: JSON without frames, events under another name."""
    for body in UNFRAMED:
        for size in (1, 4, 0):
            expected = body.replace(b"[EMAIL_ADDRESS_1]", b"<email_address>")
            assert edit(vault, body, size, content_type) == expected
    for size in (1, 4, 0):
        assert b'"content": "a <email_address>"' in edit(vault, FRAMED, size, content_type)


def test_binary_is_binary(vault):
    """What is no text stays as it is."""
    for body in (b"\x00\x01 [EMAIL_ADDRESS_1]", b"\xff\xd8\xff\xe0 [EMAIL_ADDRESS_1]", b"PK\x03\x04[EMAIL_ADDRESS_1]"):
        assert edit(vault, body, 3, "application/octet-stream") == body
    text = b"dear [EMAIL_ADDRESS_1]"
    assert edit(vault, text, 3, "application/octet-stream") == b"dear <email_address>"


@pytest.mark.parametrize("coding", ["utf-8", "UTF-8", "identity", "none", "", "us-ascii"])
def test_charsets_as_codings(vault, coding):
    """A charset in the place of a content-encoding encodes nothing."""
    editor = response_editor(RULE, "application/json", coding, vault.restorer)
    assert editor.feed(b'{"a":"[EMAIL_ADDRESS_1]"}', end=True) == b'{"a":"<email_address>"}'
