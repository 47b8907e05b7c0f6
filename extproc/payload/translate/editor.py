"""The editor that brings an answer from the upstream's API to the caller's, as it passes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from extproc.errors import ERRORS_FROM, UnreadableAnswerError
from extproc.payload.translate.answers import failure_of, in_pieces, kind_of_status, new_id
from extproc.payload.translate.conversation import Began, Ended, Failure, Over, Piece, Usage
from extproc.payload.translate.events import MOST_EVENT_BYTES, EventReader
from extproc.payload.translate.fields import encoded, parsed

if TYPE_CHECKING:
    from collections.abc import Callable

    from extproc.payload.translate.conversation import Answer, Event
    from extproc.payload.translate.events import Received

_DONE: Final = b"[DONE]"
_NO_ANSWER: Final = "the upstream's answer is none of the API that the model is said to speak"
_BROKEN_OFF: Final = Failure("api_error", "the upstream's stream ended before its answer did")
_KEEP_ALIVE: Final = b": keep-alive\n\n"
_SPACE: Final = b" \t\r\n"
_BOM: Final = b"\xef\xbb\xbf"
_KINDS: Final = {
    "text": "text",
    "refusal": "refusal",
    "thought": "thought",
    "signature": "thought",
    "redacted": "redacted",
}
"""Of pieces, and the kind of block that they are of."""


class StreamReader(Protocol):
    """Reads the events of one upstream's stream."""

    def read(self, event: dict[str, Any], /) -> list[Event]:
        """What an event says."""


class StreamWriter(Protocol):
    """Writes the events of one caller's stream."""

    def write(self, event: Event, /) -> bytes:
        """What the caller gets of it."""


class AnswerTranslator:
    """A ResponseEditor. Whole answers are translated when they are whole, streams event by event; where a stream was asked for, a
    whole answer is told as one.
    """

    def __init__(
        self,
        read: Callable[[dict[str, Any]], Answer | None],
        write: Callable[[Answer], dict[str, Any]],
        write_failure: Callable[[Failure], dict[str, Any]],
        streams: tuple[StreamReader, StreamWriter],
        *,
        status: int,
        media: str,
        streamed: bool,
    ) -> None:
        """`status` and `media`: of the answer, as the upstream says them; `streamed`: the caller has asked for a stream."""
        self._read, self._write, self._write_failure = read, write, write_failure
        self._reader, self._writer = streams
        self._status = status
        self._media = media
        self._streamed = streamed and status < ERRORS_FROM
        self._begun: list[bytes] = []
        self._size = 0
        self._events: EventReader | None = None
        self._whole = False
        self._began = False
        self._ended = False
        self._over = False
        self._blocks = _Blocks()

    def feed(self, chunk: bytes, *, end: bool = False) -> bytes:
        """See ResponseEditor. Raises UnreadableAnswerError for what is no answer of the upstream's API."""
        if self._events is None and not self._whole:
            chunk = self._tell(chunk)
        if self._events is not None:
            out = [self._received(event) for event in self._events.feed(chunk)]
            if end:
                out += [self._received(event) for event in self._events.close()]
                if not self._over:  # an API whose streams do not say that they are over, or one that has broken off
                    out.append(self._written(Over() if self._ended else _BROKEN_OFF))
            return b"".join(out)
        if self._whole:
            self._begun.append(chunk)
            self._size += len(chunk)
            if self._size > MOST_EVENT_BYTES:
                raise UnreadableAnswerError("the upstream's answer is too long to be translated")
        return self._answer() if end else b""

    def _tell(self, chunk: bytes) -> bytes:
        """What kind of answer it is, by how it begins; what has to be read of it then."""
        data = b"".join((*self._begun, chunk))
        begun = data.removeprefix(_BOM).lstrip(_SPACE)
        if begun and not _BOM.startswith(data):
            self._begun = []
            if self._streamed and self._media == "text/event-stream" and begun[:1] not in b"{[":
                self._events = EventReader()
            else:
                self._whole = True
            return data
        self._begun = [data]
        return b""

    def _answer(self) -> bytes:
        """All of an answer that is no stream."""
        body = b"".join(self._begun)
        value = parsed(body)
        failure = failure_of(value)
        if failure is None and self._status < ERRORS_FROM and isinstance(value, dict):
            answer = self._read(value)
            if answer is not None and self._streamed:
                return b"".join([self._written(event) for event in in_pieces(answer)])
            if answer is not None:
                return encoded(self._write(answer))
        if failure is None and self._status < ERRORS_FROM:
            if not self._streamed:
                raise UnreadableAnswerError(_NO_ANSWER)
            failure = Failure("api_error", _NO_ANSWER)  # its headers have left, and say that it is a stream
        failure = failure or Failure(kind_of_status(self._status), f"the upstream answered {self._status}")
        return self._written(failure) if self._streamed else encoded(self._write_failure(failure))

    def _received(self, event: Received) -> bytes:
        if self._over:
            return b""
        data = event.data
        if data is None:
            return _KEEP_ALIVE
        if data.strip() == _DONE:
            return self._written(Over()) if self._began else b""
        value = parsed(data)
        failure = failure_of(value)
        if failure is not None:
            return self._written(failure)
        if not isinstance(value, dict):
            return self._written(Failure("api_error", "the upstream sent an event that cannot be read"))
        return b"".join([self._written(said) for said in self._reader.read(value)])

    def _written(self, event: Event) -> bytes:
        """What the caller gets of an event. An upstream that says twice that it begins, or ends, has said so once."""
        if self._over or (self._began and isinstance(event, Began)) or (self._ended and isinstance(event, Ended)):
            return b""
        if isinstance(event, Over) and not self._ended:  # it is whole, and says no reason
            return self._written(Ended("calls" if self._blocks.called else "stop")) + self._written(event)
        if isinstance(event, Piece):
            self._blocks.number(event)
        begun = b""
        if not self._began and not isinstance(event, Began | Failure):  # an upstream that does not say so
            begun = self._writer.write(Began(new_id(""), "", Usage()))
        self._began = True
        self._ended |= isinstance(event, Ended)
        self._over = isinstance(event, Over | Failure)
        return begun + self._writer.write(event)


class _Blocks:
    """Numbers the blocks of a stream, so that each has one kind and no text goes on once another block has begun: clients of all
    APIs rely on that, whatever an upstream's numbers are. Calls may come by turns.
    """

    def __init__(self) -> None:
        self._calls: dict[int, int] = {}
        self._open: tuple[int, str] | None = None
        self._last = 0

    @property
    def called(self) -> bool:
        """Whether there is a call among them."""
        return bool(self._calls)

    def number(self, piece: Piece) -> None:
        """Put the number of its block into a piece."""
        if piece.kind == "call":
            self._open = None
            if piece.block not in self._calls:
                self._calls[piece.block] = self._last = self._last + 1
            piece.block = self._calls[piece.block]
            return
        block = piece.block, _KINDS[piece.kind]
        if block != self._open:
            self._open = block
            self._last += 1
        piece.block = self._last


class CountTranslator:
    """A ResponseEditor for the answer that counts the tokens of a request."""

    def __init__(
        self,
        read: Callable[[dict[str, Any]], int | None],
        write: Callable[[int], dict[str, Any]],
        write_failure: Callable[[Failure], dict[str, Any]],
        *,
        status: int,
    ) -> None:
        self._read, self._write, self._write_failure = read, write, write_failure
        self._status = status
        self._pieces: list[bytes] = []

    def feed(self, chunk: bytes, *, end: bool = False) -> bytes:
        """See ResponseEditor."""
        self._pieces.append(chunk)
        if not end:
            return b""
        value = parsed(b"".join(self._pieces))
        failure = failure_of(value)
        if failure is None and isinstance(value, dict) and (tokens := self._read(value)) is not None:
            return encoded(self._write(tokens))
        if failure is None and self._status < ERRORS_FROM:
            raise UnreadableAnswerError(_NO_ANSWER)
        return encoded(
            self._write_failure(
                failure or Failure(kind_of_status(self._status), f"the upstream answered {self._status}")
            )
        )
