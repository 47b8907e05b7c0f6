"""`classifier.explain_headers`: what an answer says of how its request was decided."""

import asyncio
import json
from functools import cache

import pytest
import yaml

from extproc.config import parse
from extproc.config.wire_names import HEADER_PREFIX, TOLD_HEADERS
from extproc.exchange import modes
from extproc.exchange.events import (
    BodyMode,
    Mutate,
    Negotiated,
    Proceed,
    RequestBody,
    RequestHeaders,
    ResponseBody,
    ResponseHeaders,
)
from extproc.exchange.settings import ExchangeSettings
from extproc.exchange.stream import End, HttpStream
from extproc.pipeline import Pipeline

POST = {":method": "POST", ":path": "/v1/chat/completions", "content-type": "application/json"}
OK = {":status": "200", "content-type": "application/json", "x-intentmesh-score": "spoofed"}


@cache
def built(text):
    """One for all tests with the same mesh."""
    return Pipeline.build(parse(text))


def begun(text, *, tells=True, key="", **sections):
    """A stream whose request has gone on, and its pipeline's loop left behind."""
    intents = {"refund": {"exact": ["money back"]}, "größe, XL\n": {"exact": ["wie groß"]}}
    models = {"general": {"endpoints": [{"address": "127.0.0.1:8083"}]}}
    pipeline = built(
        yaml.safe_dump(
            {"version": 1, "intents": intents, "models": models, "default_model": "general"}
            | {"pii": {"names": {"enabled": False}}, "classifier": {"explain_headers": tells}}
            | sections
        )
    )
    stream = HttpStream(ExchangeSettings.of(pipeline.mesh), pipeline, log_key=key)
    (first,) = stream.receive(RequestHeaders(POST, negotiated=Negotiated(BodyMode.BUFFERED, BodyMode.NONE)))
    body = json.dumps({"messages": [{"role": "user", "content": text}]}).encode()
    inquiry = stream.receive(RequestBody(body, end_of_stream=True))
    stream.inspected(asyncio.run(pipeline.inspect(inquiry)))
    return stream, first


def said(reply):
    """The headers of ours, without their prefix."""
    return {name.removeprefix(HEADER_PREFIX): value for name, value in reply.set_headers.items()}


def test_the_answer_says_how_it_was_decided():
    """Its headers change, its body is not asked for, and nothing that the upstream says under these names is handed on."""
    stream, first = begun("money back")
    assert first.modes is None
    assert not stream.finished
    (reply,) = stream.receive(ResponseHeaders(OK))
    assert said(reply) == {"intent": "refund", "best": "refund", "score": "1.000", "stage": "rule", "reason": "exact"}
    assert set(reply.set_headers) | set(reply.remove_headers) == set(TOLD_HEADERS)
    assert reply.modes == modes.PASS
    assert stream.finished


def test_no_intent():
    """The header of the intent is left out, and the reason tells why."""
    stream, _ = begun("what is the tallest mountain in the world")
    (reply,) = stream.receive(ResponseHeaders(OK))
    assert said(reply)["stage"] == "abstain"
    assert said(reply)["language"] == "en"
    assert "intent" not in said(reply)


def test_a_name_that_is_no_header():
    """What a header cannot hold is percent-encoded."""
    stream, _ = begun("wie groß")
    (reply,) = stream.receive(ResponseHeaders(OK))
    assert said(reply)["intent"] == "gr%C3%B6%C3%9Fe, XL%0A"


def test_an_answer_that_is_restored_says_so_too():
    """Beside what restoring changes in the headers."""
    stream, _ = begun("money back to ada@example.org")
    (reply,) = stream.receive(ResponseHeaders(OK))
    assert said(reply)["reason"]
    assert "content-length" in reply.remove_headers
    (body,) = stream.receive(
        ResponseBody(b'{"choices":[{"message":{"content":"[EMAIL_ADDRESS_1]"}}]}', end_of_stream=True)
    )
    assert isinstance(body, Mutate)


def test_an_answer_without_a_body():
    """As of a HEAD."""
    stream, _ = begun("money back")
    (reply,) = stream.receive(ResponseHeaders(OK, end_of_stream=True))
    assert said(reply)["intent"] == "refund"
    assert stream.finished


@pytest.mark.parametrize("sections", [{"tells": False}, {"shadow": True}])
def test_off(sections):
    """By default, and where nothing is to change."""
    stream, _ = begun("money back", **sections)
    if not stream.finished:
        (reply,) = stream.receive(ResponseHeaders(OK))
        assert isinstance(reply, Proceed)


def test_who_left_before_the_answer_has_cancelled():
    """And Envoy tells how an answer ended that is shown its headers only."""
    stream, _ = begun("money back", key="k")
    assert stream.log_key == "k"
    assert stream.end(End.LEFT).outcome == "cancelled"
    stream, _ = begun("money back", key="k")
    stream.receive(ResponseHeaders(OK))
    stream.end(End.CLOSED)
    assert stream.log_key == "k"
