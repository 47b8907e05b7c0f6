"""What a killed processor had under way, and which of it stands in the trail already.

Between a line and the word in the journal that it is there lies a moment. What was being written then is looked for by the
line's own place in the chain: two requests may have one id, two lines have never one place.
"""

from __future__ import annotations

import json
import os
from io import FileIO
from typing import TYPE_CHECKING, Final

from extproc.exchange.record import ExchangeRecord
from extproc.telemetry.audit_chain import links_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from extproc.telemetry.journal import Journal, Left

KILLED: Final = "killed"
"""The error of an exchange whose processor was."""
BLOCK_BYTES: Final = 2**20
LONGEST_LINK: Final = 256
"""More than the end of a line takes: what a block's edge cuts is read with the next one."""


def not_on_record(journals: Iterable[Journal], parts: Iterable[Path]) -> Iterator[tuple[Journal, Left]]:
    """What has no line. `parts`: the files of the trail, the newest first."""
    entries = [(journal, left) for journal in journals for left in journal.left()]
    places = [left.line for _, left in entries if left.line is not None]
    written = _lines_since(min(place.seq for place in places), parts) if places else frozenset()
    for journal, left in entries:
        if left.line is not None and left.line.value in written:
            journal.end(left.slot)
        else:
            yield journal, left


def _lines_since(seq: int, parts: Iterable[Path]) -> frozenset[str]:
    """The chain values of the lines from this number on, from the end of the trail."""
    keys: set[str] = set()
    for path in parts:
        try:
            file = FileIO(path, "rb")
        except FileNotFoundError:
            continue
        with file:
            end = os.fstat(file.fileno()).st_size
            while end > 0:
                start = max(0, end - BLOCK_BYTES)
                links = list(links_in(os.pread(file.fileno(), end - start + LONGEST_LINK, start)))
                keys.update(link.value[-64:] for link in links)
                if any(link.seq < seq for link in links):
                    return frozenset(keys)
                end = start
    return frozenset(keys)


def unfinished(text: str) -> tuple[ExchangeRecord, str]:
    """What a journal knows of an exchange, and its project."""
    exchange = ExchangeRecord("unknown", 0.0, 0.0, error=KILLED)
    try:
        entry = json.loads(text)
        exchange.started_at, exchange.request_id = float(entry["time"]), str(entry["request_id"])
        exchange.model, exchange.intent, exchange.residency = (
            str(entry[name]) if entry.get(name) else None for name in ("model", "intent", "residency")
        )
        return exchange, str(entry["project"])
    except (ValueError, KeyError, TypeError):
        return exchange, ""
