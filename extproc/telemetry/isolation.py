"""A fault in telemetry costs telemetry, never a request: it is counted, logged by its place, and the exchange goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extproc.logs import logger, where
from extproc.telemetry.instruments import TELEMETRY_DROPPED
from extproc.telemetry.wrapper import ObserverWrapper

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from extproc.exchange.observer import AnswerReader, Observer
    from extproc.exchange.record import ExchangeRecord, Trace, Usage
    from extproc.identity import Caller
    from extproc.telemetry import Meter

log = logger()


class Isolated(ObserverWrapper):
    """An observer none of whose calls raises, around one whose calls may."""

    def __init__(self, observer: Observer, meter: Meter) -> None:
        super().__init__(observer)
        self._meter = meter

    def begin(self, headers: Mapping[str, str], caller: Caller) -> Trace | None:
        """See Observer."""
        try:
            return super().begin(headers, caller)
        except Exception as error:  # noqa: BLE001 - whatever it is, the request is not to blame
            self._note("begin", error)
            return None

    def reader(self, content_type: str, content_encoding: str) -> AnswerReader | None:
        """See Observer."""
        try:
            reader = super().reader(content_type, content_encoding)
        except Exception as error:  # noqa: BLE001 - as above
            self._note("reader", error)
            return None
        return _IsolatedReader(reader, self._note) if reader is not None else None

    def bill(self, model: str, usage: Usage, /) -> Mapping[str, float]:
        """See Observer."""
        try:
            return super().bill(model, usage)
        except Exception as error:  # noqa: BLE001 - as above
            self._note("bill", error)
            return {}

    def waits(self, exchange: ExchangeRecord) -> None:
        """See Observer."""
        try:
            super().waits(exchange)
        except Exception as error:  # noqa: BLE001 - as above
            self._note("waits", error)

    def finish(self, exchange: ExchangeRecord) -> None:
        """See Observer."""
        try:
            super().finish(exchange)
        except Exception as error:  # noqa: BLE001 - as above
            self._note("finish", error)

    def _note(self, call: str, error: Exception) -> None:
        self._meter.add(TELEMETRY_DROPPED, 1, (call,))
        log.error("telemetry_failed", call=call, error=type(error).__name__, at=where(error))


class _IsolatedReader:
    """A reader that stops reading at its first fault."""

    def __init__(self, reader: AnswerReader, note: Callable[[str, Exception], None]) -> None:
        self._reader: AnswerReader | None = reader
        self._note = note

    def feed(self, chunk: bytes) -> None:
        """See AnswerReader."""
        if self._reader is not None:
            try:
                self._reader.feed(chunk)
            except Exception as error:  # noqa: BLE001 - as above
                self._reader = None
                self._note("reader", error)

    def close(self) -> Usage | None:
        """See AnswerReader."""
        if self._reader is not None:
            try:
                return self._reader.close()
            except Exception as error:  # noqa: BLE001 - as above
                self._reader = None
                self._note("reader", error)
        return None
