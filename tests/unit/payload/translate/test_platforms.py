"""Clouds that serve a provider's API: paths, envelopes, and the frames of Amazon's event stream."""

import base64
import json
import re

import pytest
import yaml
from botocore.eventstream import EventStreamBuffer
from hypothesis import given, settings
from hypothesis import strategies as st

from extproc.config import parse
from extproc.config.loader import InvalidMeshError
from extproc.config.platforms import Platform
from extproc.errors import ConfigError, UnreadableAnswerError, UntranslatableError
from extproc.payload.translate.platforms import EVENT_STREAM, FrameReader, Reframed, hosted
from extproc.render import render
from tests.unit.payload.translate import upstreams
from tests.unit.payload.translate.frames import exception, frame, framed

BEDROCK = Platform.model_validate({"bedrock": {"region": "eu-central-1"}})
VERTEX = Platform.model_validate({"vertex": {"project": "acme-1", "location": "europe-west1"}})
MESSAGES = {"model": "claude-x@20250514", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}


def asked(platform, api, target, body, **more):
    """Target and body of a request as the cloud takes it."""
    new = hosted(platform, api, target, json.dumps(body).encode(), **more)
    return new.target, json.loads(new.body)


@pytest.mark.parametrize(
    ("platform", "stream", "target", "version"),
    [
        (BEDROCK, False, "/model/claude-x%4020250514/invoke", "bedrock-2023-05-31"),
        (BEDROCK, True, "/model/claude-x%4020250514/invoke-with-response-stream", "bedrock-2023-05-31"),
        (VERTEX, False, "{}/publishers/anthropic/models/claude-x%4020250514:rawPredict", "vertex-2023-10-16"),
        (VERTEX, True, "{}/publishers/anthropic/models/claude-x%4020250514:streamRawPredict", "vertex-2023-10-16"),
    ],
)
def test_messages(platform, stream, target, version):
    """The model goes into the path, a version of the cloud's own into the body, and all else stays."""
    found, body = asked(
        platform, "anthropic", "/v1/messages?beta=true", MESSAGES | ({"stream": True} if stream else {})
    )
    assert found == target.format("/v1/projects/acme-1/locations/europe-west1")
    assert body.pop("anthropic_version") == version
    assert body.pop("stream", None) is (True if stream and platform is VERTEX else None)
    assert body == {key: value for key, value in MESSAGES.items() if key != "model"}


def test_betas_and_counts():
    """Bedrock wants betas in the body and counts no tokens; Vertex counts under a path of its own."""
    _, body = asked(BEDROCK, "anthropic", "/v1/messages", MESSAGES, beta="a-1, b-2")
    assert body["anthropic_beta"] == ["a-1", "b-2"]
    target, body = asked(VERTEX, "anthropic", "/v1/messages/count_tokens", MESSAGES, counts=True)
    assert target.endswith("/publishers/anthropic/models/count-tokens:rawPredict")
    assert body["model"] == MESSAGES["model"]
    with pytest.raises(UntranslatableError, match="counts no tokens"):
        asked(BEDROCK, "anthropic", "/v1/messages/count_tokens", MESSAGES, counts=True)
    for body in (b"[]", b"{", b'{"model": 3}', b"{}"):
        with pytest.raises(UntranslatableError, match="with a `model`"):
            hosted(BEDROCK, "anthropic", "/v1/messages", body)


@pytest.mark.parametrize(
    ("platform", "api", "target", "wanted"),
    [
        (BEDROCK, "openai", "/v1/chat/completions", "/openai/v1/chat/completions"),
        (VERTEX, "openai", "/v1/chat/completions", "{}/endpoints/openapi/chat/completions"),
        (VERTEX, "gemini", "/v1beta/models/g-1:generateContent", "{}/publishers/google/models/g-1:generateContent"),
        (VERTEX, "gemini", "/v1beta/models/g:stream?alt=sse", "{}/publishers/google/models/g:stream?alt=sse"),
    ],
)  # fmt: skip
def test_other_apis_are_theirs_under_another_path(platform, api, target, wanted):
    """The body is the one of the API, byte by byte."""
    new = hosted(platform, api, target, b'{"model":  "x"}')
    assert new == (b'{"model":  "x"}', wanted.format("/v1/projects/acme-1/locations/europe-west1"), (), False)


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_frames_however_they_are_cut(data):
    """What Amazon's own reader takes for frames is what ours does, of each cut."""
    payloads = data.draw(st.lists(st.binary(max_size=40), max_size=5))
    stream = b"".join(frame({":event-type": "chunk", ":message-type": "event"}, payload) for payload in payloads)
    reader, theirs, found, at = FrameReader(), EventStreamBuffer(), [], 0
    theirs.add_data(stream)
    while at < len(stream):
        size = data.draw(st.integers(1, 60))
        found += reader.feed(stream[at : at + size])
        at += size
    assert found == [(event.headers, event.payload) for event in theirs]
    assert [payload for _, payload in found] == payloads


def test_a_stream_is_anthropics_again():
    """Event by event, as its client reads it."""
    plain = upstreams.ANSWERS["anthropic"]("chat", stream=True)
    editor = Reframed(status=200, media=EVENT_STREAM)
    sent = framed(plain)
    out = b"".join(editor.feed(sent[i : i + 7], end=i + 7 >= len(sent)) for i in range(0, len(sent), 7))
    told = [line for line in plain.splitlines() if line.startswith(b"data: ")]
    assert [line for line in out.splitlines() if line.startswith(b"data: ")] == told
    names = [json.loads(line[6:])["type"].encode() for line in told]
    assert [line[7:] for line in out.splitlines() if line.startswith(b"event: ")] == names


def test_what_goes_wrong_in_a_stream_is_an_error_of_anthropics():
    """An exception of Bedrock's by its kind; a frame that is damaged, or none, ends the answer."""
    out = Reframed(status=200, media=EVENT_STREAM).feed(exception("throttlingException", "slow down"), end=True)
    assert json.loads(out.split(b"data: ")[1])["error"] == {"type": "rate_limit_error", "message": "slow down"}
    good = frame({":message-type": "event"}, b'{"bytes": "e30="}')
    for bad in (good[:-1] + b"x", b"data: {}\n\n" * 3, b"\0" * 20, frame({}, b'{"bytes": "?"}'), frame({}, b"[]")):
        with pytest.raises(UnreadableAnswerError):
            Reframed(status=200, media=EVENT_STREAM).feed(bad, end=True)


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        (b'{"message": "Malformed input"}', "invalid_request_error", "Malformed input"),
        (b'[{"error": {"code": 404, "message": "no such model", "status": "NOT_FOUND"}}]', "not_found_error", "no such model"),
        (b'{"type": "error", "error": {"type": "invalid_request_error", "message": "bad"}}', "invalid_request_error", "bad"),
        (b"<html>", "invalid_request_error", "the upstream answered 400"),
    ],
)  # fmt: skip
def test_errors_are_anthropics(body, kind, message):
    """Whichever shape the cloud gives them."""
    editor = Reframed(status=400, media="application/json")
    out = editor.feed(body[:5]) + editor.feed(body[5:], end=True)
    assert json.loads(out) == {"type": "error", "error": {"type": kind, "message": message}}


def test_whole_answers_pass():
    """They are the API's."""
    assert Reframed(status=200, media="application/json").feed(b'{"a": 1}', end=True) == b'{"a": 1}'
    assert base64.b64decode(b"e30=") == b"{}"


EU = {"bedrock": {"region": "eu-central-1"}}
FAR = {"address": "llm.example:443", "zone": "external", "tls": True}


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (
            {"api": "gemini", "platform": EU},
            "an `api` that it serves: openai, anthropic",
        ),
        ({"platform": {"vertex": {"project": "acme-1", "location": "eu"}}}, "needs an `api` that it serves"),
        ({"api": "openai", "platform": {}}, "give one of `bedrock` and `vertex`"),
        ({"api": "anthropic", "platform": EU}, "give `upstream_name`"),
        ({"api": "openai", "platform": {"bedrock": {"region": "Frankfurt"}}}, "platform.bedrock.region"),
        (
            {
                "api": "openai",
                "platform": EU,
                "endpoints": [FAR | {"credentials_file": "k"}],
            },
            "are signed: give `platform.bedrock.credentials_file`",
        ),
        (
            {"api": "openai", "platform": EU, "endpoints": [{"address": "a:1"}]},
            "needs `tls: true` at each endpoint",
        ),
    ],
)
def test_mistakes(model, told):
    """Each with what would be right."""
    settings = {"version": 1, "models": {"m": {"endpoints": [FAR]} | model}, "default_model": "m"}
    with pytest.raises(InvalidMeshError, match=re.escape(told)):
        parse(yaml.safe_dump(settings))


@pytest.mark.parametrize("target", ["istio-sidecar", "istio-gateway", "envoy-gateway"])
def test_where_nobody_would_sign(target):
    """It is not rendered, rather than refused by Bedrock."""
    platform = {"bedrock": {"region": "eu-central-1"}}
    settings = {
        "version": 1,
        "models": {"m": {"endpoints": [FAR], "api": "openai", "platform": platform}},
        "default_model": "m",
    }
    with pytest.raises(ConfigError, match="`m` is Bedrock's"):
        render(target, parse(yaml.safe_dump(settings)))
