"""One JSON line per intercepted request, for people who want to watch: names, counts and times."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from extproc.logs import logger
from extproc.telemetry.relay import Relay

if TYPE_CHECKING:
    from extproc.exchange.exchange import Exchange

log = logger()


class RequestLog(Relay):
    """An observer that writes a line for every intercepted exchange, and passes everything on to another."""

    def finish(self, exchange: Exchange) -> None:
        """Write the line."""
        super().finish(exchange)
        if exchange.rule:
            log.info("request", **told(exchange))


def told(exchange: Exchange) -> dict[str, Any]:
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
        "error": exchange.error,
        "duration_ms": round(exchange.duration_s * 1e3, 2),
        "added_ms": round(sum(exchange.steps_s.values()) * 1e3, 3),
        "steps_ms": {step: round(seconds * 1e3, 3) for step, seconds in exchange.steps_s.items()},
    }
