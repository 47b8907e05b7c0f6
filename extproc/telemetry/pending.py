"""Exchanges that have gone on, and of whose end Envoy's access log is to tell.

An entry may come late, or never: the connection broke, or Envoy was killed. So waiting has an end, and what is waited for in vain
is finished all the same, without what the answer took, and counted. The key under which an exchange waits has nothing to
do with its request: a worker's number, which says to whom Envoy sends the entry, and a count that no restart repeats.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from extproc.exchange.record import Usage
from extproc.exchange.stream import SHOWN
from extproc.telemetry.instruments import TELEMETRY_DROPPED
from extproc.telemetry.upstreams import Upstreams
from extproc.tokens import estimated_tokens

if TYPE_CHECKING:
    from collections.abc import Callable

    from extproc.config.models import Model
    from extproc.exchange.record import Ending, ExchangeRecord
    from extproc.telemetry import Meter

LATE_S = 10.0
"""After the longest that an answer may take; Envoy tells of its end within two seconds."""
MOST_WAITING = 20_000
"""At most so many wait; the oldest is finished first."""
SILENT_AT = 1000
"""So many that wait while no log was ever opened, and Envoy is taken for one that offers what it does not keep."""
LEFT_S = 10.0
"""So long for what has ended here already; if it comes, it comes within a second."""
GONE_S = 5.0
"""After the last of Envoy's logs has been closed, what began before is waited for so much longer."""


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
        pass_on: Callable[[Ending], bool] = lambda _: False,
    ) -> None:
        """`waits` is told of each that waits, `finish` of each whose end is known.

        `pass_on` hears of ends that are not ours, and says whether somebody waits for them.
        """
        self.logs = 0
        """Logs that Envoys keep open to us: one for each of their threads."""
        self.token = secrets.token_hex(5)  # the system's, since what was forked would draw what its brothers draw
        """In the keys of our exchanges, and in nobody else's."""
        self.handed_over = False
        """Envoy's logs go to another by now, who passes on what is ours."""
        self._longest_s = 0.0
        self._prefix = f"{worker}:{self.token}-"
        self._pass_on = pass_on
        self._count = 0
        self._finish = finish
        self._waits = waits
        self._meter = meter
        self._upstreams = Upstreams(meter)
        self._waiting: dict[str, _Waiting] = {}
        self._leaving: dict[str, _Waiting] = {}
        """Those that have ended here already, and of which Envoy may never have heard."""
        self._early: dict[str, Ending] = {}
        self._earlier: dict[str, Ending] = {}
        self._closed_at: float | None = None

    def __len__(self) -> int:
        return len(self._waiting) + len(self._leaving)

    def expect(self, longest_s: float) -> None:
        """Answers may take so long: Envoy ends what takes longer. What waits already was promised what was said before."""
        self._longest_s = max(self._longest_s, longest_s)

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
        waiting_there = self._leaving if key.endswith(SHOWN) or exchange.outcome == "cancelled" else self._waiting
        if len(waiting_there) >= MOST_WAITING:
            self._give_up(waiting_there, next(iter(waiting_there)))
        waiting_there[key] = waiting
        self._waits(exchange)

    def tell(self, ending: Ending) -> None:
        """An exchange has ended, whoever began it."""
        if ending.key.startswith(self._prefix) or not self._pass_on(ending):
            self.hear(ending)

    def hear(self, ending: Ending) -> None:
        """An exchange has ended that was ours, or nobody's who lives."""
        self._upstreams.note(ending)
        waiting = self._waiting.pop(ending.key, None) or self._leaving.pop(ending.key, None)
        if waiting is not None:
            self._end(waiting, ending)
        elif not ending.key.endswith(SHOWN) and ending.key.startswith(self._prefix) and len(self._early) < SILENT_AT:
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
        limit = now - self._longest_s - LATE_S
        if not self.logs and not self.handed_over and self._closed_at is not None and now - self._closed_at > GONE_S:
            limit = max(limit, self._closed_at)
        self._earlier, self._early = self._early, {}  # so an early word is kept for one second at least
        for key, waiting in list(self._waiting.items()):
            if waiting.since > limit:
                break  # they stand in the order in which they came
            self._give_up(self._waiting, key)
        for key, waiting in list(self._leaving.items()):
            if waiting.since > max(limit, now - LEFT_S):
                break
            self._give_up(self._leaving, key)

    def close(self) -> None:
        """Finish all that still waits."""
        for waiting_there in (self._waiting, self._leaving):
            for key in list(waiting_there):
                self._give_up(waiting_there, key)

    def _end(self, waiting: _Waiting, ending: Ending) -> None:
        exchange, model = waiting.exchange, waiting.model
        if ending.cut:
            exchange.outcome, exchange.error = "cut", ending.cut
        elif ending.unrouted:
            exchange.outcome, exchange.error = "unrouted", exchange.error or "no_route"
        elif ending.cancelled:
            exchange.outcome = "cancelled"
        if exchange.facts is not None and ending.answered_by in exchange.facts.fallback:
            exchange.model = ending.answered_by
        exchange.status = ending.status or exchange.status
        exchange.duration_s = ending.duration_s
        if model and model.versions:
            exchange.version = model.version_of(exchange.model or "", ending.cluster)
        if not ending.key.endswith(SHOWN):
            first = ending.first_chunk_at
            exchange.response_bytes = ending.response_bytes
            exchange.first_chunk_s = None if first is None else max(0.0, first - exchange.started_at)
            exchange.usage = ending.usage or _by_size(exchange)
        self._finish(exchange)

    def _give_up(self, waiting_there: dict[str, _Waiting], key: str) -> None:
        exchange = waiting_there.pop(key).exchange
        if not key.endswith(SHOWN):
            self._meter.add(TELEMETRY_DROPPED, 1, ("usage",))
        self._finish(exchange)


def _by_size(exchange: ExchangeRecord) -> Usage | None:
    """What an answer that broke off took, where nobody has counted in it: it was made, and is paid."""
    if exchange.outcome not in {"cancelled", "cut"} or not exchange.response_bytes:
        return None
    return Usage(output_tokens=estimated_tokens(exchange.response_bytes), estimated=True, by="bytes")
