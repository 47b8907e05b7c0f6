"""The health that Envoy and a kubelet ask for over gRPC, and whether they have heard that it is over."""

from __future__ import annotations

import time
from collections import deque
from typing import Any

from grpc_health.v1 import health

HEALTH_INTERVAL_S = 2.0
"""How often the rendered Envoy asks for our health."""
LONGEST_INTERVAL_S = 10.0
"""Who asks more seldom than this does not decide by it where requests go."""
UNHEALTHY_AFTER = 2
"""Answers of NOT_SERVING after which Envoy sends no more requests."""


class WatchedHealth(health.aio.HealthServicer):  # type: ignore[misc]
    """Health that knows how often it is asked, and so when everybody who asks must have heard that we are going.

    It counts no answers: a second Envoy and a kubelet ask too, and on a unix socket all look alike.
    """

    def __init__(self) -> None:
        super().__init__()
        self._asked_at: float | None = None
        self._gaps: deque[float] = deque(maxlen=8)

    async def Check(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        """Answer, and remember when."""
        self.asked(time.monotonic())
        return await super().Check(request, context)

    def asked(self, now: float) -> None:
        """Somebody asks."""
        if self._asked_at is not None:
            self._gaps.append(now - self._asked_at)
        self._asked_at = now

    def is_known(self, since: float, now: float) -> bool:
        """Whether everybody who asks has been told often enough what holds since then, or nobody asks any more."""
        interval = min(max(HEALTH_INTERVAL_S, *self._gaps, 0.0), LONGEST_INTERVAL_S)
        late = 0.1 * interval
        if self._asked_at is None or now - self._asked_at > 1.5 * interval:
            return True
        return now - since > UNHEALTHY_AFTER * interval + late
