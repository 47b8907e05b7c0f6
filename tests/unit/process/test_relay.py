"""Ends of exchanges find who waits for them, in whichever processor that is."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import socket

from extproc.exchange.record import Ending, Usage
from extproc.process.host import uvloop_runner
from extproc.process.relay import Relay

USAGE = Usage(12, 34, "stop", "phi", chunks=5)
TOKEN = "0123456789"


def ending(key=f"0:{TOKEN}-7", **told):
    """An end with all that may be told."""
    known = {
        "cut": "upstream_reset",
        "model": "phi",
        "attempts": 2,
        "endpoint": "h:1",
        "first_byte_s": 0.1,
        "usage": USAGE,
    }
    fixed = {"status": 200, "cluster": "phi", "duration_s": 1.5, "response_bytes": 77, "first_chunk_at": 1000.25}
    return Ending(key=key, cancelled=False, **{**fixed, **known, **told})


def test_an_end_is_told_to_who_waits_for_it(tmp_path):
    """All of it, with usage and without, once, on the loop that workers have; when nobody waits any more, that is said."""
    with uvloop_runner() as runner:
        runner.run(told_and_heard(tmp_path))


async def told_and_heard(tmp_path):
    """Two processors of one folder."""
    heard = asyncio.Queue()
    old, new = Relay(tmp_path), Relay(tmp_path)
    assert not new.pass_on(ending())
    await old.listen(TOKEN, heard.put_nowait)
    for told in (ending(), ending(usage=None, first_byte_s=None)):
        assert new.pass_on(told)
        assert await asyncio.wait_for(heard.get(), 5) == told
    for number in range(500):  # more at once than the kernel keeps
        assert new.pass_on(ending(f"0:{TOKEN}-{number}"))
    keys = {(await asyncio.wait_for(heard.get(), 5)).key for _ in range(500)}
    assert keys == {f"0:{TOKEN}-{number}" for number in range(500)}
    for _ in range(50):
        new.pass_on(ending())
    old.close()
    assert not new.pass_on(ending())
    await asyncio.sleep(0.05)  # what was to be sent again has nobody to go to
    new.close()
    assert not list(tmp_path.iterdir())


async def test_a_key_that_is_none(tmp_path):
    """No key leads out of the folder, or anywhere but to a token."""
    relay = Relay(tmp_path)
    for key in ("", "0:", "0:../../../x-1", "0:0123456789", "x:0123456789-1", f"0:{TOKEN}/-1"):
        assert not relay.pass_on(ending(key))


async def test_what_another_version_says(tmp_path):
    """More than is known is left out, what cannot be read is nothing, and what comes after it is heard."""
    heard = asyncio.Queue()
    relay = Relay(tmp_path)
    await relay.listen(TOKEN, heard.put_nowait)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        told = dataclasses.asdict(ending())
        more = {**told, "more": 1, "usage": {**told["usage"], "more": 1}}
        less = {name: value for name, value in told.items() if name != "status"}
        for data in (
            b"",
            b"\xff",
            b"[" * 9000,
            b"[]",
            b'{"usage": 1}',
            json.dumps(less).encode(),
            json.dumps(more).encode(),
        ):
            other.sendto(data, str(tmp_path / f".{TOKEN}"))
    assert await asyncio.wait_for(heard.get(), 5) == ending()
    relay.close()
    assert heard.empty()
