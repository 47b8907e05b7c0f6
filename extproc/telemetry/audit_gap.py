"""What a trail says of itself: lines that are no decisions, but tell what is missing between those that are."""

from __future__ import annotations

import json
import time
from typing import Any

KIND = "audit"
"""The member by which these lines are known; no decision has it."""
START, LOST, TORN, CHANGED = "start", "lost", "torn", "changed"


def start(writer: str, *, killed: int, unfinished: int) -> str:
    """Somebody writes on where others had written. `killed`: who left a journal behind; `unfinished`: exchanges in those."""
    return _record(START, writer=writer, killed=killed, unfinished=unfinished)


def lost(lines: int, since: float, reason: str) -> str:
    """So many lines could not be written."""
    return _record(LOST, lines=lines, since=round(since, 3), reason=reason)


def torn(digest: str, size: int) -> str:
    """The line before was never finished. `digest`: of what there is of it."""
    return _record(TORN, sha256=digest, bytes=size)


def changed(expected_seq: int, expected_value: str, what: str) -> str:
    """Somebody else changed the file: what we had written last is not where it was."""
    return _record(CHANGED, expected_seq=expected_seq, expected_chain=expected_value, what=what)


def _record(kind: str, **told: Any) -> str:
    return json.dumps({KIND: kind, "time": round(time.time(), 3), **told}, separators=(",", ":"))
