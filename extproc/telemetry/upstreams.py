"""How the upstreams do, by model, as Envoy's access log tells it: statuses, attempts, endpoints, cut answers, first bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extproc.telemetry.instruments import UPSTREAM_ATTEMPTS, UPSTREAM_FIRST_BYTE, UPSTREAM_REQUESTS

if TYPE_CHECKING:
    from extproc.exchange.record import Ending
    from extproc.telemetry.meter import Meter

MOST_ENDPOINTS = 100
"""Addresses that are told apart: those of a name may change for ever."""
OTHER = "other"


class Upstreams:
    """Counts endings."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._endpoints: set[str] = set()

    def note(self, ending: Ending) -> None:
        """One more. What Envoy answered itself, having no route, went to no upstream."""
        if not ending.model:
            return
        end = ending.cut or ("unrouted" if ending.unrouted else "left" if ending.cancelled else "complete")
        status = f"{ending.status // 100}xx" if ending.status else ""
        self._meter.add(UPSTREAM_REQUESTS, 1, (ending.model, self._endpoint(ending.endpoint), status, end))
        if ending.attempts:
            self._meter.add(UPSTREAM_ATTEMPTS, ending.attempts, (ending.model,))
        if ending.first_byte_s is not None:
            self._meter.record(UPSTREAM_FIRST_BYTE, ending.first_byte_s, (ending.model,))

    def _endpoint(self, address: str) -> str:
        if address and address not in self._endpoints:
            if len(self._endpoints) >= MOST_ENDPOINTS:
                return OTHER
            self._endpoints.add(address)
        return address
