"""The seam between an exchange and telemetry: who is told of it, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from extproc.exchange.record import ExchangeRecord, Trace, Usage
    from extproc.identity import Caller


class AnswerReader(Protocol):
    """Reads the numbers out of an answer as it passes by."""

    def feed(self, chunk: bytes) -> None:
        """See the next bytes of the answer, as the upstream sent them."""

    def close(self) -> Usage | None:
        """What the answer said, or None."""


class Observer(Protocol):
    """Telemetry, as an exchange knows it. None of its calls may raise or wait."""

    def begin(self, headers: Mapping[str, str], caller: Caller) -> Trace | None:
        """An intercepted request begins."""

    def reader(self, content_type: str, content_encoding: str) -> AnswerReader | None:
        """A reader for an answer of this type, or None. The answer is sent to us only where `reads_answers` holds."""

    def bill(self, model: str, usage: Usage, /) -> Mapping[str, float]:
        """Tokens and money of an answer, for Envoy's dynamic metadata."""

    def waits(self, exchange: ExchangeRecord) -> None:
        """An exchange has gone on, and of its end Envoy's access log is to tell."""

    def finish(self, exchange: ExchangeRecord) -> None:
        """An exchange has ended."""

    @property
    def refuses(self) -> bool:
        """Whether no request may go on, because what it does could not be put on record."""

    @property
    def reads_answers(self) -> bool:
        """Whether usage is to be read from answers; costs two messages more a request where nothing is restored."""


class Silence:
    """The observer that does nothing."""

    reads_answers = False
    refuses = False

    def begin(self, headers: Mapping[str, str], caller: Caller) -> None:
        """See Observer."""

    def bill(self, _model: str, _usage: Usage) -> Mapping[str, float]:
        """See Observer."""
        return {}

    def reader(self, content_type: str, content_encoding: str) -> None:
        """See Observer."""

    def waits(self, exchange: ExchangeRecord) -> None:
        """See Observer."""

    def finish(self, exchange: ExchangeRecord) -> None:
        """See Observer."""
