"""`HttpStream`: lists of events in, replies out. The pipeline here is a small real one that marks what it was given."""

import itertools
import re
from dataclasses import replace
from functools import cache

import pytest

from extproc.config import parse
from extproc.config.intercept import Intercept
from extproc.decision import Facts, Inquiry, Inspection, Refuse, Verdict
from extproc.errors import (
    BlockedEntityError,
    BodyTooLargeError,
    DeniedError,
    ModeError,
    ProtocolError,
    UnreadableAnswerError,
)
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
from extproc.exchange.record import Usage
from extproc.exchange.settings import ExchangeSettings
from extproc.exchange.stream import End, HttpStream
from extproc.payload import response_editor
from extproc.pii import Vault
from extproc.pipeline import Pipeline
from extproc.routing import Router

MESH = """
version: 1
intents: {billing: {exact: [pay]}}
models: {phi: {endpoints: [{address: "127.0.0.1:1"}]}, small: {endpoints: [{address: "127.0.0.1:2"}]}}
routes: [{intent: billing, model: small}]
default_model: phi
limits: {max_body_bytes: 1000}
"""
POST = {":method": "POST", ":path": "/v1/chat/completions?x=1", "content-type": "application/json"}
ANSWER = ResponseHeaders({":status": "200", "content-type": "text/plain"})
BUFFERED = Negotiated(BodyMode.BUFFERED, BodyMode.NONE)
STREAMED = Negotiated(BodyMode.STREAMED, BodyMode.STREAMED)
DUPLEX = Negotiated(BodyMode.FULL_DUPLEX_STREAMED, BodyMode.FULL_DUPLEX_STREAMED)


parsed = cache(parse)


def stream(text=MESH, *, masks=True, observer=None):
    """A stream on a pipeline without classifier. The vault is put into the inspection by the test."""
    mesh = parsed(text)
    pipeline = Pipeline(mesh, object() if masks else None, None, Router(mesh))
    return HttpStream(ExchangeSettings.of(mesh), pipeline, observer)


class Restored:
    """Puts the one value back."""

    name = "restore"
    masked = True

    def editor(self, content_type, content_encoding):
        """See AnswerEdit."""
        vault = Vault()
        vault.placeholder("X", "x")
        return response_editor(Intercept(path_prefix="/"), content_type, content_encoding, vault.restorer)


def found(exchange, body=b"masked", *, masked=True):
    """An inspection that changed the body, or did not."""
    forward = exchange.pipeline.forward_unread(Facts(), "default")
    inspection = Inspection(Facts(entities={"X": 1}), entities={("X", "replace"): 1}, placeholders=int(masked))
    if not masked:
        return replace(forward, inspection=inspection)
    return replace(forward, body=body, answer=(Restored(),), inspection=inspection)


def start(exchange, negotiated=BUFFERED, **headers):
    """Begin an intercepted request."""
    return exchange.receive(RequestHeaders(POST | headers, negotiated=negotiated))


def test_an_intercepted_request_in_two_messages():
    """Headers go on as they are; the body is asked about, masked, and decides the route."""
    exchange = stream()
    assert start(exchange) == (Proceed("request_headers"),)
    inquiry = exchange.receive(RequestBody(b"text", end_of_stream=True))
    assert isinstance(inquiry, Inquiry)
    assert (inquiry.body, inquiry.path, inquiry.rule) == (b"text", "/v1/chat/completions", exchange.rule)
    (reply,) = exchange.inspected(found(exchange))
    assert (reply.body, reply.content_length, reply.clear_route_cache) == (b"masked", True, True)
    assert reply.set_headers == {"x-intentmesh-model": "phi"}
    assert not exchange.finished


def test_nothing_masked_is_the_end():
    """Where there is nothing to restore the stream is finished: the answer costs nothing."""
    exchange = stream()
    start(exchange)
    exchange.receive(RequestBody(b"text", end_of_stream=True))
    (reply,) = exchange.inspected(found(exchange, masked=False))
    assert reply.body is None
    assert exchange.finished
    assert exchange.end(End.CLOSED).outcome == "forwarded"


def test_usage_keeps_the_stream_open():
    """Where telemetry reads usage from answers, the answer is sent to us, and passes as it came."""

    class Reader:
        def feed(self, chunk):
            """See AnswerReader."""

        def close(self):
            """See AnswerReader."""
            return Usage(output_tokens=3)

    class Observer:
        reads_answers = True
        refuses = False

        def begin(self, headers, caller):
            """See Observer."""

        def bill(self, model, usage):
            """See Observer."""
            return {"total_tokens": 3}

        def reader(self, content_type, content_encoding):
            """See Observer."""
            return Reader()

    exchange = stream(observer=Observer())
    start(exchange)
    exchange.receive(RequestBody(b"text", end_of_stream=True))
    exchange.inspected(found(exchange, masked=False))
    assert exchange.receive(ANSWER) == (Proceed("response_headers", modes.edit(BodyMode.BUFFERED)),)
    bill = Mutate("response_body", metadata={"total_tokens": 3})
    assert exchange.receive(ResponseBody(b"hi", end_of_stream=True)) == (bill,)
    assert exchange.finished
    record = exchange.end(End.CLOSED)
    assert (record.usage, record.status, record.response_bytes) == (Usage(output_tokens=3), 200, 2)


@pytest.mark.parametrize(
    "headers",
    [{":method": "GET"}, {":path": "/tickets"}, {":path": "/v1"}, {":method": "OPTIONS"}],
    ids=str,
)
def test_what_is_not_ours_is_let_go_at_once(headers):
    """A request that no rule matches: one reply, and Envoy sends nothing more."""
    exchange = stream()
    assert start(exchange, **headers) == (Proceed("request_headers", modes.PASS),)
    assert exchange.finished
    assert exchange.end(End.CLOSED).rule == ""


@pytest.mark.parametrize("path", ["/v1/chat", "/%761/chat", "/v%31/chat?x=%2F", "/v1/", "//v1//x", "/a/%2e%2e/v1/."])
def test_a_path_is_read_as_the_upstream_reads_it(path):
    """Percent-encoding does not slip past a rule."""
    exchange = stream()
    start(exchange, **{":path": path})
    assert exchange.rule is not None


@pytest.mark.parametrize("rest", [{":path": "/other"}, {":path": "/v1/x"}], ids=["passed", "intercepted"])
def test_a_client_cannot_choose(rest):
    """Headers of ours that the client sent are removed or overwritten, and the route is picked anew."""
    exchange = stream()
    spoofed = {"x-intentmesh-model": "small", "x-intentmesh-what": "1", "x_intentmesh-model": "small"}
    replies = start(exchange, **spoofed, **rest)
    if exchange.rule:
        exchange.receive(RequestBody(b"t", end_of_stream=True))
        (reply,) = exchange.inspected(found(exchange))
        assert reply.set_headers["x-intentmesh-model"] == "phi"
        assert reply.remove_headers == ("x-intentmesh-what", "x_intentmesh-model")
    else:
        (reply,) = replies
        assert set(reply.remove_headers) == set(spoofed)
    assert reply.clear_route_cache


def test_no_body():
    """An intercepted request without a body is routed by its headers alone, there and then."""
    exchange = stream()
    inquiry = exchange.receive(RequestHeaders(POST, end_of_stream=True, negotiated=BUFFERED))
    assert (inquiry.body, inquiry.target) == (b"", POST[":path"])
    (reply,) = exchange.inspected(replace(found(exchange, masked=False), target="/v1/x?x=[X_1]"))
    assert (reply.phase, reply.modes, reply.body) == ("request_headers", modes.PASS, None)
    assert reply.set_headers == {"x-intentmesh-model": "phi", ":path": "/v1/x?x=[X_1]"}
    assert exchange.finished


@pytest.mark.parametrize("mode", [m for m in BodyMode if m.name in {"NONE", "BUFFERED_PARTIAL", "GRPC", "STREAMED"}])
def test_modes_that_cannot_be_safe_are_refused(mode):
    """A mode in which a body cannot be both masked and routed is an error at the first message."""
    with pytest.raises(ModeError, match=mode.name):
        start(stream(), Negotiated(mode, BodyMode.NONE))
    assert stream().receive(RequestHeaders({":path": "/other"}, negotiated=Negotiated(mode, BodyMode.NONE)))


def test_streamed_masks_where_nothing_is_routed():
    """Without intents STREAMED will do: pieces are held back, and the last one carries the whole body."""
    exchange = stream(MESH.replace("intents: {billing: {exact: [pay]}}", "").replace("intent: billing, ", ""))
    (headers,) = start(exchange, STREAMED)
    assert headers.set_headers["x-intentmesh-model"]
    assert exchange.receive(RequestBody(b"te")) == (Mutate("request_body", body=b""),)
    inquiry = exchange.receive(RequestBody(b"xt", end_of_stream=True))
    assert inquiry.body == b"text"
    (reply,) = exchange.inspected(found(exchange))
    assert (reply.phase, reply.body) == ("request_body", b"masked")


def test_full_duplex_waits_with_the_headers():
    """In FULL_DUPLEX_STREAMED nothing is said until the body is whole; then headers, pieces and trailers in order."""
    exchange = stream()
    assert start(exchange, DUPLEX) == ()
    assert exchange.receive(RequestBody(b"te")) == ()
    inquiry = exchange.receive(RequestTrailers())
    assert inquiry.body == b"te"
    headers, first, second, trailers = exchange.inspected(found(exchange, b"m" * 70000))
    assert (headers.phase, headers.clear_route_cache, headers.body) == ("request_headers", True, None)
    assert first.body + second.body == b"m" * 70000
    assert (first.end_of_stream, second.end_of_stream) == (False, False)
    assert trailers == Proceed("request_trailers")


def test_an_end_told_twice_is_no_second_end():
    """Envoy 1.35 to 1.37 may tell the end of a full-duplex stream twice: the second is not answered."""
    exchange = stream()
    start(exchange, DUPLEX)
    exchange.receive(RequestBody(b"text", end_of_stream=True))
    exchange.inspected(found(exchange))
    assert exchange.receive(RequestBody(b"", end_of_stream=True)) == ()


def test_full_duplex_hands_back_what_is_not_ours():
    """Pieces of a request that is none of our business go back one by one."""
    exchange = stream()
    exchange.receive(RequestHeaders({":path": "/up"}, negotiated=DUPLEX))
    assert not exchange.finished
    assert exchange.receive(RequestBody(b"ab")) == (Chunk("request_body", b"ab", end_of_stream=False),)
    assert exchange.receive(RequestBody(b"", end_of_stream=True)) == (Chunk("request_body", b"", end_of_stream=True),)
    assert exchange.receive(RequestBody(b"", end_of_stream=True)) == ()


def test_too_large():
    """A body above the limit is refused, whole or in pieces."""
    exchange = stream()
    start(exchange)
    with pytest.raises(BodyTooLargeError):
        exchange.receive(RequestBody(b"x" * 1001, end_of_stream=True))


def test_a_refusal_ends_the_exchange():
    """An error that carries an answer becomes it; nothing else follows."""
    exchange = stream()
    start(exchange)
    exchange.receive(RequestBody(b"t", end_of_stream=True))
    error = BlockedEntityError("US_SSN")
    (reply,) = exchange.refused(error)
    assert exchange.end(End.CLOSED).outcome == "rejected"
    assert (reply.status, exchange.finished) == (400, True)
    record = exchange.end(End.CLOSED)
    assert (record.outcome, record.status, record.error) == ("rejected", 400, "BlockedEntityError")


def test_an_answer_that_cannot_be_restored_is_on_record():
    """With what the request was: a fault of the upstream's does not make forget what was found in it."""
    exchange = stream()
    start(exchange)
    exchange.receive(RequestBody(b"t", end_of_stream=True))
    exchange.inspected(found(exchange))
    exchange.receive(ANSWER)
    (reply,) = exchange.refused(UnreadableAnswerError("no gzip"))
    record = exchange.end(End.CLOSED)
    assert (reply.status, record.outcome, record.error) == (502, "rejected", "UnreadableAnswerError")
    assert (record.model, record.entities) == ("phi", {("X", "replace"): 1})


def test_who_tells_of_the_end():
    """Envoy, where it offered to, of an exchange that we closed; of any other all is known."""
    for how, waits in ((End.CLOSED, "0:a-1"), (End.LEFT, ""), (End.ABORTED, "")):
        mesh = parsed(MESH)
        exchange = HttpStream(ExchangeSettings.of(mesh), Pipeline(mesh, object(), None, Router(mesh)), None, "0:a-1")
        start(exchange)
        exchange.receive(RequestBody(b"t", end_of_stream=True))
        exchange.inspected(found(exchange, masked=False))
        assert exchange.end(how).outcome == ("failed" if how is End.ABORTED else "forwarded")
        assert exchange.log_key == waits


def test_shadow_changes_nothing():
    """In shadow mode decisions are made and told, errors too, and every reply says to go on."""
    exchange = stream(MESH + "shadow: true")
    assert start(exchange, **{"x-intentmesh-model": "small"}) == (Proceed("request_headers"),)
    exchange.receive(RequestBody(b"t", end_of_stream=True))
    assert exchange.inspected(found(exchange)) == (Proceed("request_body"),)
    assert exchange.end(End.CLOSED).model == "phi"
    exchange = stream(MESH + "shadow: true")
    start(exchange)
    exchange.receive(RequestBody(b"t", end_of_stream=True))
    error = BlockedEntityError("US_SSN")
    assert exchange.refused(error) == (Proceed("request_body"),)
    assert (exchange.end(End.CLOSED).outcome, exchange.end(End.CLOSED).error) == ("forwarded", "BlockedEntityError")


def test_watching_takes_pieces():
    """In observability mode a body comes in pieces whatever the configured mode says."""
    exchange = stream()
    exchange.receive(RequestHeaders(POST, negotiated=BUFFERED, observed=True))
    assert exchange.observed
    exchange.receive(RequestBody(b"te"))
    assert exchange.receive(RequestBody(b"xt", end_of_stream=True)).body == b"text"


def test_what_is_only_watched_stands_in_the_ledger():
    """Envoy reads no reply: what was refused goes on all the same."""
    exchange = stream()
    exchange.receive(RequestHeaders(POST, negotiated=BUFFERED, observed=True))
    exchange.receive(RequestBody(b"text", end_of_stream=True))
    verdict = Verdict("policy", "block", "cards")
    exchange.inspected(Refuse(DeniedError("policy", "cards"), Inspection(Facts(verdicts=(verdict,)))))
    told = exchange.end(End.CLOSED).unenforced
    assert told == (("policy", "cards", "shadow"), ("refusal", "DeniedError", "shadow"))


def test_an_answer_before_the_request_is_whole():
    """An early answer neither ends the stream nor changes its modes: the rest of the body would pass unmasked."""
    exchange = stream()
    start(exchange)
    assert exchange.receive(ANSWER) == (Proceed("response_headers"),)
    assert not exchange.finished
    assert exchange.end(End.LEFT).outcome == "cancelled"


def test_an_answer_to_nothing():
    """A filter before us may answer by itself: we see an answer without a request."""
    assert stream().receive(ANSWER) == (Proceed("response_headers", modes.PASS),)


def test_a_buffered_body_is_whole_even_when_trailers_follow():
    """With trailers, Envoy sends a buffered body without the end of the stream."""
    exchange = stream()
    start(exchange)
    assert isinstance(exchange.receive(RequestBody(b"t")), Inquiry)
    exchange.inspected(found(exchange))
    assert exchange.receive(RequestTrailers()) == (Proceed("request_trailers"),)


EVENTS = {
    "H": RequestHeaders(POST, negotiated=BUFFERED),
    "B": RequestBody(b"t", end_of_stream=True),
    "T": RequestTrailers(),
    "h": ANSWER,
    "b": ResponseBody(b"a"),
    "t": ResponseTrailers(),
}
LEGAL = re.compile("H[BT]*(h[BTbt]*)?|h[BTbt]*")
"""A request begins with its headers; its body and trailers may come until the very end, for an answer may come before them. An
answer begins with its headers too, and may be all that we see. Nothing begins twice."""


@pytest.mark.parametrize("first", EVENTS)
def test_only_legal_moves(first):
    """Each order of four events is taken as far as it is legal, and the first event that is not is a ProtocolError."""
    for rest in itertools.product(EVENTS, repeat=3):
        order = f"{first}{''.join(rest)}"
        exchange = stream()
        for at, event in enumerate(order, 1):
            try:
                step = exchange.receive(EVENTS[event])
            except ProtocolError:
                assert not LEGAL.fullmatch(order[:at]), order
                break
            assert LEGAL.fullmatch(order[:at]), order
            if isinstance(step, Inquiry):
                exchange.inspected(found(exchange, masked=False))
