"""One JSON line per intercepted request, for people who want to watch: names, counts and times."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from extproc.logs import logger
from extproc.telemetry.wrapper import ObserverWrapper

if TYPE_CHECKING:
    from extproc.exchange.record import ExchangeRecord

log = logger()


class RequestLog(ObserverWrapper):
    """An observer that writes a line for every intercepted exchange, and passes everything on to another."""

    def finish(self, exchange: ExchangeRecord) -> None:
        """Write the line."""
        super().finish(exchange)
        if exchange.rule:
            log.info("request", **request_line(exchange))


def request_line(exchange: ExchangeRecord) -> dict[str, Any]:
    """What `--log-requests` prints, and `intentmesh up` shows."""
    entities: Counter[str] = Counter()
    for (entity_type, _), count in exchange.entities.items():
        entities[entity_type] += count
    return {
        "request_id": exchange.request_id,
        "outcome": exchange.outcome,
        "status": exchange.status,
        "intent": exchange.intent,
        "score": None if exchange.score is None else round(exchange.score, 4),
        "stage": exchange.stage,
        "model": exchange.model,
        "reason": exchange.reason,
        "entities": entities,
        "verdicts": [str(verdict) for verdict in exchange.verdicts],
        "unenforced": [":".join(entry) for entry in exchange.unenforced],
        "error": exchange.error,
        "duration_ms": round(exchange.duration_s * 1e3, 2),
        "added_ms": round(sum(exchange.steps_s.values()) * 1e3, 3),
        "steps_ms": {step: round(seconds * 1e3, 3) for step, seconds in exchange.steps_s.items()},
        **({"trace_id": exchange.trace.trace_id} if exchange.trace and exchange.trace.trace_id else {}),
    }
