"""Whatever Envoy says in whatever order, the exchange never forwards, closes or answers what it must not."""

import os

from hypothesis import given, settings
from hypothesis import strategies as st

from extproc.decision import Inquiry, Respond
from extproc.errors import IntentmeshError, ProtocolError
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
from extproc.exchange.stream import End
from tests.unit.exchange.test_stream import POST, found, stream

SECRET = b"secret"
events = st.one_of(
    st.builds(
        RequestHeaders,
        st.sampled_from([POST, {":method": "GET", ":path": "/"}]),
        st.booleans(),
        st.builds(Negotiated, st.sampled_from(BodyMode), st.sampled_from(BodyMode)),
    ),
    st.builds(RequestBody, st.just(SECRET), st.booleans()),
    st.just(RequestTrailers()),
    st.builds(ResponseHeaders, st.just({":status": "200", "content-type": "text/plain"}), st.booleans()),
    st.builds(ResponseBody, st.just(b"hi [X_1]"), st.booleans()),
    st.just(ResponseTrailers()),
)


@settings(max_examples=int(os.environ.get("INTENTMESH_FUZZ_EXAMPLES", "50")), deadline=None)
@given(st.lists(events, max_size=8), st.booleans())
def test_no_order_of_events_lets_a_secret_pass(order, masked):
    """An intercepted body is never let go before it is inspected, and the stream never ends cleanly while it is held."""
    exchange = stream()
    inspected = False
    for event in order:
        try:
            step = exchange.receive(event)
        except ProtocolError:
            return
        except IntentmeshError as error:
            step = exchange.refused(error)
            assert [type(reply) for reply in step] == [Respond]
            return
        if isinstance(step, Inquiry):
            inspected = True
            step = exchange.inspected(found(exchange, masked=masked))
        for reply in step:
            assert isinstance(reply, Proceed | Mutate | Chunk)
            if exchange.rule is None or inspected or reply.phase != "request_body":
                continue
            assert isinstance(reply, Mutate), "an intercepted body went on unread"
            assert not reply.body
        if exchange.finished:
            assert not exchange._request_open
            return
    exchange.end(End.CLOSED)
