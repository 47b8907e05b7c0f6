"""An audit trail: nothing is taken out of it, put into it or lost from it that `verify` does not see."""

import json
import os
import random
import signal
import socket
import time
from collections import Counter

import pytest

from extproc.config.telemetry import AuditSettings
from extproc.errors import ConfigError
from extproc.telemetry import audit as module
from extproc.telemetry import instruments as names
from extproc.telemetry.audit import FLUSH_S, AuditTrail
from extproc.telemetry.audit_chain import Link, last_link, link_of, read_key
from extproc.telemetry.audit_ship import Shipping, Syslog
from extproc.telemetry.audit_verify import read_anchors, verify
from extproc.telemetry.meter import Meter

KEY = b"0123456789abcdef0123456789abcdef"


def parts(path):
    """The rotated parts, the oldest first, and the file."""
    return [*sorted(path.parent.glob("a.jsonl.[0-9]*"), key=lambda p: -int(p.suffix[1:])), path]


def trail(path, meter=None, lines=3, **settings):
    """An audit trail with some lines, closed."""
    audit = AuditTrail(AuditSettings(path=path, **settings), meter or Meter())
    for number in range(lines):
        audit.write(json.dumps({"request_id": str(number), "intent": "été"}, ensure_ascii=False))
    audit.close()
    return audit


def waiting(audit):
    """Until all that is queued is written, and on the disk, or lost."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        idle = not audit._lines
        time.sleep(0.05)
        if idle and (audit.blocked or audit._lost or _last_seq(audit) == audit._link.seq):
            break


def _last_seq(audit):
    try:
        with audit._settings.path.open("rb", buffering=0) as file:
            link = last_link(file)[0]
    except FileNotFoundError:
        return None
    return link.seq if link else None


@pytest.fixture(name="path")
def _path(tmp_path):
    return tmp_path / "a.jsonl"


@pytest.fixture(name="key_file", params=[False, True], ids=["digest", "key"])
def _key_file(request, tmp_path):
    if not request.param:
        return None
    (tmp_path / "key").write_bytes(KEY + b"\n")
    return tmp_path / "key"


def test_a_fresh_trail_holds_decisions_alone(path, key_file):
    """Numbered from 1, whole, and with a key made by it."""
    trail(path, key_file=key_file)
    found = verify([path], whole=True, key=read_key(key_file, {}))
    assert (found.whole, found.good, found.decisions, found.last.seq) == (True, 3, 3, 3)
    assert not found.gaps
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["seq"] for line in lines] == [1, 2, 3]
    assert all(line["chain"].startswith("hmac-sha256:") == bool(key_file) for line in lines)
    assert not list(path.parent.glob("*.open-*"))


def test_it_goes_on_after_a_restart(path):
    """The chain spans restarts, and each restart says so."""
    meter = Meter()
    trail(path, meter)
    trail(path, meter)
    found = verify([path], whole=True)
    assert (found.breaks, found.gaps, found.good, found.decisions) == ([], [], 7, 6)
    assert json.loads(path.read_text().splitlines()[3])["audit"] == "start"
    assert meter.snapshot()[names.AUDIT_LINES.name] == {("written",): [6]}


def edits(lines, dice):
    """Every kind of tampering -> what it makes of the lines."""
    at = dice.randrange(1, len(lines) - 1)
    return {
        "change": [*lines[:at], lines[at].replace(b'"intent"', b'"intenT"'), *lines[at + 1 :]],
        "space": [*lines[:at], lines[at].replace(b":", b": ", 1), *lines[at + 1 :]],
        "remove": lines[:at] + lines[at + 1 :],
        "swap": [*lines[: at - 1], lines[at], lines[at - 1], *lines[at + 1 :]],
        "twice": [*lines[: at + 1], lines[at], *lines[at + 1 :]],
        "glue": [*lines[:at], lines[at][:-9] + lines[at], *lines[at + 1 :]],
        "foreign": [*lines[:at], b'{"request_id":"x"}\n', *lines[at:]],
        "number": [*lines[:at], lines[at].replace(b'"seq":', b'"seq":1'), *lines[at + 1 :]],
        "halved": [*lines[:at], lines[at][: len(lines[at]) // 2] + b"\n", *lines[at + 1 :]],
    }


@pytest.mark.parametrize("kind", list(edits([b""] * 3, random.Random(0))))
def test_tampering_shows(path, key_file, kind):
    """Whatever is done to a line or its place, anywhere."""
    trail(path, lines=6, key_file=key_file)
    lines = path.read_bytes().splitlines(keepends=True)
    for seed in range(8):
        path.write_bytes(b"".join(edits(lines, random.Random(seed))[kind]))
        assert verify([path], whole=True, key=read_key(key_file, {})).breaks


def test_a_key_cannot_be_done_without(path, key_file, tmp_path):
    """Who has the file alone can make a chain that holds, but not with the key; the wrong key and none are told."""
    trail(path, key_file=key_file)
    forged = tmp_path / "forged.jsonl"
    trail(forged, lines=3)
    assert verify([forged], whole=True).whole
    assert all("anybody" in b.message for b in verify([forged], key=KEY).breaks)
    if key_file:
        assert all("--key-file" in b.message for b in verify([path]).breaks)
        assert verify([path], whole=True, key=b"x" * 32).breaks
    with pytest.raises(ConfigError, match="16 bytes or more"):
        read_key(None, {"INTENTMESH_AUDIT_KEY": "short"})
    with pytest.raises(ConfigError, match="cannot be read"):
        read_key(tmp_path / "nothing")


def test_what_is_missing_at_the_end_shows_by_what_was_kept(path, tmp_path):
    """A chain value, an anchor's file, or the processor's log."""
    trail(path, lines=5, anchors=tmp_path / "anchors")
    whole = path.read_bytes().splitlines(keepends=True)
    kept = list(read_anchors((tmp_path / "anchors").read_text()))
    assert [anchor.seq for anchor in kept] == [5]
    assert verify([path], whole=True, anchors=kept, expect=[kept[0].value]).whole
    path.write_bytes(b"".join(whole[:3]))
    assert verify([path], whole=True).whole
    assert "line 5" in verify([path], anchors=kept).breaks[0].message
    assert kept[0].value in verify([path], expect=[kept[0].value]).breaks[0].message
    logged = json.dumps({"event": "audit_anchor", "seq": 5, "chain": kept[0].value, "level": "info"})
    assert list(read_anchors('{"event": "serving"}\n' + logged)) == kept
    with pytest.raises(ValueError, match="line 1"):
        list(read_anchors("[]x"))


def test_a_torn_line_is_closed(path):
    """What was half written stays, on a line of its own, and is told; the chain goes on from the last whole line."""
    trail(path)
    path.write_bytes(path.read_bytes()[:-30])
    trail(path)
    found = verify([path], whole=True)
    assert not found.breaks
    assert [(gap.kind, gap.line) for gap in found.gaps] == [("torn", 3)]
    assert (found.whole, found.decisions) == (False, 5)


def test_a_torn_line_at_the_very_end(path):
    """Nothing has been written since."""
    trail(path)
    path.write_bytes(path.read_bytes()[:-30])
    assert [gap.kind for gap in verify([path], whole=True).gaps] == ["torn"]


def test_a_trail_of_nothing_but_a_torn_line(path):
    """Also one longer than what is looked at in one go."""
    path.write_bytes(b'{"request_id": "' + b"x" * 100_000)
    trail(path)
    found = verify([path], whole=True)
    assert (found.breaks, [gap.kind for gap in found.gaps]) == ([], ["torn"])


def test_a_long_last_line(path):
    """The chain goes on behind it."""
    audit = AuditTrail(AuditSettings(path=path), Meter())
    audit.write(json.dumps({"verdicts": "x" * 200_000}))
    audit.close()
    with path.open("rb", buffering=0) as file:
        assert last_link(file)[0].seq == 1
    trail(path)
    assert verify([path], whole=True).whole


@pytest.mark.parametrize("kind", ["cut", "emptied", "removed", "rewritten"])
def test_a_file_that_changes_under_the_writer(path, kind):
    """Its own last line is not where it was: it says so, and what is missing shows."""
    audit = AuditTrail(AuditSettings(path=path), Meter())
    for number in range(4):
        audit.write(json.dumps({"request_id": str(number)}))
    waiting(audit)
    lines = path.read_bytes().splitlines(keepends=True)
    assert len(lines) == 4
    if kind == "removed":
        path.unlink()
    elif kind == "rewritten":
        forged = path.with_name("forged")
        trail(forged, lines=9)
        path.write_bytes(forged.read_bytes())
    else:
        path.write_bytes(b"".join(lines[:2]) if kind == "cut" else b"")
    audit.write('{"request_id":"after"}')
    audit.close()
    found = verify([path], whole=True)
    assert "changed" in [gap.kind for gap in found.gaps]
    assert not found.whole


def test_lines_that_a_full_disk_swallowed(path, monkeypatch):
    """They are counted, requests are refused where the policy says so, and the trail tells how many once it can."""
    meter = Meter()
    audit = AuditTrail(AuditSettings(path=path, on_error="block"), meter)
    put, full = module._put, True

    def scarce(file, data):
        if full:
            file.write(data[: len(data) // 2])
            raise OSError(28, "No space left on device")
        put(file, data)

    monkeypatch.setattr(module, "_put", scarce)
    for number in range(5):
        audit.write(json.dumps({"request_id": str(number)}))
    waiting(audit)
    assert audit.blocked
    full = False
    audit.write('{"request_id":"after"}')
    audit.close()
    assert not audit.blocked
    found = verify([path], whole=True)
    assert not found.breaks
    assert [(gap.kind, gap.lines) for gap in found.gaps] == [("lost", 5)]
    assert "No space left" in found.gaps[0].message
    assert meter.snapshot()[names.AUDIT_LINES.name] == {("lost",): [5], ("written",): [1]}


def test_a_worker_that_could_not_write_behind_another(path, monkeypatch):
    """What the other one wrote is no change of the file."""
    one, other = (AuditTrail(AuditSettings(path=path), Meter()) for _ in range(2))
    for audit in (one, other):
        audit.write("{}")
        waiting(audit)
    put = module._put

    def full(_file, _data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "_put", full)
    one.write("{}")
    waiting(one)
    monkeypatch.setattr(module, "_put", put)
    one.write("{}")
    for audit in (one, other):
        audit.close()
    found = verify([path], whole=True)
    assert [(gap.kind, gap.lines) for gap in found.gaps] == [("lost", 1)]
    assert not found.breaks


def test_exchanges_whose_processor_is_killed(path):
    """Each is a line of the next one, as far as it was known; and nothing of those that had ended is told twice."""
    pid = os.fork()
    if not pid:
        audit = AuditTrail(AuditSettings(path=path), Meter())
        slots = [audit.begin(json.dumps({"time": 1.5, "request_id": f"r{i}", "project": "red"})) for i in range(3)]
        audit.tell(slots[1], json.dumps({"time": 1.5, "request_id": "r1", "project": "red", "model": "phi"}))
        audit.write('{"request_id":"r0"}', slots[0])
        waiting(audit)
        audit._append = lambda _: time.sleep(60)
        audit.write('{"request_id":"r2"}', slots[2])  # counted, and killed before its line is written
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)
    assert len(list(path.parent.glob("*.open-*"))) == 1
    meter = Meter()
    trail(path, meter, lines=1)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line.get("audit") or line["request_id"] for line in lines] == ["r0", "start", "r1", "r2", "0"] or [
        line.get("audit") or line["request_id"] for line in lines
    ] == ["r0", "start", "r2", "r1", "0"]
    unknown = {line["request_id"]: line for line in lines if line.get("outcome") == "unknown"}
    assert (unknown["r1"]["model"], unknown["r1"]["project"], unknown["r1"]["error"]) == ("phi", "red", "killed")
    found = verify([path], whole=True)
    assert (found.whole, [gap.kind for gap in found.gaps]) == (True, ["killed", "unfinished", "unfinished"])
    counts = meter.snapshot()[names.REQUESTS.name]
    assert sum(cells[0] for labels, cells in counts.items() if "unknown" in labels) == 1
    assert not list(path.parent.glob("*.open-*"))
    assert not list(path.parent.glob("*.taken-*"))


def test_a_line_that_was_written_just_before_the_death(path):
    """It is on record, though the journal does not know yet: it is not told again, also where the file has been rotated."""
    for rotated in (False, True):
        pid = os.fork()
        if not pid:
            audit = AuditTrail(AuditSettings(path=path), Meter())
            slots = [
                audit.begin(json.dumps({"time": 1.5, "request_id": f"r{i}{rotated}", "project": "red"}))
                for i in range(2)
            ]
            module._end = lambda _: os.kill(os.getpid(), signal.SIGKILL)
            audit.write(f'{{"request_id":"r0{rotated}"}}', slots[0])
            time.sleep(60)
        os.waitpid(pid, 0)
        if rotated:
            path.replace(path.with_name(f"{path.name}.1"))
        trail(path, Meter(), lines=1)
    text = "".join(file.read_text() for file in parts(path))
    ids = Counter(json.loads(line).get("request_id") for line in text.splitlines())
    assert {name: ids[name] for name in ids if name and name.startswith("r")} == dict.fromkeys(
        ("r0False", "r1False", "r0True", "r1True"), 1
    )
    assert verify(parts(path), whole=True).whole


@pytest.mark.parametrize("written", [False, True])
def test_two_requests_with_one_id(path, written):
    """The second, killed between its count and its line or right after that, has a line of its own: callers choose their ids."""
    pid = os.fork()
    if not pid:
        audit = AuditTrail(AuditSettings(path=path), Meter())
        told = json.dumps({"time": 1.5, "request_id": "same", "project": "red"})
        audit.write('{"request_id":"same","of":1}', audit.begin(told))
        waiting(audit)
        die = lambda *_: os.kill(os.getpid(), signal.SIGKILL)  # noqa: E731
        module._end, module._put = (die, module._put) if written else (module._end, die)
        audit.write('{"request_id":"same","of":2}', audit.begin(told))
        time.sleep(10)
        os._exit(1)
    os.waitpid(pid, 0)
    meter = Meter()
    trail(path, meter, lines=1)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    found = [line.get("of", line.get("outcome")) for line in lines if line.get("request_id") == "same"]
    assert found == ([1, 2] if written else [1, "unknown"])
    assert verify([path], whole=True).whole
    assert not meter.snapshot()[names.REQUESTS.name]  # they were counted where they ended
    assert not list(path.parent.glob("*.open-*"))


def test_who_puts_on_record_what_another_left_is_killed_too(path, monkeypatch):
    """The next goes on from there: each exchange has one line in the end, and is counted."""
    monkeypatch.setattr(module, "BATCH_LINES", 2)
    pid = os.fork()
    if not pid:
        audit = AuditTrail(AuditSettings(path=path), Meter())
        for i in range(7):
            audit.begin(json.dumps({"time": 1.5, "request_id": f"r{i}", "project": "red"}))
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)
    put, died = module._put, []
    for step in range(2):
        pid = os.fork()
        if not pid:
            left = iter(range(3 - step))

            def put_and_die(file, data, left=left, step=step):
                if next(left, None) is None:
                    if step:
                        put(file, data)
                    os.kill(os.getpid(), signal.SIGKILL)
                put(file, data)

            module._put = put_and_die
            AuditTrail(AuditSettings(path=path), Meter())
            time.sleep(10)
            os._exit(1)
        died.append(os.waitpid(pid, 0)[1])
    assert died == [signal.SIGKILL, signal.SIGKILL]
    trail(path, Meter(), lines=1)
    ids = Counter(json.loads(line).get("request_id") for line in path.read_text().splitlines())
    assert {name: ids[name] for name in ids if name and name.startswith("r")} == {f"r{i}": 1 for i in range(7)}
    assert verify([path], whole=True).whole
    assert not list(path.parent.glob("*.open-*"))


def test_more_at_a_time_than_a_journal_holds(path, monkeypatch):
    """They are counted, and on record when they end."""
    monkeypatch.setattr("extproc.telemetry.journal.SLOTS", 2)
    meter = Meter()
    audit = AuditTrail(AuditSettings(path=path), meter)
    slots = [audit.begin("{}") for _ in range(3)]
    for slot in slots:
        audit.write("{}", slot)
    audit.close()
    assert meter.snapshot()[names.TELEMETRY_DROPPED.name] == {("journal",): [1]}
    assert verify([path], whole=True).decisions == 3


def test_it_rotates_and_stays_chained(path):
    """Rotated parts and the file itself are one chain; a part that is missing shows, with its lines."""
    for _ in range(40):
        trail(path, max_bytes=4096)
    files = parts(path)
    assert len(files) > 3
    assert verify(files, whole=True).decisions == 120
    found = verify([*files[:1], *files[2:]], whole=True)
    assert "are missing" in found.breaks[0].message
    assert verify(files[1:]).whole
    assert verify(files[1:], whole=True).breaks


def test_workers_share_one_chain(path):
    """They take turns at the file, also when one of them rotates it."""
    settings = AuditSettings(path=path, max_bytes=4096, keep=50)
    workers = [AuditTrail(settings, Meter()) for _ in range(3)]
    for number in range(200):
        workers[number % 3].write(json.dumps({"request_id": str(number), "filler": "x" * 40}))
        if not number % 20:
            time.sleep(FLUSH_S / 5)
    for worker in workers:
        worker.close()
    assert len(parts(path)) > 3
    found = verify(parts(path), whole=True)
    assert (found.whole, found.decisions, found.gaps) == (True, 200, [])


@pytest.mark.parametrize(("on_error", "blocked"), [("block", True), ("count", False)])
def test_a_disk_that_refuses(path, on_error, blocked):
    """Lines that cannot be written are counted; whether requests go on is the policy's choice."""
    meter = Meter()
    audit = AuditTrail(AuditSettings(path=path, on_error=on_error), meter)
    path.unlink()
    path.mkdir()
    audit.write("{}")
    audit.close()
    assert audit.blocked is blocked
    assert meter.snapshot()[names.AUDIT_LINES.name] == {("lost",): [1]}


def test_a_trail_that_can_never_be_written_is_a_mistake_in_the_configuration(tmp_path):
    """A path that is a folder, or lies in a file, is told before the first request."""
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "file" / "audit.jsonl"):
        with pytest.raises(ConfigError, match=r"telemetry.audit.path: .* cannot be written"):
            AuditTrail(AuditSettings(path=path), Meter())


def test_what_is_no_link():
    """A line without its end, or of another kind."""
    assert link_of(b'{"a":1}\n') is None
    assert link_of(b'{"a":1,"seq":7,"chain":"' + b"0" * 64 + b'"}') is None
    assert link_of(b'{"a":1,"seq":7,"chain":"' + b"0" * 64 + b'"}\n') == Link(7, "0" * 64)


@pytest.mark.parametrize("kind", ["udp", "tcp", "unix"])
def test_lines_are_sent_on_to_syslog(path, tmp_path, kind):
    """As they stand in the trail, by the standard library, with a priority in front."""
    family = socket.AF_UNIX if kind == "unix" else socket.AF_INET
    receiver = socket.socket(family, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
    receiver.bind(str(tmp_path / "log") if kind == "unix" else ("127.0.0.1", 0))
    receiver.settimeout(10)
    if kind == "tcp":
        receiver.listen()
    address = str(tmp_path / "log") if kind == "unix" else f"{kind}://127.0.0.1:{receiver.getsockname()[1]}"
    meter = Meter()
    shipping = Shipping([Syslog(address)], meter)
    audit = AuditTrail(AuditSettings(path=path), meter, written=shipping.ship)
    for number in range(3):
        audit.write(json.dumps({"request_id": str(number)}))
    audit.close()
    shipping.close()
    with receiver:
        line = receiver.accept()[0] if kind == "tcp" else receiver
        got = line.recv(65536) if kind == "tcp" else b"\n".join(line.recv(4096) for _ in range(3)) + b"\n"
        line.close()
    wanted = [b"<86>intentmesh: " + told for told in path.read_bytes().splitlines()]
    assert got.splitlines() == wanted
    assert not meter.snapshot()[names.TELEMETRY_DROPPED.name]


def test_a_syslog_that_is_not_there(path):
    """Its lines are counted, and the trail is whole."""
    meter = Meter()
    shipping = Shipping([Syslog("tcp://127.0.0.1:1")], meter)
    audit = AuditTrail(AuditSettings(path=path), meter, written=shipping.ship)
    audit.write("{}")
    audit.close()
    shipping.close()
    assert meter.snapshot()[names.TELEMETRY_DROPPED.name] == {("audit-syslog",): [1]}
    assert verify([path], whole=True).whole
