"""What translating costs: an event of a stream, a whole answer, a request, for each pair of APIs, in microseconds.

python -m tests.bench.bench_translate
"""

from __future__ import annotations

import json
import time

from extproc.payload import translate
from tests.bench.machine import birth_certificate
from tests.unit.payload.translate import upstreams
from tests.unit.payload.translate.oracles import PAIRS
from tests.unit.payload.translate.test_table import body_of

EVENTS = 400
ROUNDS = 15


def best(work, count):
    """Microseconds a piece, of the fastest round."""
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times) / count * 1e6


def long_stream(upstream):
    """A stream of so many events that say something."""
    events = upstreams.ANSWERS[upstream]("chat", stream=True).split(b"\n\n")
    at = next(i for i, event in enumerate(events) if b"lo " in event)
    return [event + b"\n\n" for event in (*events[:at], *[events[at]] * EVENTS, *events[at + 1 :]) if event]


def measured(caller, upstream):
    """The figures of a pair."""
    body = json.dumps(body_of(caller, {"stream": True})).encode()
    made = translate.request(translate.Spoken(caller), upstream, body, model="m", drop=True)
    unstreamed = json.dumps(body_of(caller, {})).encode()
    whole_asked = translate.request(translate.Spoken(caller), upstream, unstreamed, model="m", drop=True)
    stream, whole = long_stream(upstream), upstreams.ANSWERS[upstream]("chat", stream=False)

    def answer_whole():
        editor = whole_asked.answer.editor(status=200, media="application/json", content_encoding="")
        editor.feed(whole, end=True)

    def stream_through():
        one = made.answer.editor(status=200, media="text/event-stream", content_encoding="")
        for event in stream:
            one.feed(event)
        one.feed(b"", end=True)

    def ask():
        translate.request(translate.Spoken(caller), upstream, body, model="m", drop=True)

    return {
        "caller": caller,
        "upstream": upstream,
        "event_us": round(best(stream_through, len(stream)), 1),
        "whole_answer_us": round(best(answer_whole, 1), 1),
        "request_us": round(best(ask, 1), 1),
    }


def main():
    """A line of JSON a pair."""
    for caller, upstream in PAIRS:
        print(json.dumps(measured(caller, upstream) | birth_certificate()))


if __name__ == "__main__":
    main()
