"""The admin port: `/healthz`, `/readyz`, `/metrics`, `/config`, `/budgets`. Has its own thread, so answers under any load.

Budgets name callers, and can be reset: that is for whoever is on the same machine, since the port may be open to a Prometheus.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import re
import socket
import threading
import time
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from extproc.config.addresses import split_address
from extproc.errors import ConfigError
from extproc.process.budgets import NO_BUDGETS, Answer, Order
from extproc.telemetry.prometheus import negotiated

if TYPE_CHECKING:
    from collections.abc import Callable

    from extproc.telemetry.series import Snapshot

SECRET_KEYS = ("key", "token", "password", "secret", "credentials")
"""A setting whose name holds one of these is shown as `***`; files of secrets are named, never read."""

LITERAL_KEYS = ("allow", "deny", "allow_patterns", "patterns", "pattern", "examples", "exact")
"""Values that are, or could be, personal data themselves, or tell what is looked for: only their number is shown."""
MOST_CONNECTIONS = 16
MOST_ORDER_BYTES = 4096
BUDGETS = "/budgets"
Page = tuple[int, str, bytes]
"""Status, content type, body."""
FROM_AFAR: Answer = 403, {"error": "budgets are shown to and reset from the machine on which the processor runs"}
SILENCE_S = 5.0
"""How long a client may say nothing."""
CONNECTION_S = 60.0
"""How long a connection may last, whatever is said on it."""
WAIT_S = 0.2
"""Between two looks whether the port is free."""
_USERINFO = re.compile(r"(?<=://)[^/@\s]+@")


class Admin:
    """Listens as soon as it is made; `close` ends it. Raises ConfigError when the port is in use."""

    def __init__(
        self,
        address: str,
        *,
        snapshot: Callable[[], Snapshot],
        ready: Callable[[], tuple[bool, dict[str, Any]]],
        config: Callable[[], dict[str, Any]],
        budgets: Callable[[Order], Answer] = lambda _: NO_BUDGETS,
        older: bool = False,
    ) -> None:
        try:
            host, port = split_address(address)
        except ValueError as error:
            raise ConfigError(f"processor.admin: {error}") from None

        def metrics(accept: str) -> tuple[int, str, bytes]:
            body, content_type = negotiated(snapshot(), accept, older=older)
            return 200, content_type, body

        def readyz(_: str) -> tuple[int, str, bytes]:
            is_ready, details = ready()
            return (200 if is_ready else 503), "application/json", json.dumps({"ready": is_ready, **details}).encode()

        def show(_: str) -> tuple[int, str, bytes]:
            return 200, "application/json", json.dumps(without_secrets(config()), indent=2).encode()

        routes: dict[str, Callable[[str], Page]] = {
            "/healthz": lambda _: (200, "text/plain", b"ok\n"),
            "/readyz": readyz,
            "/metrics": metrics,
            "/config": show,
            BUDGETS: lambda _: _as_json(budgets({})),
        }

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = SILENCE_S

            def do_GET(self) -> None:
                """Answer one of the routes."""
                self._answer(*_page(self, routes))

            def do_POST(self) -> None:
                """Reset a budget."""
                self._answer(*_as_json(_ordered(self, budgets)))

            def _answer(self, status: int, content_type: str, body: bytes) -> None:
                self.send_response(status)
                self.send_header("content-type", content_type)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """No line for a scrape."""

        try:
            self._server = _Server((host, port), Handler)
        except OSError as error:
            raise ConfigError(f"processor.admin: cannot listen on {address}: {error.strerror}") from error
        self._thread = threading.Thread(target=self._server.serve_forever, name="admin", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The port that it listens on, also where 0 was asked for."""
        return int(self._server.server_address[1])

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class AdminPort:
    """An Admin that is opened when there is somebody to tell of; `close` may come before."""

    def __init__(self, address: str, **asks: Any) -> None:
        """`asks`: as Admin has them."""
        self._make = partial(Admin, address, **asks)
        self._admin: Admin | None = None
        self._closed = threading.Event()
        self._lock = threading.Lock()

    def open(self, *, patiently: bool) -> None:
        """Listen. Raises ConfigError where the port is in use; `patiently`: wait for it, in a thread."""
        if patiently:
            threading.Thread(target=self._wait, name="admin-wait", daemon=True).start()
        else:
            self._admin = self._make()

    def _wait(self) -> None:
        while not self._closed.is_set():
            with self._lock, contextlib.suppress(ConfigError):
                if not self._closed.is_set():
                    self._admin = self._make()
                return
            self._closed.wait(WAIT_S)

    def close(self) -> None:
        """Stop listening, or waiting for it."""
        self._closed.set()
        with self._lock:
            if self._admin is not None:
                self._admin.close()
            self._admin = None


def _page(request: BaseHTTPRequestHandler, routes: dict[str, Callable[[str], Page]]) -> Page:
    """What is answered to a GET."""
    path = request.path.partition("?")[0]
    if path == BUDGETS and not _is_near(request):  # it names callers
        return _as_json(FROM_AFAR)
    if (route := routes.get(path)) is not None:
        return route(request.headers.get("accept", ""))
    return 404, "text/plain", f"there is: {', '.join(routes)}\n".encode()


def _as_json(answer: Answer) -> Page:
    return answer[0], "application/json", json.dumps(answer[1]).encode()


def _is_near(request: BaseHTTPRequestHandler) -> bool:
    """Whether it comes from this machine, or from this pod."""
    address = ipaddress.ip_address(str(request.client_address[0]).partition("%")[0])
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def _ordered(request: BaseHTTPRequestHandler, budgets: Callable[[Order], Answer]) -> Answer:
    """What becomes of a POST."""
    size = request.headers.get("content-length", "0")
    order = request.rfile.read(int(size)) if size.isdigit() and int(size) <= MOST_ORDER_BYTES else b""
    if request.path != "/budgets/reset":
        return 404, {"error": "there is: POST /budgets/reset"}
    if not _is_near(request):
        return FROM_AFAR
    if request.headers.get_content_type() != "application/json":  # no web page can say that of itself
        return 415, {"error": "an order is application/json"}
    try:
        parsed = json.loads(order)
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict) or not isinstance(parsed.get("reset"), str):
        return 400, {"error": 'an order is {"reset": BUDGET} or {"reset": BUDGET, "account": ACCOUNT}'}
    return budgets(parsed)


class _Server(ThreadingHTTPServer):
    """With an end to connections, and to how many there are."""

    daemon_threads = True
    request_queue_size = 4 * MOST_CONNECTIONS

    def __init__(self, *args: Any) -> None:
        self._open: dict[Any, float] = {}
        super().__init__(*args)

    def process_request(self, request: Any, client_address: Any) -> None:
        """One connection more; where there are too many, in the place of the oldest: no probe waits for who says nothing."""
        if len(self._open) >= MOST_CONNECTIONS:
            self._end(next(iter(self._open)))
        self._open[request] = time.monotonic()
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """One less."""
        self._open.pop(request, None)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """Now and then: end what has lasted too long."""
        now = time.monotonic()
        for request in [request for request, since in [*self._open.items()] if now - since > CONNECTION_S]:
            self._end(request)

    def _end(self, request: Any) -> None:
        self._open.pop(request, None)
        with contextlib.suppress(OSError):
            request.shutdown(socket.SHUT_RDWR)  # its thread finds that out, and closes it


def without_secrets(config: Any) -> Any:
    """A configuration that may be shown."""
    if isinstance(config, dict):
        return {key: _shown(key, value) for key, value in config.items()}
    if isinstance(config, list | tuple):
        return [without_secrets(value) for value in config]
    if isinstance(config, str):
        return _USERINFO.sub("***@", config)
    return config


def _shown(key: str, value: Any) -> Any:
    if key in LITERAL_KEYS and isinstance(value, list | tuple):
        return f"{len(value)} values"
    if key in LITERAL_KEYS and isinstance(value, str):
        return "***"
    if key in LITERAL_KEYS and isinstance(value, dict):
        return {name: f"{len(values)} values" for name, values in value.items()}
    return "***" if value and isinstance(value, str) and _is_secret(key) else without_secrets(value)


def _is_secret(key: str) -> bool:
    return any(word in key.lower() for word in SECRET_KEYS) and not key.endswith(("_file", "_tokens"))
