"""Bytes <-> events: what Envoy says is understood, and what we say is what Envoy understands."""

import pytest
from envoy_data_plane.envoy.config.core import v3 as core
from envoy_data_plane.envoy.extensions.filters.http.ext_proc import v3 as filter_schema
from envoy_data_plane.envoy.service.ext_proc import v3 as schema

from extproc.decision import Respond
from extproc.errors import ProtocolError
from extproc.exchange import modes
from extproc.exchange.events import (
    BodyMode,
    Chunk,
    Mutate,
    Negotiated,
    Proceed,
    RequestBody,
    RequestHeaders,
    RequestTrailers,
    ResponseBody,
    ResponseHeaders,
    ResponseTrailers,
)
from extproc.wire import codec
from extproc.wire import messages as wire


def headers(*pairs):
    """Headers as Envoy sends them."""
    return schema.HttpHeaders(
        headers=core.HeaderMap(headers=[core.HeaderValue(key=k, raw_value=v) for k, v in pairs]), end_of_stream=True
    )


def parsed(reply):
    """What Envoy reads of our reply."""
    return schema.ProcessingResponse.parse(codec.encode(reply))


@pytest.mark.parametrize(
    ("message", "event"),
    [
        (
            schema.ProcessingRequest(request_headers=headers((":path", b"/v1/x"), ("a", b"1"), ("a", b"\xe9"))),
            RequestHeaders({":path": "/v1/x", "a": "1,é"}, end_of_stream=True),
        ),
        (
            schema.ProcessingRequest(request_body=schema.HttpBody(body=b"x", end_of_stream=True)),
            RequestBody(b"x", end_of_stream=True),
        ),
        (schema.ProcessingRequest(request_trailers=schema.HttpTrailers()), RequestTrailers()),
        (
            schema.ProcessingRequest(response_headers=headers((":status", b"200"))),
            ResponseHeaders({":status": "200"}, end_of_stream=True),
        ),
        (schema.ProcessingRequest(response_body=schema.HttpBody(body=b"")), ResponseBody(b"")),
        (schema.ProcessingRequest(response_trailers=schema.HttpTrailers()), ResponseTrailers()),
    ],
    ids=lambda value: type(value).__name__,
)
def test_messages_become_events(message, event):
    """Every kind of message is the event of its name."""
    assert event == codec.decode(bytes(message))


def test_modes_are_told_in_the_first_message():
    """`protocol_config` says how bodies will come."""
    message = schema.ProcessingRequest(
        request_headers=headers(),
        protocol_config=schema.ProtocolConfiguration(
            request_body_mode=filter_schema.ProcessingModeBodySendMode.FULL_DUPLEX_STREAMED,
            response_body_mode=filter_schema.ProcessingModeBodySendMode.STREAMED,
        ),
    )
    assert codec.decode(bytes(message)).negotiated == Negotiated(BodyMode.FULL_DUPLEX_STREAMED, BodyMode.STREAMED)


def test_observability_is_told():
    """In observability mode Envoy reads no reply."""
    assert codec.decode(bytes(schema.ProcessingRequest(request_headers=headers(), observability_mode=True))).observed


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff", b"\x12\xff", bytes(schema.ProcessingRequest(observability_mode=True)), b"\x12\x00\x5a\x02\x08\x09"],
    ids=["empty", "cut", "cut inside", "no part", "unknown mode"],
)
def test_what_is_no_message_is_refused(data):
    """Bytes that say nothing end in a ProtocolError, never in an event."""
    with pytest.raises(ProtocolError):
        codec.decode(data)


@pytest.mark.parametrize("kind", ["request_headers", "request_body", "response_headers", "response_body"])
def test_go_on(kind):
    """Nothing to change is an empty part of the right name, with the modes if any."""
    response = parsed(Proceed(kind, modes.PASS))
    assert getattr(response, kind) is not None
    override = response.mode_override
    assert override.request_body_mode == BodyMode.NONE
    assert override.response_header_mode == filter_schema.ProcessingModeHeaderSendMode.SKIP
    assert parsed(Proceed(kind)).mode_override is None


def test_mutation_has_all_that_envoy_needs():
    """Values in `raw_value` only, overwriting; the new length beside the new body; the route cache cleared."""
    reply = Mutate(
        "request_body",
        set_headers={"x-intentmesh-model": "phi"},
        remove_headers=("x-intentmesh-zone",),
        body="né".encode(),
        content_length=True,
        clear_route_cache=True,
        metadata={"model": "phi", "score": 0.5},
    )
    response = parsed(reply)
    common = response.request_body.response
    model, length = common.header_mutation.set_headers
    assert (model.header.key, model.header.raw_value, model.header.value) == ("x-intentmesh-model", b"phi", "")
    assert model.append_action == core.HeaderValueOptionHeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD
    assert (length.header.key, length.header.raw_value) == ("content-length", b"3")
    assert common.header_mutation.remove_headers == ["x-intentmesh-zone"]
    assert "né".encode() == common.body_mutation.body
    assert common.clear_route_cache
    assert response.dynamic_metadata.to_dict() == {"intentmesh": {"model": "phi", "score": 0.5}}


def test_what_is_known_of_a_reply_is_no_other_replys():
    """What was encoded before is used again for the same headers only, and never what is told of one request."""
    told = []
    for model, zone, key in (
        ("phi", "pod", "1"),
        ("phi", "pod", "2"),
        ("phi", "zone", "3"),
        ("code", "pod", "4"),
        ("phi", "", "5"),
    ):
        headers = {"x-intentmesh-model": model} | ({"x-intentmesh-residency": zone} if zone else {})
        response = parsed(Mutate("request_body", headers, clear_route_cache=key != "4", metadata={"awaited": key}))
        common = response.request_body.response
        told.append(
            (
                {h.header.key: h.header.raw_value.decode() for h in common.header_mutation.set_headers},
                common.clear_route_cache,
                response.dynamic_metadata.to_dict(),
            )
        )
        assert told[-1] == (headers, key != "4", {"intentmesh": {"awaited": key}})
    bare = parsed(Mutate("request_body", {"x-intentmesh-model": "phi"}, clear_route_cache=True))
    assert bare.dynamic_metadata is None


def test_a_body_that_stays_is_not_sent_back():
    """Envoy has the body: without a change it is not told again, nor is its length."""
    common = parsed(Mutate("request_body", set_headers={"a": "b"}, content_length=True)).request_body.response
    assert common.body_mutation is None
    assert [h.header.key for h in common.header_mutation.set_headers] == ["a"]


def test_empty_body_clears():
    """An empty body is said with `clear_body`: an empty `body` would mean that there is none."""
    assert parsed(Mutate("response_body", body=b"")).response_body.response.body_mutation.clear_body


def test_chunk():
    """FULL_DUPLEX_STREAMED has a message of its own for pieces of a body."""
    chunk = parsed(Chunk("request_body", b"ab", end_of_stream=True)).request_body.response.body_mutation
    assert (chunk.streamed_response.body, chunk.streamed_response.end_of_stream) == (b"ab", True)


def test_rejection_is_json():
    """Envoy would call it text/plain unless told."""
    answer = parsed(Respond(400, {"content-type": "application/json"}, b"{}", "intentmesh_blocked")).immediate_response
    assert (answer.status.code, answer.body, answer.details) == (400, b"{}", "intentmesh_blocked")
    (header,) = answer.headers.set_headers
    assert (header.header.key, header.header.raw_value) == ("content-type", b"application/json")


def test_verified_claims_are_read():
    """What jwt_authn has verified arrives as plain data, nested as it was."""
    message = wire.ProcessingRequest()
    message.request_headers.end_of_stream = True
    fields = message.metadata_context.filter_metadata["envoy.filters.http.jwt_authn"].fields
    fields["payload"].struct_value.fields["realm"].struct_value.fields["project"].string_value = "red"
    event = codec.decode(message.SerializeToString())
    assert event.metadata == {"payload": {"realm": {"project": "red"}}}


def test_other_metadata_proves_nothing():
    """Only what jwt_authn keeps in its own namespace is a claim, whatever else an Envoy passes on."""
    message = wire.ProcessingRequest()
    message.request_headers.end_of_stream = True
    message.metadata_context.filter_metadata["envoy.lb"].fields["payload"].struct_value.fields["sub"].string_value = "x"
    assert codec.decode(message.SerializeToString()).metadata is None


def test_the_certificate_is_read():
    """The URI that Envoy has verified on its own connection, where it is told to say it."""
    message = wire.ProcessingRequest()
    message.request_headers.end_of_stream = True
    fields = message.attributes["envoy.filters.http.ext_proc"].fields
    fields["connection.uri_san_peer_certificate"].string_value = "spiffe://mesh/ns/red"
    assert codec.decode(message.SerializeToString()).certificate == "spiffe://mesh/ns/red"
