"""An observer that hands everything on to another: what observers around it have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from extproc.exchange.observer import AnswerReader, Observer
    from extproc.exchange.record import ExchangeRecord, Trace, Usage
    from extproc.identity import Caller


class ObserverWrapper:
    """Passes each call on. Those who stand around an observer override what they have something to add to."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer

    @property
    def refuses(self) -> bool:
        """See Observer."""
        return self._observer.refuses

    @property
    def reads_answers(self) -> bool:
        """See Observer."""
        return self._observer.reads_answers

    def begin(self, headers: Mapping[str, str], caller: Caller) -> Trace | None:
        """See Observer."""
        return self._observer.begin(headers, caller)

    def reader(self, content_type: str, content_encoding: str) -> AnswerReader | None:
        """See Observer."""
        return self._observer.reader(content_type, content_encoding)

    def bill(self, model: str, usage: Usage, /) -> Mapping[str, float]:
        """See Observer."""
        return self._observer.bill(model, usage)

    def waits(self, exchange: ExchangeRecord) -> None:
        """See Observer."""
        self._observer.waits(exchange)

    def finish(self, exchange: ExchangeRecord) -> None:
        """See Observer."""
        self._observer.finish(exchange)
