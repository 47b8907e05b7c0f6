"""Streams of events: a text is one text, however events and chunks cut it."""

import json

import pytest

from extproc.config.intercept import Intercept
from extproc.payload import response_editor
from extproc.pii.vault import Vault
from tests.unit.restoring import restored

RULE = Intercept(path_prefix="/")
ADA = 'ada "q"é@example.org'


@pytest.fixture
def vault():
    """Two addresses."""
    vault = Vault()
    vault.placeholder("EMAIL_ADDRESS", ADA)
    vault.placeholder("EMAIL_ADDRESS", "bob@example.org")
    return vault


def edit(vault, data, size=0, content_type="text/event-stream", path=""):
    """What leaves for a stream in chunks of one size."""
    editor = response_editor(RULE, content_type, "", vault.restorer, path)
    size = size or max(1, len(data))
    out = b"".join(editor.feed(data[i : i + size]) for i in range(0, len(data), size))
    return out + editor.feed(b"", end=True)


def chat(*deltas, finish=True, done=True, **choice):
    """A chat stream with these deltas."""
    events = [
        {
            "id": "c1",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "m",
            "choices": [{"index": 0, "delta": delta, "finish_reason": None, **choice}],
        }
        for delta in deltas
    ]
    if finish:
        events.append(events[0] | {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    stream = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)
    return stream + (b"data: [DONE]\n\n" if done else b"")


def events(stream):
    """The JSON of every event that has some; fails on an event that is not well-formed."""
    text = stream.decode().replace("\r\n", "\n").replace("\r", "\n")
    assert text.endswith("\n\n") or not text
    found = []
    for block in text.split("\n\n")[:-1]:
        data = "\n".join(line[5:].removeprefix(" ") for line in block.split("\n") if line.startswith("data:"))
        if data and data != "[DONE]":
            found.append(json.loads(data))
    return found


def said(stream, *way):
    """A text of the first choice's deltas, put together as a client does."""
    text = ""
    for event in events(stream):
        for choice in event["choices"]:
            value = choice.get("delta", choice)
            for step in way:
                value = value.get(step) if isinstance(value, dict) else value[step] if value else None
            text += value or ""
    return text


SPLITS = [
    ["[EMAIL_ADDRESS_1]"],
    ["Hi [", "EMAIL", "_ADDRESS", "_1", "]!"],
    list("mail [EMAIL_ADDRESS_1], ok"),
    ["[EM", "AIL_ADDRESS_1] and [EMAIL_ADDRESS_2", "]"],
    ["a [", "b] [EMAIL_ADDRESS_2]"],
]


@pytest.mark.parametrize("parts", SPLITS)
@pytest.mark.parametrize("size", [1, 7, 100, 0])
def test_chat_content(vault, parts, size):
    """A placeholder over several events and chunks is restored; every event but the changed ones leaves as it came."""
    out = edit(vault, chat(*({"content": part} for part in parts)), size)
    assert restored(vault, "".join(parts)) == said(out, "content")
    assert len(parts) + 1 == len(events(out))
    assert out.endswith(b"data: [DONE]\n\n")


def test_events_without_change_are_the_same_bytes(vault):
    """Comments, ids, retry lines, odd spacing and line ends all stay."""
    stream = (
        b'\xef\xbb\xbf: hello\n\nid: 7\nevent: x\nretry: 10\ndata:{"choices" : [ {"delta":{"content":"caf\\u00e9"}}]}\r\n\r\n'
        b"data\n\ndata: plain\r\rdata: {broken\n\n:ping\r\n\r\n"
    )
    for size in range(1, 20):
        assert stream == edit(vault, stream, size)


@pytest.mark.parametrize("eol", [b"\n", b"\r\n", b"\r"])
def test_line_ends_and_many_data_lines(vault, eol):
    """CR, LF, CRLF; JSON over several data lines; other fields between them."""
    block = [
        b"event: message",
        b'data: {"choices":[{"index":0,',
        b"id: 5",
        b'data: "delta":{"content":"x [EMAIL_ADDRESS_2]"}}]}',
        b"",
        b"",
    ]
    stream = eol.join(block)
    for size in range(1, 40):
        out = edit(vault, stream, size)
        assert b"bob@example.org" in out
        assert b"id: 5" in out
        assert said(out, "content") == "x bob@example.org"


def test_events_wait_and_leave_as_they_came(vault):
    """What never became a placeholder leaves in the events that carried it, byte for byte, before the one that finishes."""
    stream = chat({"role": "assistant", "content": "see [EMAIL"}, {"content": "_ADD"})
    for size in (1, 7, 0):
        assert stream == edit(vault, stream, size)


@pytest.mark.parametrize(("finish", "done"), [(False, True), (False, False), (True, False)])
def test_held_text_leaves_at_the_end(vault, finish, done):
    """Also when the stream ends without a finish, or without [DONE]."""
    out = edit(vault, chat({"content": "see [EMAIL"}, finish=finish, done=done), 3)
    assert said(out, "content") == "see [EMAIL"


def test_finish_in_the_same_event(vault):
    """A text that ends in its own last event leaves there, whole."""
    stream = chat({"content": "[EM"}, finish=False, done=False) + chat(
        {"content": "AIL"}, finish=False, finish_reason="stop"
    )
    out = edit(vault, stream)
    assert out == stream


def test_choices_and_fields_are_texts_of_their_own(vault):
    """Two choices and two fields, interleaved: nothing crosses."""

    def event(index, **delta):
        return b"data: " + json.dumps({"choices": [{"index": index, "delta": delta}]}).encode() + b"\n\n"

    stream = (
        event(0, content="[EMAIL_")
        + event(1, content="x [EMAIL_ADDR")
        + event(0, reasoning_content="[EM")
        + event(1, content="ESS_2]")
        + event(0, content="ADDRESS_1]")
        + event(0, reasoning_content="AIL_ADDRESS_2]")
    )
    texts = {}
    for data in events(edit(vault, stream, 5)):
        for choice in data["choices"]:
            for field, value in choice["delta"].items():
                key = choice["index"], field
                texts[key] = texts.get(key, "") + value
    assert texts == {
        (0, "content"): ADA,
        (1, "content"): "x bob@example.org",
        (0, "reasoning_content"): "bob@example.org",
    }


def test_tool_call_arguments(vault):
    """Deltas of arguments are pieces of JSON: values are escaped for it; each call is a text of its own."""
    parts = ['{"to"', ': "[EMAIL_', 'ADDRESS_1]"', ', "n": 1}']
    deltas = [
        {"tool_calls": [{"index": 1, "id": "call", "type": "function", "function": {"name": "send", "arguments": ""}}]}
    ]
    deltas += [{"tool_calls": [{"index": 1, "function": {"arguments": part}}]} for part in parts]
    out = edit(vault, chat(*deltas), 11)
    assert json.loads(said(out, "tool_calls", 0, "function", "arguments")) == {"to": ADA, "n": 1}


def test_completions(vault):
    """The text of completions."""
    stream = b"".join(
        b'data: {"choices":[{"index":0,"text":"%b"}]}\n\n' % part for part in (b"[EMAIL_ADD", b"RESS_2] x")
    )
    assert [event["choices"][0]["text"] for event in events(edit(vault, stream))] == ["bob@example.org", " x"]


def typed(*data):
    """Events with their type as name."""
    return b"".join(f"event: {item['type']}\ndata: {json.dumps(item)}\n\n".encode() for item in data)


def test_anthropic(vault):
    """Text and input deltas; what is held leaves before the block stops; pings do not end a text."""

    def delta(index, **inner):
        return {"type": "content_block_delta", "index": index, "delta": inner}

    stream = typed(
        {"type": "message_start", "message": {"id": "m", "content": []}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        delta(0, type="text_delta", text="[EMAIL_"),
        {"type": "ping"},
        delta(0, type="text_delta", text="ADDRESS_1] ["),
        {"type": "content_block_stop", "index": 0},
        delta(1, type="input_json_delta", partial_json='{"to": "[EMAIL'),
        delta(1, type="input_json_delta", partial_json='_ADDRESS_1]"}'),
        {"type": "content_block_stop", "index": 1},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
        {"type": "message_stop"},
    )
    for size in (1, 13, 0):
        out = edit(vault, stream, size)
        found = events(out)
        assert f"{ADA} [" == "".join(
            e["delta"]["text"] for e in found if e.get("delta", {}).get("type") == "text_delta"
        )
        tool = "".join(
            e["delta"]["partial_json"] for e in found if e.get("delta", {}).get("type") == "input_json_delta"
        )
        assert json.loads(tool) == {"to": ADA}


def test_responses(vault):
    """Deltas of text and arguments, and the events that repeat the whole text."""
    where = {"item_id": "i", "output_index": 0, "content_index": 0}
    whole = "to [EMAIL_ADDRESS_1]"
    stream = typed(
        {"type": "response.created", "response": {"instructions": "[EMAIL_ADDRESS_2]", "output": []}},
        {"type": "response.output_text.delta", **where, "delta": "to [EMAIL"},
        {"type": "response.output_text.delta", **where | {"output_index": 1}, "delta": "[EMAIL"},
        {"type": "response.output_text.delta", **where, "delta": "_ADDRESS_1]["},
        {"type": "response.output_text.done", **where, "text": whole},
        {
            "type": "response.function_call_arguments.delta",
            "item_id": "f",
            "output_index": 2,
            "delta": '{"to":"[EMAIL_ADDRESS_1]"}',
        },
        {
            "type": "response.function_call_arguments.done",
            "item_id": "f",
            "output_index": 2,
            "arguments": '{"to":"[EMAIL_ADDRESS_1]"}',
        },
        {
            "type": "response.completed",
            "response": {
                "output": [
                    {"type": "message", "content": [{"type": "output_text", "text": whole}]},
                    {"type": "function_call", "arguments": '{"to":"[EMAIL_ADDRESS_1]"}'},
                ]
            },
        },
    )
    for size in (1, 17, 0):
        found = events(edit(vault, stream, size))
        assert found[0]["response"]["instructions"] == "bob@example.org"
        deltas = [e for e in found if e["type"] == "response.output_text.delta"]
        assert f"to {ADA}[" == "".join(e["delta"] for e in deltas if e["output_index"] == 0)
        assert "".join(e["delta"] for e in deltas if e["output_index"] == 1) == "[EMAIL"
        assert f"to {ADA}" == next(e["text"] for e in found if e["type"] == "response.output_text.done")
        arguments = [e.get("delta") or e["arguments"] for e in found if "function_call" in e["type"]]
        assert [json.loads(item) for item in arguments] == [{"to": ADA}] * 2
        output = found[-1]["response"]["output"]
        assert (f"to {ADA}", {"to": ADA}) == (output[0]["content"][0]["text"], json.loads(output[1]["arguments"]))


def test_plain_data_is_a_record(vault):
    """Data that is no JSON is a text, and ends with its event."""
    stream = b"data: to [EMAIL_\n\ndata: ADDRESS_2] [E\n\ndata: [EMAIL_ADDRESS_2]\n\n"
    assert edit(vault, stream, 4) == stream.replace(b"[EMAIL_ADDRESS_2]", b"bob@example.org")


@pytest.mark.parametrize("eol", ["\n", "\r\n", "\r"])
def test_lines_in_plain_data(eol):
    """An original of several lines stays within its event, whatever its line ends and the stream's are."""
    vault = Vault()
    vault.placeholder("ADDRESS", "1 Elm St\nSpringfield\r\nUSA\r12345")
    block = f"id: 1{eol}data: to [ADDRESS_1]{eol}data: now{eol}{eol}data: [ADDRESS_1]{eol}{eol}"
    out = edit(vault, block.encode(), 3).decode()
    assert out == (
        f"id: 1{eol}data: to 1 Elm St{eol}data: Springfield{eol}data: USA{eol}data: 12345{eol}data: now{eol}{eol}"
        f"data: 1 Elm St{eol}data: Springfield{eol}data: USA{eol}data: 12345{eol}{eol}"
    )


def test_lines(vault):
    """Ollama's lines: one text over several of them. Any other line is a record."""
    stream = b"".join(
        json.dumps({"model": "m", "message": {"content": part}, "done": False}).encode() + b"\n"
        for part in ("[EMAIL_", "ADDRESS_2] [")
    )
    stream += b'{"model":"m","done":true}\n'
    for size in (1, 9, 0):
        lines = [json.loads(line) for line in edit(vault, stream, size, "application/x-ndjson").splitlines()]
        assert "".join(line.get("message", {}).get("content", "") for line in lines) == "bob@example.org ["
        assert [line["done"] for line in lines] == [False, False, True]


def test_escapes_are_kept(vault):
    """In an event that changes, only the placeholder's own characters are written anew; pairs cut in two events survive."""
    stream = b'data: {"choices":[{"index":0,"delta":{"content":"\\u00e9\\/ [EMAIL_ADDRESS_2]\\n\\ud83d"}}]}\n\ndata: {"choices":[{"index":0,"delta":{"content":"\\ude00 ok"}}]}\n\n'  # noqa: E501
    assert stream.replace(b"[EMAIL_ADDRESS_2]", b"bob@example.org") == edit(vault, stream)


def test_an_event_that_ends_early(vault):
    """A last event without its blank line is edited as it is."""
    assert (
        edit(vault, b'data: {"choices":[{"delta":{"content":"[EMAIL_ADDRESS_2]"}}]}', 6)
        == b'data: {"choices":[{"delta":{"content":"bob@example.org"}}]}'
    )


def test_duplicate_keys_do_not_confuse(vault):
    """Both texts under one key are restored."""
    stream = b'data: {"choices":[{"delta":{"content":"[EMAIL_ADDRESS_2]"},"delta":{"other":"[EMAIL_ADDRESS_2]"}}]}\n\n'
    assert stream.replace(b"[EMAIL_ADDRESS_2]", b"bob@example.org") == edit(vault, stream)


def test_long_events_pass(vault, monkeypatch):
    """An event beyond the limit passes, and memory stays bounded."""
    monkeypatch.setattr("extproc.payload.event_stream._MAX_EVENT_BYTES", 1000)
    stream = b"data: " + b"x" * 5000 + b"\n\ndata: [EMAIL_ADDRESS_2]\n\n"
    assert stream.replace(b"[EMAIL_ADDRESS_2]", b"bob@example.org") == edit(vault, stream, 600)


ITEMS = "/v1beta/models/gemini:streamGenerateContent"


def candidates(*parts):
    """Items of one of Gemini's answers."""
    return [{"candidates": [{"content": {"role": "model", "parts": [{"text": part}]}, "index": 0}]} for part in parts]


@pytest.mark.parametrize("size", [1, 2, 7, 100, 0])
@pytest.mark.parametrize("layout", [{}, {"indent": 2}, {"separators": (",", ":")}])
def test_items_of_an_array(vault, size, layout):
    """Gemini's stream without server-sent events: one text over several items, whose strings may hold brackets."""
    parts = ('to "}[EMAIL_', "ADDRESS_1]{\\", '\\" [[EMAIL_ADDRESS_2', "]] end]")
    stream = json.dumps([*candidates(*parts), {"usageMetadata": {"totalTokenCount": 3}}], **layout).encode()
    items = json.loads(edit(vault, stream, size, "application/json", ITEMS))
    text = "".join(item["candidates"][0]["content"]["parts"][0]["text"] for item in items[:-1])
    assert text == f'to "}}{ADA}{{\\\\" [bob@example.org] end]'
    assert items[-1] == {"usageMetadata": {"totalTokenCount": 3}}


def test_items_leave_one_by_one(vault):
    """An item leaves as soon as it is whole; one that is cut off leaves at the end, restored where it can be."""
    editor = response_editor(RULE, "application/json", "", vault.restorer, ITEMS + "?key=x")
    first, second = (
        json.dumps(item).encode() for item in candidates("to [EMAIL_ADDRESS_2]", "and [EMAIL_ADDRESS_2] x")
    )
    assert editor.feed(b"[" + first + b"\n,\n") == (b"[" + first).replace(b"[EMAIL_ADDRESS_2]", b"bob@example.org")
    assert editor.feed(second[:-9]) == b""
    assert b"and bob@example.org x" in editor.feed(b"", end=True)


@pytest.mark.parametrize(
    "broken", [b"[", b"[]", b'[1,"[EMAIL_ADDRESS_9]"]', b"[[[[]]]]", b"[{}}}]]]{", b'[{"a":"\\', b"[{"]
)
def test_items_that_are_none(vault, broken):
    """Whatever else the array is leaves as it came."""
    for size in (1, 3, 0):
        assert edit(vault, broken, size, "application/json", ITEMS) == broken
