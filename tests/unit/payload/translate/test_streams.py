"""Streams, cut anywhere and broken anyhow: what leaves does not depend on the cuts, and nothing brings the editor down."""

import itertools
import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extproc.errors import UnreadableAnswerError
from extproc.payload import translate
from extproc.payload.translate.events import EventReader
from tests.unit.payload.translate import upstreams
from tests.unit.payload.translate.oracles import PAIRS

ASKED = {
    "openai": {"model": "m", "messages": [], "stream": True, "stream_options": {"include_usage": True}},
    "openai-responses": {"model": "m", "input": "hi", "stream": True},
    "anthropic": {"model": "m", "max_tokens": 5, "messages": [], "stream": True},
}
SITUATIONS = ["chat", "call", "thought", "cut", "filtered", "refused"]


def editor(caller, upstream, status=200, media="text/event-stream", *, stream=True):
    """Of one answer."""
    body = json.dumps(ASKED[caller] | {"stream": stream}).encode()
    made = translate.request(translate.Spoken(caller), upstream, body, model="m", drop=True)
    return made.answer.editor(status=status, media=media, content_encoding="")


def fed(made, pieces):
    """What leaves, without the ids and times that differ from answer to answer."""
    out = b"".join([*(made.feed(piece) for piece in pieces), made.feed(b"", end=True)])
    return re.sub(rb'[_-]?[0-9a-f]{24}"|"created(_at)?":\d+', b"", out)


def pieces_of(data, cuts):
    """The data in pieces."""
    bounds = [0, *sorted({cut % (len(data) + 1) for cut in cuts}), len(data)]
    return [data[start:stop] for start, stop in itertools.pairwise(bounds)]


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize(("caller", "upstream"), PAIRS)
def test_cuts_make_no_difference(caller, upstream, situation):
    """Whole, byte by byte, with any line end."""
    stream = upstreams.ANSWERS[upstream](situation, stream=True)
    whole = fed(editor(caller, upstream), [stream])
    assert whole.endswith(b"\n\n")
    assert fed(editor(caller, upstream), [stream[i : i + 1] for i in range(len(stream))]) == whole
    for end in (b"\r\n", b"\r"):
        other = stream.replace(b"\n", end)
        for size in (1, 3, len(other)):
            assert fed(editor(caller, upstream), [other[i : i + size] for i in range(0, len(other), size)]) == whole


@pytest.mark.parametrize(("caller", "upstream"), PAIRS)
def test_no_event_waits_longer_than_for_the_next(caller, upstream):
    """With each event that says something, what the one before said has left."""
    stream = upstreams.ANSWERS[upstream]("chat", stream=True)
    made = editor(caller, upstream)
    left = b""
    for event in stream.split(b"\n\n"):
        left += made.feed(event + b"\n\n")
        said = [word for word in upstreams.WORDS if json.dumps(word).encode() in event]
        if len(said) == 1:
            assert json.dumps(said[0]).encode() in left


leaves = (
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5) | st.sampled_from(["text", "stop", "tool_use"])
)
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
)


@st.composite
def broken(draw, upstream):
    """Events of an API with parts of them left out, turned into something else, sent twice, or out of order."""
    whole = upstreams.ANSWERS[upstream](draw(st.sampled_from(SITUATIONS)), stream=True)
    events = [line[6:] for line in whole.decode().split("\n") if line.startswith("data: ")]
    made = []
    for _ in range(draw(st.integers(1, 6))):
        event = draw(st.sampled_from(events))
        if event.startswith("{"):
            value = json.loads(event)
            for _ in range(draw(st.integers(0, 3))):
                at = value
                while isinstance(at, dict | list) and at:
                    key = (
                        draw(st.sampled_from(sorted(at))) if isinstance(at, dict) else draw(st.integers(0, len(at) - 1))
                    )
                    if draw(st.booleans()):
                        at[key] = draw(values)
                        break
                    at = at[key]
            event = json.dumps(value)
        made.append(event)
    return "".join(f"data: {event}\n\n" for event in made).encode()


@pytest.mark.parametrize(("caller", "upstream"), PAIRS)
@settings(max_examples=6, deadline=None)
@given(data=st.data())
def test_broken_events_break_nothing(caller, upstream, data):
    """Whatever an upstream sends, the client gets events of its own API, the same for each way of cutting."""
    stream = data.draw(broken(upstream))
    cuts = data.draw(st.lists(st.integers(0, 10_000), max_size=5))
    out = fed(editor(caller, upstream), [stream])
    assert fed(editor(caller, upstream), pieces_of(stream, cuts)) == out
    for event in out.split(b"\n\n"):
        assert not event or event.startswith((b"data: ", b"event: ", b": "))


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [b"data: a", b"data:b", b"data", b"event: x", b": c", b"", b"id: 1", b"\xff", b"data: \xe2\x82"]
        )
    ),
    st.lists(st.integers(0, 200), max_size=8),
    st.sampled_from([b"\n", b"\r\n", b"\r"]),
)
def test_events_are_the_same_however_they_are_cut(lines, cuts, end):
    """Lines in any order, with any end."""
    stream = end.join(lines) + end

    def read(pieces):
        reader = EventReader()
        return [event for piece in pieces for event in reader.feed(piece)] + reader.close()

    assert read(pieces_of(stream, cuts)) == read([stream])


def test_comments_keep_the_connection_alive():
    """A comment leaves as one; what it says stays here."""
    made = editor("anthropic", "openai")
    assert made.feed(b": OPENROUTER PROCESSING ada@example.org\n\n") == b": keep-alive\n\n"


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("media", ["application/json", "text/event-stream", "text/plain", ""])
@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b"{}", b'{"choices": []}', b"<html>", b"\xff\xfe", b": hi\n\n", b"data: 5\n\n"]
)
def test_what_is_no_answer_is_not_told_as_one(body, media, stream):
    """A success that says nothing is an error of the upstream's, whichever kind it claims to be."""
    made = editor("anthropic", "openai", media=media, stream=stream)
    try:
        out = made.feed(body, end=True)
    except UnreadableAnswerError:
        return
    assert stream
    assert b"event: error\n" in out


def test_an_answer_is_not_held_without_bound():
    """An event, or a whole answer, that never ends."""
    for media, begun in (("text/event-stream", b"data: "), ("application/json", b'{"x": "')):
        made = editor("openai", "anthropic", media=media)
        made.feed(begun)
        pieces = itertools.repeat(b"x" * 2**19, 40)
        with pytest.raises(UnreadableAnswerError):
            list(map(made.feed, pieces))


def test_a_response_that_is_too_long_to_be_repeated_ends_with_an_error():
    """What the last events repeat is kept, up to a bound."""
    made = editor("openai-responses", "openai")
    piece = {"id": "x", "choices": [{"index": 0, "delta": {"content": "x" * 2**20}}]}
    out = b"".join(made.feed(upstreams.sse(piece)) for _ in range(17))
    assert out.count(b"event: error\n") == 1
    assert made.feed(upstreams.sse(piece)) == b""


def test_a_stream_that_breaks_off_is_not_said_to_be_whole():
    """No end is made up for a client that would take half an answer for a whole one."""
    for caller, upstream in PAIRS:
        stream = upstreams.ANSWERS[upstream]("chat", stream=True)
        half = stream[: stream.index(b"lo ")]
        out = fed(editor(caller, upstream), [half[: half.rindex(b"\n\n") + 2]])
        assert not re.search(rb"\[DONE\]|message_stop|response\.(completed|incomplete)", out)
        assert b"ended before its answer did" in out.split(b"\n\n")[-2]


@pytest.mark.parametrize("caller", ["openai-responses", "anthropic"])
def test_calls_whose_pieces_come_by_turns(caller):
    """Two calls at once: each gets its own arguments whole."""

    def delta(index, **more):
        return {"id": "x", "choices": [{"index": 0, "delta": {"tool_calls": [{"index": index, **more}]}}]}

    events = [
        delta(0, id="a", function={"name": "f", "arguments": '{"x"'}),
        delta(1, id="b", function={"name": "g", "arguments": '{"y"'}),
        delta(0, function={"arguments": ": 1}"}),
        delta(1, function={"arguments": ": 2}"}),
        {"id": "x", "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]},
    ]
    out = editor(caller, "openai").feed(upstreams.sse(*events, "[DONE]"), end=True)
    told = [json.loads(line[6:]) for line in out.decode().split("\n") if line.startswith("data: ")]
    if caller == "anthropic":
        calls = {}
        for event in told:
            if event["type"] == "content_block_delta":
                calls[event["index"]] = calls.get(event["index"], "") + event["delta"]["partial_json"]
        assert calls == {0: '{"x": 1}', 1: '{"y": 2}'}
    else:
        output = told[-1]["response"]["output"]
        assert [item["arguments"] for item in output] == ['{"x": 1}', '{"y": 2}']
