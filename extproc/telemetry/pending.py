"""Exchanges that have gone on, and of whose end Envoy's access log is to tell.

An entry may come late, or never: the connection broke, or Envoy was killed. So waiting has an end, and what is waited for in vain
is finished all the same, without what the answer took, and counted. The key under which an exchange waits has nothing to
do with its request: a worker's number, which says to whom Envoy sends the entry, and a count that no restart repeats.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from extproc.telemetry.instruments import TELEMETRY_DROPPED

if TYPE_CHECKING:
    from collections.abc import Callable

    from extproc.config.models import Model
    from extproc.exchange.record import Ending, ExchangeRecord
    from extproc.telemetry import Meter

WAIT_S = 900.0
"""Longer than answers take; a stream may be answered for minutes."""
MOST_WAITING = 20_000
"""At most so many wait; the oldest is finished first."""
SILENT_AT = 1000
"""So many that wait while no log was ever opened, and Envoy is taken for one that offers what it does not keep."""
GONE_S = 5.0
"""After the last of Envoy's logs has been closed, what began before is waited for so much longer."""
_random = Random()  # noqa: S311 - a key has to be distinct, not secret


@dataclass(frozen=True, slots=True)
class _Waiting:
    exchange: ExchangeRecord
    model: Model | None
    since: float


class PendingExchanges:
    """The exchanges of one worker that wait for their end."""

    def __init__(
        self,
        worker: int,
        finish: Callable[[ExchangeRecord], None],
        meter: Meter,
        waits: Callable[[ExchangeRecord], None] = lambda _: None,
    ) -> None:
        """`waits` is told of each that waits, `finish` of each whose end is known."""
        self.logs = 0
        """Logs that Envoys keep open to us: one for each of their threads."""
        self._prefix = f"{worker}:{_random.getrandbits(40):x}-"
        self._count = 0
        self._finish = finish
        self._waits = waits
        self._meter = meter
        self._waiting: dict[str, _Waiting] = {}
        self._early: dict[str, Ending] = {}
        self._earlier: dict[str, Ending] = {}
        self._closed_at: float | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def key(self) -> str:
        """A key for one more exchange; empty while Envoy's word is not to be relied on."""
        if not self.logs and len(self._waiting) >= SILENT_AT:
            return ""
        self._count += 1
        return f"{self._prefix}{self._count}"

    def wait(self, key: str, exchange: ExchangeRecord, model: Model | None) -> None:
        """Keep an exchange until its end is told. `model`: where it went."""
        waiting = _Waiting(exchange, model, time.monotonic())
        if ending := self._early.pop(key, None) or self._earlier.pop(key, None):
            self._end(waiting, ending)
            return
        if len(self._waiting) >= MOST_WAITING:
            self._give_up(next(iter(self._waiting)))
        self._waiting[key] = waiting
        self._waits(exchange)

    def tell(self, ending: Ending) -> None:
        """An exchange has ended."""
        waiting = self._waiting.pop(ending.key, None)
        if waiting is not None:
            self._end(waiting, ending)
        elif ending.key.startswith(self._prefix) and len(self._early) < SILENT_AT:
            self._early[ending.key] = ending  # before the exchange itself was done, or after it was given up

    def opened(self) -> None:
        """Envoy begins a log."""
        self.logs += 1

    def closed(self) -> None:
        """Envoy has ended a log."""
        self.logs -= 1
        if not self.logs:
            self._closed_at = time.monotonic()

    def expire(self) -> None:
        """Once a second: finish what has waited for too long, or for an Envoy that is gone."""
        now = time.monotonic()
        limit = now - WAIT_S
        if not self.logs and self._closed_at is not None and now - self._closed_at > GONE_S:
            limit = max(limit, self._closed_at)
        self._earlier, self._early = self._early, {}  # so an early word is kept for one second at least
        for key, waiting in list(self._waiting.items()):
            if waiting.since > limit:
                break  # they stand in the order in which they came
            self._give_up(key)

    def close(self) -> None:
        """Finish all that still waits."""
        for key in list(self._waiting):
            self._give_up(key)

    def _end(self, waiting: _Waiting, ending: Ending) -> None:
        exchange, model = waiting.exchange, waiting.model
        first = ending.first_chunk_at
        if ending.cancelled:
            exchange.outcome = "cancelled"
        exchange.status = ending.status or None
        exchange.duration_s = ending.duration_s
        exchange.version = model.version_of(exchange.model or "", ending.cluster) if model and model.versions else None
        exchange.response_bytes = ending.response_bytes
        exchange.first_chunk_s = None if first is None else max(0.0, first - exchange.started_at)
        exchange.usage = ending.usage
        self._finish(exchange)

    def _give_up(self, key: str) -> None:
        self._meter.add(TELEMETRY_DROPPED, 1, ("usage",))
        self._finish(self._waiting.pop(key).exchange)
