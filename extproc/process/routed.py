"""Whether Envoy has routes for the models that requests are decided for: asked of its admin page, where that can be reached.

The processor reads mesh.yaml by itself, Envoy has a configuration of its own. A model that is new to one of them only is refused
by Envoy with 503, and better known before the first request for it.
"""

from __future__ import annotations

import json
import threading
import urllib.request
from http.client import HTTPException
from typing import TYPE_CHECKING, Any

from extproc.config.wire_names import MODEL_HEADER
from extproc.logs import logger
from extproc.telemetry.instruments import MODELS_UNROUTED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from extproc.config import Mesh
    from extproc.telemetry.meter import Meter

log = logger()

ASK_S = 20.0
"""How often Envoy is asked: it may have been told meanwhile."""
FIRST_S = 5.0
PATIENCE_S = 3.0
LARGEST_DUMP = 64 * 2**20
DEEPEST = 100
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Asks whom it is told to ask, whatever proxies the environment names."""


class Routed:
    """Asks from a thread of its own."""

    def __init__(self, mesh: Callable[[], Mesh], meter: Meter) -> None:
        """`mesh`: what is in use."""
        self.unrouted: tuple[str, ...] = ()
        """Models for which Envoy has no route; empty too while it cannot be asked."""
        self._mesh = mesh
        self._meter = meter
        self.still = threading.Lock()
        """Held while Envoy is asked: who forks meanwhile would take half of that along."""
        self._ask_now = threading.Event()
        self._closed = False
        threading.Thread(target=self._run, name="routed", daemon=True).start()

    def ask(self) -> None:
        """Another mesh is in use."""
        self._ask_now.set()

    def close(self) -> None:
        """Ask no more."""
        self._closed = True
        self._ask_now.set()

    def _run(self) -> None:
        wait_s = FIRST_S
        while not self._closed:
            self._ask_now.wait(wait_s)
            self._ask_now.clear()
            wait_s = ASK_S
            if not self._closed:
                with self.still:
                    self._look()

    def _look(self) -> None:
        mesh = self._mesh()
        routed = asked(mesh.envoy.admin)
        unrouted = tuple(name for name in mesh.models if name not in routed) if routed is not None else ()
        if routed is not None:
            self._meter.set(MODELS_UNROUTED, len(unrouted))
        if unrouted and unrouted != self.unrouted:
            log.warning("unrouted", models=unrouted)
        self.unrouted = unrouted


def asked(admin: str) -> set[str] | None:
    """The models that the Envoy with this admin page has routes for; None where it has no such routes, or cannot be asked."""
    try:
        with _direct.open(f"http://{admin}/config_dump", timeout=PATIENCE_S) as answer:
            dump = json.loads(answer.read(LARGEST_DUMP))
    except (OSError, ValueError, RecursionError, HTTPException):
        return None
    return set(_models(dump, DEEPEST)) or None


def _models(part: Any, depth: int) -> Iterator[str]:
    """Every value that a route wants the model's header to have."""
    if depth == 0:
        return
    if isinstance(part, list):
        for each in part:
            yield from _models(each, depth - 1)
    elif isinstance(part, dict):
        if part.get("name") == MODEL_HEADER:
            match = part.get("string_match")
            exact = match.get("exact") if isinstance(match, dict) else part.get("exact_match")
            if isinstance(exact, str):
                yield exact
        for each in part.values():
            yield from _models(each, depth - 1)
