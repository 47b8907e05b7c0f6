"""What the parent says of all workers together: on the admin port, and to a receiver of OTLP."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from extproc.process import vitals
from extproc.process.budgets import measure, obey
from extproc.telemetry.instruments import CONFIG_GENERATION, CONFIG_WAITING, WORKER_UP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from extproc.process.budgets import Answer, Order
    from extproc.process.child import Child
    from extproc.process.reload import InUse
    from extproc.telemetry.meter import Meter
    from extproc.telemetry.series import Snapshot

MEASURED_S: Final = 5.0
"""How old what a receiver is told may be."""


class Overview:
    """Any thread may ask. No worker is asked: what they count and say lies in memory that they share with their parent."""

    def __init__(
        self,
        children: Sequence[Child],
        in_use: InUse,
        meter: Meter,
        counts: Callable[[], Snapshot],
        unrouted: Callable[[], Sequence[str]],
    ) -> None:
        """`meter`: the parent's own. `counts`: all that was counted. `unrouted`: models that Envoy has no route for."""
        self._children = children
        self._in_use = in_use
        self._meter = meter
        self._counts = counts
        self._unrouted = unrouted
        self._measured_at = 0.0
        self._accounts = threading.Lock()
        """One asks for the budgets at a time."""

    def snapshot(self) -> Snapshot:
        """For `/metrics`."""
        self._measure()
        return self._counts()

    def measure_for_receiver(self) -> None:
        """A receiver of OTLP asks for nothing: what it is told has to be there."""
        settings, now = self._in_use.mesh.telemetry, time.monotonic()
        if settings.otlp and now - self._measured_at >= min(settings.metrics_interval_s / 2, MEASURED_S):
            self._measured_at = now
            self._measure()

    def ready(self) -> tuple[bool, dict[str, Any]]:
        """For `/readyz`."""
        workers = [{"ready": child.serves, "generation": child.pulse.generation} for child in self._children]
        return any(child.serves for child in self._children), {
            "workers": workers,
            **self._in_use.told(),
            "unrouted": list(self._unrouted()),
        }

    def config(self) -> dict[str, Any]:
        """For `/config`."""
        return self._in_use.shown()

    def budgets(self, order: Order) -> Answer:
        """For `/budgets`."""
        with self._opened_accounts() as treasury:
            return obey(treasury, order)

    def _measure(self) -> None:
        """Set what is measured by looking."""
        meter = self._meter
        meter.set(CONFIG_GENERATION, self._in_use.generation)
        meter.set(CONFIG_WAITING, len(self._in_use.waiting))
        self._measure_budgets()
        for child in self._children:
            meter.set(WORKER_UP, float(child.serves), (str(child.number),))
            if child.pid:
                vitals.note(meter, str(child.number), child.pid, child.cpu_s)

    def _measure_budgets(self) -> None:
        if self._in_use.pipeline.treasury is not None:
            with self._opened_accounts() as treasury:
                measure(treasury, self._meter)

    @contextlib.contextmanager
    def _opened_accounts(self) -> Iterator[Any]:
        """The accounts that the workers share, opened for once: what is open here would be in every child to come."""
        with self._accounts:
            treasury = self._in_use.pipeline.treasury
            try:
                yield treasury
            finally:
                if treasury is not None:
                    treasury.book.pages.close()
