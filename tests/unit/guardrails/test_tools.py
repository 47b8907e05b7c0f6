"""Which tools may be called, and with what: in requests, and in answers before the client runs them."""

import gzip
import json

import pytest

from extproc.config.guardrails import ToolsGuard
from extproc.decision import Facts
from extproc.errors import ConfigError
from extproc.guardrails.check import Question
from extproc.guardrails.tool_answers import ToolAnswers
from extproc.guardrails.tools import Tools, ToolsCheck
from extproc.identity import ANONYMOUS, Caller

MAIL = {
    "type": "object",
    "properties": {"to": {"type": "string", "pattern": "@example[.]org$"}},
    "required": ["to"],
    "additionalProperties": False,
}
SETTINGS = {
    "deny": ["delete_*"],
    "schemas": {"send_mail": MAIL},
    "callers": [{"caller": ["research"], "allow": ["search"]}],
    "action": "block",
}
GOOD, BAD = '{"to": "ada@example.org"}', '{"to": "eve@evil.test"}'


def guard(**settings):
    """One on tools."""
    return ToolsGuard.model_validate({"kind": "tools", **SETTINGS, **settings})


def asked(body, caller=ANONYMOUS, tools=()):
    """What comes of a request."""
    facts = Facts(caller=caller, tools=tools)
    return ToolsCheck(guard()).look(
        Question([], facts, json.dumps(body).encode() if isinstance(body, dict) else body), 0.0
    )


def chat_call(name, arguments):
    """As chat completions have it."""
    return {"id": "c", "type": "function", "function": {"name": name, "arguments": arguments}}


def of_chat(*calls):
    """A request with earlier calls."""
    return {"messages": [{"role": "assistant", "content": None, "tool_calls": list(calls)}]}


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (of_chat(chat_call("send_mail", GOOD)), ""),
        (of_chat(chat_call("send_mail", BAD)), "arguments"),
        (of_chat(chat_call("send_mail", "no JSON")), "arguments"),
        (of_chat(chat_call("send_mail", '{"to": "eve@evil.test", "to": "ada@example.org"}')), "arguments"),
        (of_chat(chat_call("send_mail", GOOD), chat_call("delete_all", "{}")), "denied"),
        (of_chat(chat_call(" delete_all\n", "{}")), "denied"),
        ({"messages": [{"role": "assistant", "function_call": {"name": "delete_x", "arguments": "{}"}}]}, "denied"),
        (
            {"messages": [{"role": "assistant", "content": [{"type": "tool_use", "name": "delete_x", "input": {}}]}]},
            "denied",
        ),
        ({"input": [{"type": "function_call", "name": "send_mail", "arguments": BAD}]}, "arguments"),
        ({"contents": [{"parts": [{"functionCall": {"name": "delete_x", "args": {}}}]}]}, "denied"),
        (b'{"messages": [{"tool_calls": [], "tool_calls": [{}]}]}', "unreadable"),
        (b'{"tool\\u005fcalls": [{"function": {"name": "delete_x", "arguments": "{}"}}]}', "denied"),
        ({"tools": [{"type": "function", "name": "x", "parameters": {}, "function_call": None}]}, ""),
        (b"function_call in plain text", ""),
    ],
)
def test_requests(body, what):
    """In every API's shape, however it is spelled."""
    finding = asked(body)
    assert (finding.fires, finding.what) == (bool(what), what)


def test_callers():
    """The first entry that means the caller counts, for what is offered too."""
    research = Caller(project="research")
    assert asked(of_chat(chat_call("send_mail", GOOD)), research).what == "denied"
    assert not asked(of_chat(chat_call("search", "{}")), research).fires
    assert asked(b"{}", research, tools=("send_mail",)).what == "offered"
    assert not asked(b"{}", tools=("send_mail",)).fires
    assert asked(b"{}", tools=("delete_all",)).what == "offered"


@pytest.mark.parametrize(
    "schema", [{"type": "objekt"}, {"$ref": "https://elsewhere.test/schema.json"}, {"pattern": "("}]
)
def test_schemas_that_are_none(schema):
    """Told at the start; nothing is fetched."""
    with pytest.raises(ConfigError, match="schema of the tool `x`"):
        Tools.of(guard(schemas={"x": schema}))


def link(**settings):
    """Over one answer."""
    made = guard(**settings)
    return ToolAnswers("mine", made, Tools.of(made), ANONYMOUS, enforced=True)


NOTICE = "[a call of a tool was removed by the guardrail mine]"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            {"choices": [{"message": {"tool_calls": [chat_call("delete_x", "{}")]}}]},
            lambda told: told["choices"][0]["message"]["content"],
        ),
        (
            {"type": "message", "content": [{"type": "tool_use", "name": "send_mail", "input": json.loads(BAD)}]},
            lambda told: told["content"][0]["text"],
        ),
        (
            {"output": [{"type": "function_call", "name": "send_mail", "arguments": BAD}]},
            lambda told: told["output"][0]["content"][0]["text"],
        ),
    ],
)
def test_whole_answers(body, said):
    """An answer of the same API that says so instead of calling; compressed ones too."""
    raw = json.dumps(body).encode()
    one = link()
    assert said(json.loads(one.editor("application/json", "").feed(raw, end=True))) == NOTICE
    assert [verdict.reason for verdict in one.verdicts] == ["mine:answer"]
    packed = link().editor("application/json", "gzip").feed(gzip.compress(raw), end=True)
    assert said(json.loads(gzip.decompress(packed))) == NOTICE


def test_a_call_that_is_right_passes_byte_for_byte():
    """And so does what is no JSON."""
    for raw in (
        json.dumps({"choices": [{"message": {"tool_calls": [chat_call("send_mail", GOOD)]}}]}).encode(),
        b"<p>Hi</p>",
    ):
        one = link()
        assert one.editor("application/json", "").feed(raw, end=True) == raw
        assert one.verdicts == ()


def chat_stream(arguments):
    """The events of a streamed call."""
    deltas = [
        {"content": "One moment."},
        {"tool_calls": [{"index": 0, "id": "c", "function": {"name": "send_mail", "arguments": ""}}]},
    ]
    deltas += [
        {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]} for piece in (arguments[:5], arguments[5:])
    ]
    events = [{"id": "x", "choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    return [f"data: {json.dumps(event)}\n\n".encode() for event in events] + [b"data: [DONE]\n\n"]


def anthropic_stream(arguments):
    """The same in Anthropic's events."""
    events = [
        {"type": "message_start", "message": {}},
        {
            "type": "content_block_start",
            "index": 1,
            "content_block": {"type": "tool_use", "name": "send_mail", "input": {}},
        },
        {
            "type": "content_block_delta",
            "index": 1,
            "delta": {"type": "input_json_delta", "partial_json": arguments[:7]},
        },
        {
            "type": "content_block_delta",
            "index": 1,
            "delta": {"type": "input_json_delta", "partial_json": arguments[7:]},
        },
        {"type": "message_stop"},
    ]
    return [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events]


def responses_stream(arguments):
    """The same in the events of OpenAI's responses."""
    item = {"type": "function_call", "name": "send_mail", "arguments": ""}
    events = [
        {"type": "response.output_item.added", "item": item},
        {"type": "response.function_call_arguments.delta", "delta": arguments},
        {"type": "response.output_item.done", "item": {**item, "arguments": arguments}},
    ]
    return [f"data: {json.dumps(event)}\n\n".encode() for event in events]


@pytest.mark.parametrize("events", [chat_stream, anthropic_stream, responses_stream])
@pytest.mark.parametrize("size", [0, 1, 50])
def test_streams(events, size):
    """A call that is right passes byte for byte, one that is not never leaves, however the stream is cut."""
    for arguments, passes in ((GOOD, True), (BAD, False)):
        raw = b"".join(events(arguments))
        chunks = [raw[at : at + size] for at in range(0, len(raw), size)] if size else [raw]
        editor = link().editor("text/event-stream", "")
        out = b"".join(editor.feed(chunk) for chunk in chunks) + editor.feed(b"", end=True)
        assert (out == raw) is passes
        assert passes or (NOTICE in out.decode() and b"evil" not in out)


def test_what_is_said_before_a_call_leaves_at_once():
    """Only the call is held."""
    editor = link().editor("text/event-stream", "")
    said, *call = chat_stream(GOOD)
    assert editor.feed(said) == said
    assert editor.feed(b"".join(call)) == b""
    assert editor.feed(b"", end=True) == b"".join(call)


def test_no_call_is_no_call():
    """Servers that send `"tool_calls": null` with every piece are not held up."""
    raw = b'data: {"choices": [{"index": 0, "delta": {"content": "Hi", "tool_calls": null}}]}\n\n'
    assert link().editor("text/event-stream", "").feed(raw) == raw
