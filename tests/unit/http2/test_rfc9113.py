"""What RFC 9113 asks of a server, section by section, of what an HTTP/2 client may get wrong: and floods of what it may do."""

import asyncio

import pytest
from hpack import Encoder

from extproc.http2 import frames
from extproc.http2.call import Call
from extproc.http2.connection import MOST_CALLS, Connection
from extproc.http2.frames import Code, frame, number, settings
from extproc.http2.headers import fault_of
from extproc.http2.incoming import PREFIX
from extproc.http2.patience import EARNED, MOST, PER_SECOND, Patience
from tests.fuzz.talk import GREETING, Transport
from tests.unit.http2.test_connection import END, MESSAGE, OPEN, SERVICE, START, replies_in, spoken

DATA, HEADERS, RST, PRIORITY, SETTINGS, PING, GOAWAY, WINDOW, GO_ON = (
    *(frames.DATA, frames.HEADERS, frames.RST_STREAM, frames.PRIORITY, frames.SETTINGS, frames.PING, frames.GOAWAY),
    *(frames.WINDOW_UPDATE, frames.CONTINUATION),
)
DONE = frame(DATA, END, 1, MESSAGE)


def begin(stream, *headers, flags=frames.END_HEADERS):
    """HEADERS with these names and values."""
    return frame(HEADERS, flags, stream, Encoder().encode(headers or START))


def gone(heard):
    """Why the connection was ended."""
    return next((Code(int.from_bytes(payload[4:8], "big")) for kind, _, _, payload in heard if kind == GOAWAY), None)


def resets(heard):
    """Streams that were reset, and why."""
    return [(stream, Code(int.from_bytes(payload, "big"))) for kind, _, stream, payload in heard if kind == RST]


CONNECTION_ERRORS = {
    "4.2 a frame of headers beyond the usual size": ([frame(HEADERS, 4, 1, bytes(16_385))], Code.FRAME_SIZE_ERROR),
    "5.1 closed: data after the end": ([OPEN, DONE, DONE], Code.STREAM_CLOSED),
    "5.1 closed: headers after the end": ([OPEN, DONE, begin(1)], Code.STREAM_CLOSED),
    "5.1 closed: data after a reset": (
        [OPEN, frame(RST, 0, 1, number(8)), frame(DATA, 0, 1, b"x")],
        Code.STREAM_CLOSED,
    ),
    "5.1 closed: headers after a reset": ([OPEN, frame(RST, 0, 1, number(8)), begin(1)], Code.STREAM_CLOSED),
    "5.1.1 a smaller stream than before": ([begin(5), begin(3)], Code.PROTOCOL_ERROR),
    "5.3.1 headers that depend on themselves": (
        [frame(HEADERS, 0x24, 1, number(1) + b"\x10" + Encoder().encode(START))],
        Code.PROTOCOL_ERROR,
    ),
    "6.3 a priority of no stream": ([frame(PRIORITY, 0, 0, bytes(5))], Code.PROTOCOL_ERROR),
    "6.5.2 pushing neither on nor off": ([settings({frames.ENABLE_PUSH: 2})], Code.PROTOCOL_ERROR),
    "6.5 an acknowledgement that says something": ([frame(SETTINGS, 1, 0, bytes(6))], Code.FRAME_SIZE_ERROR),
    "6.7 a ping of a stream": ([frame(PING, 0, 1, bytes(8))], Code.PROTOCOL_ERROR),
    "6.8 a goodbye of a stream": ([frame(GOAWAY, 0, 1, bytes(8))], Code.PROTOCOL_ERROR),
    "6.8 a goodbye of no size": ([frame(GOAWAY, 0, 0, bytes(7))], Code.FRAME_SIZE_ERROR),
    "6.9.1 a window beyond all": (
        [frame(WINDOW, 0, 0, number(2**31 - 1)), frame(WINDOW, 0, 0, number(1))],
        Code.FLOW_CONTROL_ERROR,
    ),
    "6.9.2 a stream's window beyond all": (
        [OPEN, frame(WINDOW, 0, 1, number(2**31 - 1 - 65_535)), settings({frames.INITIAL_WINDOW_SIZE: 65_536})],
        Code.FLOW_CONTROL_ERROR,
    ),
    "6.10 data amid headers": ([frame(HEADERS, 0, 1, b""), frame(DATA, 0, 1, b"x")], Code.PROTOCOL_ERROR),
}


@pytest.mark.parametrize("case", CONNECTION_ERRORS)
def test_connection_errors(tmp_path, case):
    """They end the connection, with a GOAWAY that says which it was."""
    pieces, code = CONNECTION_ERRORS[case]
    assert gone(spoken(tmp_path, GREETING, *pieces)) == code


STREAM_ERRORS = {
    "5.1 half-closed: data after the end": (
        [begin(1, *START[:2], (":path", f"/{SERVICE}/hang")), DONE, DONE],
        Code.STREAM_CLOSED,
    ),
    "5.1 half-closed: trailers after the end": (
        [begin(1, *START[:2], (":path", f"/{SERVICE}/hang")), DONE, begin(1, ("x", "y"), flags=5)],
        Code.STREAM_CLOSED,
    ),
    "5.3.1 a priority of itself": ([OPEN, frame(PRIORITY, 0, 1, number(1) + b"\x10")], Code.PROTOCOL_ERROR),
    "6.3 a priority of no size": ([OPEN, frame(PRIORITY, 0, 1, b"1234")], Code.FRAME_SIZE_ERROR),
    "8.1 trailers that do not end": ([OPEN, begin(1, ("x", "y"))], Code.PROTOCOL_ERROR),
    "8.1 trailers with pseudo-headers": ([OPEN, begin(1, (":path", "/"), flags=5)], Code.PROTOCOL_ERROR),
    "8.1.1 less data than announced": ([begin(1, *START, ("content-length", "99")), DONE], Code.PROTOCOL_ERROR),
    "8.1.1 more data than announced": ([begin(1, *START, ("content-length", "3")), DONE], Code.PROTOCOL_ERROR),
    "8.1.1 none, and some announced": ([begin(1, *START, ("content-length", "3"), flags=5)], Code.PROTOCOL_ERROR),
    "8.1.1 a length that is no number": ([begin(1, *START, ("content-length", "-1")), DONE], Code.PROTOCOL_ERROR),
}
MALFORMED = {
    "8.2.1 upper case": [*START, ("X-Key", "x")],
    "8.2.1 a space in a name": [*START, ("x key", "x")],
    "8.2.1 no name": [*START, ("", "x")],
    "8.2.1 a colon in a name": [*START, ("x:y", "x")],
    "8.2.1 a line in a value": [*START, ("x", "a\nb")],
    "8.2.1 a zero in a value": [*START, ("x", "a\0b")],
    "8.2.1 space around a value": [*START, ("x", " a")],
    "8.2.2 a connection": [*START, ("connection", "keep-alive")],
    "8.2.2 an upgrade": [*START, ("upgrade", "h2c")],
    "8.2.2 an encoding for transfer": [*START, ("transfer-encoding", "chunked")],
    "8.2.2 te": [*START[:4], ("te", "trailers, deflate")],
    "8.3 one that nobody knows": [*START[:3], (":test", "x")],
    "8.3 one of responses": [*START[:3], (":status", "200")],
    "8.3 after a regular one": [START[0], START[1], START[3], START[2]],
    "8.3.1 twice": [*START[:3], START[2]],
    "8.3.1 an empty path": [*START[:2], (":path", "")],
    "8.3.1 no method": START[1:],
    "8.3.1 no scheme": [START[0], *START[2:]],
    "8.3.1 no path": [*START[:2], *START[3:]],
}
STREAM_ERRORS |= {case: ([begin(1, *headers)], Code.PROTOCOL_ERROR) for case, headers in MALFORMED.items()}


@pytest.mark.parametrize("case", STREAM_ERRORS)
def test_stream_errors(tmp_path, case):
    """They end the call alone: another one is answered."""
    pieces, code = STREAM_ERRORS[case]
    heard = spoken(tmp_path, GREETING, *pieces, begin(3), frame(DATA, END, 3, MESSAGE))
    assert (1, code) in resets(heard)
    assert gone(heard) is None
    assert replies_in(heard).endswith(MESSAGE)


def test_headers_of_requests():
    """What an Envoy and gRPC's clients send is in order, and so is what RFC 9113 allows beside it."""
    assert not fault_of([*START[:3], (":authority", "x"), ("x-a", "é"), ("x-b", ""), ("te", "trailers")])
    assert not fault_of([(":authority", ""), *START])
    assert not fault_of([*START, ("content-length", "3")])


def test_frames_of_no_kind_are_passed_over(tmp_path):
    """4.1 and 5.5: extensions are ignored, flags that mean nothing too."""
    said = [
        GREETING,
        frame(0xEE, 0xFF, 0, b"what"),
        frame(PING, 0xFE, 0, b"12345678"),
        OPEN,
        frame(0xEE, 0, 1, b""),
        DONE,
    ]
    assert replies_in(spoken(tmp_path, *said)) == MESSAGE


def test_settings_are_acknowledged_before_what_they_allow(tmp_path):
    """6.5.3 and 6.9.2: a window that was shut for all calls opens for those that wait."""
    heard = spoken(
        tmp_path,
        GREETING,
        settings({frames.INITIAL_WINDOW_SIZE: 0}),
        OPEN,
        DONE,
        settings({frames.INITIAL_WINDOW_SIZE: 1}),
    )
    kinds = [(kind, flags) for kind, flags, _, _ in heard if kind in (SETTINGS, DATA)]
    assert kinds == [(SETTINGS, 0), (SETTINGS, 1), (SETTINGS, 1), (SETTINGS, 1), (DATA, 0)]
    assert replies_in(heard) == MESSAGE[:1]


def test_a_window_may_be_less_than_nothing(tmp_path):
    """6.9.2: what was sent counts when the window gets smaller."""
    small, smaller = settings({frames.INITIAL_WINDOW_SIZE: 3}), settings({frames.INITIAL_WINDOW_SIZE: 2})
    said = [GREETING, small, OPEN, DONE, smaller, frame(WINDOW, 0, 1, number(2))]
    assert replies_in(spoken(tmp_path, *said)) == MESSAGE[:4]


def test_no_more_calls_than_are_allowed(tmp_path):
    """5.1.2: those beyond are refused, which tells a client that it may ask again; and the others go on."""
    hang = [(":method", "POST"), (":scheme", "http"), (":path", f"/{SERVICE}/hang")]
    many = b"".join(begin(2 * i + 1, *hang) for i in range(MOST_CALLS))
    last = 2 * MOST_CALLS + 1
    ends = frame(RST, 0, 1, number(8)) + begin(last + 2) + frame(DATA, END, last + 2, MESSAGE)
    heard = spoken(tmp_path, GREETING, many + begin(last, *hang), ends)
    assert (last, Code.REFUSED_STREAM) in resets(heard)
    assert (SETTINGS, 3, MOST_CALLS) in [
        (kind, int.from_bytes(payload[:2], "big"), int.from_bytes(payload[2:6], "big")) for kind, _, _, payload in heard
    ]
    assert replies_in(heard) == MESSAGE


TIMES = MOST + 200
FLOODS = {
    "CVE-2023-44487, rapid resets": b"".join(begin(i) + frame(RST, 0, i, number(8)) for i in range(1, 2 * TIMES, 2)),
    "CVE-2019-9512, pings": frame(PING, 0, 0, bytes(8)) * TIMES,
    "CVE-2019-9515, settings": frame(SETTINGS, 0, 0) * TIMES,
    "CVE-2019-9513, priorities": OPEN + frame(PRIORITY, 0, 1, number(0) + b"\x10") * TIMES,
    "CVE-2019-9518, empty data": OPEN + frame(DATA, 0, 1) * TIMES,
    "windows by one": OPEN + frame(WINDOW, 0, 1, number(1)) * TIMES,
    "CVE-2024-27316, headers without end": begin(1, flags=0) + frame(GO_ON, 0, 1) * TIMES,
    "frames of no kind": frame(0xEE, 0, 0) * TIMES,
    "calls that are wrong": b"".join(begin(i, ("x", "y")) for i in range(1, 2 * TIMES, 2)),
    "goodbyes": frame(GOAWAY, 0, 0, bytes(8)) * TIMES,
}


@pytest.mark.parametrize("case", FLOODS)
def test_floods_are_cut_off(tmp_path, case):
    """What is allowed once and costs more than it brings ends the connection when nothing else comes (10.5)."""
    assert gone(spoken(tmp_path, GREETING, FLOODS[case])) == Code.ENHANCE_YOUR_CALM


def test_patience_comes_back():
    """With time, and with what is of use: a client at work is never cut off for what belongs to it."""
    now = 0.0
    patience = Patience(lambda: now)
    for _ in range(3 * MOST):
        patience.spend(EARNED)
        patience.earn()
    patience.spend(MOST)
    now = 1.0
    patience.spend(int(PER_SECOND))


def test_small_pieces_take_little_memory():
    """A message in frames of a byte is kept in a few pieces."""

    async def run():
        connection = Connection(asyncio.get_running_loop(), lambda *_: None, lambda _: None, 1 << 20)
        connection.connection_made(Transport())
        call = Call(connection, 1, (), 65_535, 1 << 20)
        call.feed(PREFIX.pack(0, 10_000))
        for _ in range(9_999):
            call.feed(b"x")
        assert len(call.incoming.pieces) < 10
        assert connection.held == call.incoming.held == 9_999 + PREFIX.size
        call.feed(b"x")
        assert await call.read() == b"x" * 10_000
        assert connection.held == 0

    asyncio.run(run())
