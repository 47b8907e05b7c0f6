"""Exchanges that wait for Envoy's word end exactly once, with it or without."""

import os

import pytest

from extproc.config.models import Model
from extproc.errors import ProtocolError
from extproc.exchange.record import Ending, ExchangeRecord, Usage
from extproc.telemetry import pending as module
from extproc.telemetry.instruments import TELEMETRY_DROPPED
from extproc.telemetry.meter import Meter
from extproc.telemetry.pending import PendingExchanges
from extproc.telemetry.spans import Identifier
from extproc.wire.access_log import endings
from extproc.wire.messages import StreamAccessLogsMessage


def sent():
    """An exchange that has gone on."""
    return ExchangeRecord("forwarded", 1000.0, 0.002, request_id="a", model="phi")


class Recorded(list):
    """What has been finished, and a meter."""

    def __init__(self):
        super().__init__()
        self.meter = Meter()

    @property
    def lost(self):
        """How many were given up."""
        return sum(cells[0] for cells in self.meter.snapshot()[TELEMETRY_DROPPED.name].values())

    def pending(self, worker=0):
        """A worker's waiting room."""
        return PendingExchanges(worker, self.append, self.meter)


def ending(key, **told):
    """A good end."""
    usage = Usage(12, 34, "stop", "phi", chunks=5)
    known = {"status": 200, "cluster": "phi:v2", "duration_s": 1.5, "response_bytes": 77, "usage": usage}
    return Ending(key=key, cancelled=False, first_chunk_at=1000.25, **{**known, **told})


def test_an_exchange_is_finished_with_what_envoy_tells():
    """Status, duration, version, usage: and only once."""
    record = Recorded()
    room = record.pending()
    endpoint = {"endpoints": [{"address": "127.0.0.1:8081"}], "weight": 50}
    model = Model.model_validate({"versions": {"v1": endpoint, "v2": endpoint}})
    key = room.key()
    room.wait(key, sent(), model)
    assert (len(room), record) == (1, [])
    room.tell(ending(key))
    room.tell(ending(key))
    (found,) = record
    assert (found.outcome, found.status, found.duration_s, found.version) == ("forwarded", 200, 1.5, "v2")
    assert (found.usage.output_tokens, found.first_chunk_s, found.response_bytes) == (34, 0.25, 77)
    assert (len(room), record.lost) == (0, 0)


def test_a_word_that_comes_first_is_kept():
    """An answer may be quicker than the end of our own stream."""
    record = Recorded()
    room = record.pending()
    key = room.key()
    room.tell(ending(key))
    room.wait(key, sent(), None)
    assert (len(record), record[0].status) == (1, 200)


def test_a_word_that_comes_first_is_kept_for_a_second_at_least():
    """However soon after it the room is looked through; and for two at most."""
    record = Recorded()
    room = record.pending()
    key, late = room.key(), room.key()
    room.tell(ending(key))
    room.tell(ending(late))
    room.expire()
    room.wait(key, sent(), None)
    assert (len(record), len(room)) == (1, 0)
    room.expire()
    room.wait(late, sent(), None)
    assert (len(record), len(room)) == (1, 1)


def test_a_client_that_left():
    """Envoy saw it go."""
    record = Recorded()
    room = record.pending()
    key = room.key()
    room.wait(key, sent(), None)
    room.tell(Ending(key, True, 0, "", 0.5, 0, None, None))
    assert (record[0].outcome, record[0].status, record[0].usage) == ("cancelled", None, None)


def test_waiting_has_an_end(monkeypatch):
    """What nobody tells of is finished without usage, and counted: by time, by number, and at the end."""
    record = Recorded()
    room = record.pending()
    room.wait(room.key(), sent(), None)
    room.expire()
    assert not record
    monkeypatch.setattr(module, "LATE_S", 0.0)
    room.expire()
    assert (record, record.lost) == ([sent()], 1)
    monkeypatch.setattr(module, "MOST_WAITING", 2)
    for _ in range(3):
        room.wait(room.key(), sent(), None)
    assert (len(room), len(record)) == (2, 2)
    room.close()
    assert (len(room), len(record), record.lost) == (0, 4, 4)


def test_an_envoy_that_is_gone_is_not_waited_for(monkeypatch):
    """Its log was closed, and no other is open."""
    record = Recorded()
    room = record.pending()
    room.opened()
    room.wait(room.key(), sent(), None)
    room.closed()
    room.expire()
    assert not record
    monkeypatch.setattr(module, "GONE_S", -1.0)
    room.expire()
    assert record == [sent()]


def test_an_envoy_that_offers_a_log_and_keeps_none(monkeypatch):
    """From some number on its answers are shown to us again."""
    monkeypatch.setattr(module, "SILENT_AT", 3)
    record = Recorded()
    room = record.pending()
    for _ in range(3):
        room.wait(room.key(), sent(), None)
    assert room.key() == ""
    room.opened()
    assert room.key() != ""


def test_keys_tell_the_worker_and_are_never_repeated():
    """Envoy sends an entry to the worker whose number the key begins with; one from before a restart meets no exchange."""
    record = Recorded()
    one, again, other = record.pending(), record.pending(), record.pending(1)
    keys = [one.key(), one.key(), again.key(), other.key()]
    assert len(set(keys)) == 4
    assert [key.partition(":")[0] for key in keys] == ["0", "0", "0", "1"]


def forked(draw):
    """What a child of ours draws."""
    reading, writing = os.pipe()
    if not (pid := os.fork()):
        os.write(writing, draw().encode())
        os._exit(0)
    os.waitpid(pid, 0)
    os.close(writing)
    with os.fdopen(reading) as told:
        return told.read()


def test_what_is_forked_repeats_no_key_and_no_trace():
    """Workers are forked from one process, and again when one dies: each has keys and ids of its own."""

    def draw():
        identity = Identifier(1.0).identify({})
        return f"{Recorded().pending().key()} {identity.context.trace_id} {identity.context.span_id}"

    drawn = [forked(draw) for _ in range(3)]
    for those in zip(*(one.split() for one in drawn), strict=True):
        assert len(set(those)) == 3


def test_who_is_not_ours_is_passed_on():
    """What another waits for goes to it, and is not told here; what nobody takes is noted like an end of our own."""
    record, passed = Recorded(), []
    room = PendingExchanges(
        0, record.append, record.meter, pass_on=lambda told: passed.append(told) or len(passed) == 1
    )
    key, foreign = room.key(), ending("0:0123456789-1", endpoint="h:1")
    room.wait(key, sent(), None)
    for told in (ending(key), foreign, foreign):
        room.tell(told)
    assert (len(record), passed) == (1, [foreign, foreign])


def test_an_entry_is_read_without_its_text():
    """Of a log entry only what is known to hold none is taken."""
    message = StreamAccessLogsMessage()
    entry = message.http_logs.log_entry.add()
    entry.request.path = "/v1?user=ada@example.org"
    entry.response.response_code.value = 503
    entry.common_properties.duration.nanos = 250_000_000
    entry.common_properties.upstream_cluster = "phi"
    entry.common_properties.response_flags.downstream_remote_reset = True
    metadata = entry.common_properties.metadata.filter_metadata
    metadata["intentmesh"].fields["awaited"].string_value = "0:a-1"
    told = metadata["intentmesh.answer"].fields["usage"].struct_value.fields
    for name, value in (("input", -4), ("output", 1e300), ("events", float("nan")), ("first_ms", 1500)):
        told[name].number_value = value
    message.http_logs.log_entry.add().request.path = "/of nobody"
    usage = Usage(0, 2**53, chunks=0)
    expected = Ending("0:a-1", True, 503, "phi", 0.25, 0, 1.5, usage)
    assert list(endings(message.SerializeToString())) == [expected]
    assert "ada" not in repr(expected)


def test_what_is_no_log_is_refused():
    """With an error that says so."""
    with pytest.raises(ProtocolError, match="not a StreamAccessLogsMessage"):
        list(endings(b"\xff\xff\xff"))
