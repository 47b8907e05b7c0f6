"""Telemetry that fails costs no request anything, and what is logged of a failure quotes nothing."""

from __future__ import annotations

import json
import logging
import sys
import threading

import pytest

from extproc import logs
from extproc.errors import BlockedEntityError
from extproc.exchange.events import request_id_of
from extproc.exchange.record import ExchangeRecord, Usage
from extproc.exchange.refusal import refuse
from extproc.identity import ANONYMOUS
from extproc.telemetry.instruments import TELEMETRY_DROPPED
from extproc.telemetry.isolation import Isolated
from extproc.telemetry.meter import Meter

SECRET = "ada@example.org"


@pytest.fixture
def lines(capsys):
    """What is logged, line by line; logging is put back as it was."""
    kept = logging.root.handlers[:], logging.root.level, threading.excepthook, sys.unraisablehook
    threshold = logs._Threshold.level
    logs.configure("debug")
    yield lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    logging.root.handlers[:], level, threading.excepthook, sys.unraisablehook = kept
    logging.root.setLevel(level)
    logs._Threshold.level = threshold


class Failing:
    """An observer, and a reader, all of whose calls raise."""

    refuses = False
    reads_answers = True

    def fail(self, *_):
        """Quote what must not be quoted."""
        raise RuntimeError(SECRET)

    begin = bill = finish = feed = close = fail


class FailingLate(Failing):
    """Fails only while it reads."""

    def reader(self, *_):
        """A reader that fails."""
        return Failing()


def test_nothing_that_telemetry_raises_gets_out(lines):
    """Each fault is counted under its call, and logged with its class and its place."""
    meter = Meter()
    isolated = Isolated(FailingLate(), meter)
    assert isolated.begin({}, ANONYMOUS) is None
    assert isolated.bill("m", Usage()) == {}
    isolated.finish(ExchangeRecord("forwarded", 0.0, 0.0))
    for _ in range(2):
        reader = isolated.reader("", "")
        reader.feed(b"x")
        reader.feed(b"x")
        assert reader.close() is None
    series = meter.snapshot()[TELEMETRY_DROPPED.name]
    assert series == {("begin",): [1], ("bill",): [1], ("finish",): [1], ("reader",): [2]}
    told = lines()
    assert {line["error"] for line in told} == {"RuntimeError"}
    assert all(__file__ in line["at"] for line in told)
    assert SECRET not in str(told)


def test_libraries_are_not_quoted(lines):
    """A library's message may hold anything; an exporter's holds the receiver's address and says why it failed."""
    logging.getLogger("grpc").warning("request was %s", SECRET)
    try:
        int(SECRET)
    except ValueError:
        logging.getLogger("asyncio").exception("Task %s", SECRET)
    logging.getLogger("opentelemetry.exporter.otlp").warning("no answer from %s", "localhost:4317")
    told = lines()
    assert SECRET not in str(told)
    assert [line["logger"] for line in told] == ["grpc", "asyncio", "opentelemetry.exporter.otlp"]
    assert told[1]["error"] == "ValueError"
    assert told[2]["message"] == "no answer from localhost:4317"


def test_a_thread_that_dies_is_not_quoted(lines):
    """Nor is what nobody catches in a thread or awaits in a loop."""

    def die():
        raise ValueError(SECRET)

    thread = threading.Thread(target=die, name="audit")
    thread.start()
    thread.join()
    logs.loop_failed(None, {"message": SECRET, "exception": ValueError(SECRET)})
    told = lines()
    assert [line["event"] for line in told] == ["thread_died", "uncaught"]
    assert SECRET not in str(told)


@pytest.mark.parametrize(
    ("header", "expected"),
    [("5b3f8d7e-93b4-4c7e", "5b3f8d7e-93b4-4c7e"), (SECRET, ""), ("a b", ""), ("x" * 129, ""), ("", "")],
)
def test_request_id_is_an_id(header, expected):
    """What a caller passes off as an id is none unless it looks like one."""
    assert expected == request_id_of({"x-request-id": header})


def test_a_refusal_names_its_request():
    """Whoever gets an error can ask for what the logs say of it."""
    body = json.loads(refuse(BlockedEntityError("US_SSN"), None, "/v1/", "id-1").body)
    assert body["request_id"] == "id-1"
    assert "request_id" not in json.loads(refuse(BlockedEntityError("US_SSN"), None, "/v1/").body)


def test_a_library_says_nothing_of_its_progress(capsys):
    """Until the command line, or an application, asks for it; what is wrong is told on standard error."""
    log = logs.logger()
    log.info("built", intents=150)
    log.error("wrong", reason="x")
    told = capsys.readouterr()
    assert told.out == ""
    assert [json.loads(line)["event"] for line in told.err.splitlines()] == ["wrong"]
