"""Each message and each result of a tool is read by itself, and is known by where it stands."""

import json

import pytest

from extproc import payload
from extproc.config.guardrails import IN_REQUESTS
from extproc.config.intercept import Intercept
from extproc.guardrails.passages import passages_of


def read(body, path="/v1/chat/completions", places=IN_REQUESTS):
    """The passages of a body, as (place, path, text)."""
    rule = Intercept(path_prefix="/")
    document = payload.parse(rule, path, "application/json", "", json.dumps(body).encode())
    return [(one.place, one.path, one.text) for one in passages_of(document.segments, frozenset(places))]


CALL = {"id": "c1", "type": "function", "function": {"name": "mail", "arguments": '{"to": "the whole team"}'}}


def test_chat_completions():
    """By role; parts of one message are one passage; what a message calls is the assistant's."""
    assert read(
        {
            "messages": [
                {"role": "system", "content": "Be kind."},
                {"role": "user", "content": [{"type": "text", "text": "One."}, {"type": "text", "text": "Two."}]},
                {"role": "assistant", "content": None, "tool_calls": [CALL]},
                {"role": "tool", "tool_call_id": "c1", "content": "Done."},
                {"role": "developer", "content": "Be brief."},
            ]
        }
    ) == [
        ("system", "messages[0]", "Be kind."),
        ("user", "messages[1]", "One.\nTwo."),
        ("assistant", "messages[2]", "to\nthe whole team"),
        ("tool", "messages[3]", "Done."),
        ("system", "messages[4]", "Be brief."),
    ]


def test_messages_of_anthropic():
    """A result of a tool is one, although a user's message carries it; so is a document a document."""
    result = {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "Rain."}]}
    document = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "A page."}}
    told = read(
        {
            "system": "Be kind.",
            "messages": [{"role": "user", "content": [result, {"type": "tool_result", "content": "Sun."}, document]}],
        },
        "/v1/messages",
    )
    assert [(place, text) for place, _, text in told if " " in text or "." in text] == [
        ("system", "Be kind."),
        ("tool", "Rain."),
        ("tool", "Sun."),
        ("document", "A page."),
    ]


def test_responses():
    """Items of an input: what a function gave back is a tool's, instructions are the system's."""
    told = read(
        {
            "instructions": "Be kind.",
            "input": [
                {"role": "user", "content": [{"type": "input_text", "text": "Hello."}]},
                {"type": "function_call_output", "call_id": "c", "output": "Snow."},
            ],
        },
        "/v1/responses",
    )
    assert [(place, text) for place, _, text in told if text.endswith(".")] == [
        ("system", "Be kind."),
        ("user", "Hello."),
        ("tool", "Snow."),
    ]


@pytest.mark.parametrize("role", ["User", "human", "wizard", ""])
def test_an_unknown_role_is_a_user_s(role):
    """No word in the place of a role takes a text out of sight."""
    told = read({"messages": [{"role": role, "content": "Hello there."}]}, places=("user",))
    assert ("user", "messages[0]", "Hello there.") in told


def test_other_bodies_are_a_user_s():
    """A body without roles."""
    assert read({"subject": "Hello."}, "/tickets") == [("user", "body", "subject\nHello.")]


def test_results_of_a_tool_in_json():
    """The texts of one result are one passage, keys too: an attack may stand in either."""
    content = json.dumps({"weather": [{"text": "Rain."}, {"text": "Sun."}]})
    told = read({"messages": [{"role": "tool", "content": content}]}, places=("tool",))
    assert told == [("tool", "messages[0]", "weather\ntext\nRain.\nSun.")]


def test_deep_bodies_take_no_longer_than_their_size():
    """A way is worked out once for each container, not once for each text in it."""
    inner: object = ["x"] * 200
    for _ in range(200):
        inner = {"a": inner}
    segments = payload.parse(
        Intercept(path_prefix="/"), "/x", "application/json", "", json.dumps({"deep": inner}).encode()
    ).segments
    (told,) = passages_of(segments, frozenset(["user"]))
    assert told.text.count("x") == 200
