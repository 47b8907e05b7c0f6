"""Audit lines sent on, once they are on the disk: as log records to the OpenTelemetry receiver, to syslog.

By libraries, in a thread. What cannot be sent is counted and stays in the file, which is the trail; a receiver that is slow or
gone holds nothing up.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections import deque
from logging.handlers import SysLogHandler
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogExporter
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogExporter
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExportResult

from extproc.telemetry.instruments import TELEMETRY_DROPPED

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

    from extproc.config.telemetry import OtlpSettings
    from extproc.telemetry.meter import Meter

QUEUE_LINES = 20_000
BATCH_LINES = 500
WAIT_S = 0.5
AGAIN_S = 5.0
"""After a syslog that could not be reached, until it is tried again."""
SEND_S = 2.0
SYSLOG_PORT = 514
EVENT = "intentmesh.audit"


class Sink(Protocol):
    """Where lines are sent to."""

    name: str

    def send(self, lines: list[str]) -> int:
        """Send them; how many could not be."""

    def close(self) -> None:
        """No more."""


class OtlpLogs:
    """Log records, one a line: its JSON is the body."""

    name = "audit-otlp"

    def __init__(self, settings: OtlpSettings, resource: Resource, scope: InstrumentationScope) -> None:
        self._resource, self._scope = resource, scope
        self._exporter: GrpcLogExporter | HttpLogExporter
        if settings.protocol == "grpc":
            insecure = settings.endpoint.startswith("http://")
            self._exporter = GrpcLogExporter(endpoint=settings.endpoint, insecure=insecure, timeout=settings.timeout_s)
        else:
            url = f"{settings.endpoint.rstrip('/')}/v1/logs"
            self._exporter = HttpLogExporter(endpoint=url, timeout=settings.timeout_s)

    def send(self, lines: list[str]) -> int:
        """See Sink."""
        now = time.time_ns()
        records = [
            ReadableLogRecord(
                LogRecord(
                    timestamp=now,
                    observed_timestamp=now,
                    severity_text="INFO",
                    severity_number=SeverityNumber.INFO,
                    body=line,
                    event_name=EVENT,
                ),
                self._resource,
                self._scope,
            )
            for line in lines
        ]
        return 0 if self._exporter.export(records) is LogRecordExportResult.SUCCESS else len(lines)

    def close(self) -> None:
        """See Sink."""
        self._exporter.shutdown()


class Syslog:
    """The standard library's handler, to a socket of this machine or a host."""

    name = "audit-syslog"

    def __init__(self, address: str) -> None:
        self._address = address
        self._handler: _Handler | None = None
        self._again_at = 0.0

    def send(self, lines: list[str]) -> int:
        """See Sink."""
        if self._handler is None:
            if time.monotonic() < self._again_at:
                return len(lines)
            try:
                self._handler = _Handler(self._address)
            except OSError:
                self._again_at = time.monotonic() + AGAIN_S
                return len(lines)
        for line in lines:
            self._handler.emit(logging.LogRecord(EVENT, logging.INFO, "", 0, line, (), None))
        lost, self._handler.lost = self._handler.lost, 0
        if lost:
            self.close()
        return lost

    def close(self) -> None:
        """See Sink."""
        if self._handler is not None:
            self._handler.close()
        self._handler = None


class _Handler(SysLogHandler):
    """One that says what it could not send."""

    append_nul = False

    def __init__(self, address: str) -> None:
        """Raises OSError."""
        self.lost = 0
        place: str | tuple[str, int] = address
        kind = socket.SOCK_DGRAM
        if not address.startswith("/"):
            url = urlsplit(address)
            place = (url.hostname or "", url.port or SYSLOG_PORT)
            kind = socket.SOCK_STREAM if url.scheme == "tcp" else kind
        super().__init__(place, facility=SysLogHandler.LOG_AUTHPRIV, socktype=kind)
        self.ident = "intentmesh: "
        self._ends = "\n" if kind == socket.SOCK_STREAM else ""
        self.socket.settimeout(SEND_S)  # type: ignore[attr-defined]  # typeshed does not know it

    def format(self, record: logging.LogRecord) -> str:
        """The line, as it stands in the trail."""
        return record.getMessage() + self._ends

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 - logging's name
        """Count it."""
        self.lost += 1


class Shipping:
    """The queue and the thread that empties it into the sinks."""

    def __init__(self, sinks: list[Sink], meter: Meter) -> None:
        self._sinks = sinks
        self._meter = meter
        self._lines: deque[str] = deque()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="audit-ship", daemon=True)
        self._thread.start()

    def ship(self, lines: list[bytes]) -> None:
        """Send on, some time soon."""
        room = max(0, QUEUE_LINES - len(self._lines))
        self._lines.extend(line.decode().rstrip("\n") for line in lines[:room])
        if lost := len(lines) - room:
            for sink in self._sinks if lost > 0 else ():
                self._meter.add(TELEMETRY_DROPPED, lost, (sink.name,))

    def close(self, timeout_s: float = 5.0) -> None:
        """Send what is queued and end the thread; who does not take it is left behind."""
        self._closing.set()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        closing = False
        while not closing:
            closing = self._closing.wait(WAIT_S)
            while self._lines:
                batch = [self._lines.popleft() for _ in range(min(BATCH_LINES, len(self._lines)))]
                for sink in self._sinks:
                    self._send(sink, batch)
        for sink in self._sinks:
            sink.close()

    def _send(self, sink: Sink, batch: list[str]) -> None:
        try:
            lost = sink.send(batch)
        except Exception:  # noqa: BLE001 - whatever a receiver does, it is counted and the trail goes on
            lost = len(batch)
        if lost:
            self._meter.add(TELEMETRY_DROPPED, lost, (sink.name,))
