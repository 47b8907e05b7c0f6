"""Where an exchange stands, and what may come next."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

from extproc.exchange.events import (
    RequestBody,
    RequestHeaders,
    RequestTrailers,
    ResponseBody,
    ResponseHeaders,
    ResponseTrailers,
)

if TYPE_CHECKING:
    from collections.abc import Mapping


class State(Enum):
    """Where an exchange stands."""

    __hash__ = object.__hash__  # as good as the name's, and not worked out anew for each message
    START = auto()
    REQUEST = auto()
    """The request's body is still to come, or coming."""
    UPSTREAM = auto()
    """The request has gone on; the answer has not begun."""
    RESPONSE = auto()
    END = auto()


NEXT: Mapping[State, Mapping[type, State]] = {
    State.START: {
        RequestHeaders: State.REQUEST,
        ResponseHeaders: State.RESPONSE,  # a filter before us answered: we never saw a request
    },
    State.REQUEST: {
        RequestBody: State.REQUEST,  # UPSTREAM, once it is whole
        RequestTrailers: State.UPSTREAM,
        ResponseHeaders: State.RESPONSE,  # an answer before the request's end, such as Envoy's own 413
    },
    State.UPSTREAM: {
        RequestBody: State.UPSTREAM,  # Envoy 1.35 to 1.37 may tell the end of a stream twice
        RequestTrailers: State.UPSTREAM,
        ResponseHeaders: State.RESPONSE,
    },
    State.RESPONSE: {
        RequestBody: State.RESPONSE,  # the rest of a request that was answered early
        RequestTrailers: State.RESPONSE,
        ResponseBody: State.RESPONSE,  # END, with the last one
        ResponseTrailers: State.END,
    },
    State.END: {
        RequestBody: State.END,
        RequestTrailers: State.END,
        ResponseBody: State.END,
        ResponseTrailers: State.END,
    },
}
"""State -> event that may come -> state after it."""
