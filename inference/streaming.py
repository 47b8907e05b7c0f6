"""An answer on its way, whole or as server-sent events: the sending. What the events say is the API's own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol

from starlette.responses import JSONResponse, Response

from inference.errors import InferenceError
from inference.generation import Failure, Piece
from inference.service import ClientGoneError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from starlette.types import Receive, Scope, Send

    from inference.generation import Event
    from inference.requests_log import Exchange

_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
]


class Answer(Protocol):
    """One answer in the words of an API: whole, or as events of what happens in its job."""

    def whole(self, choices: Sequence[Sequence[Piece]]) -> dict[str, Any]:
        """All of it, from the pieces of each choice."""

    def begin(self) -> bytes:
        """What comes before all else."""

    def piece(self, index: int, piece: Piece) -> bytes:
        """A piece of a choice."""

    def end(self) -> bytes:
        """What comes after all choices have ended."""

    def error(self, error: InferenceError) -> bytes:
        """That it failed in the middle."""


class WholeAnswer(JSONResponse):
    """A whole answer: it may repeat what a client sent, where half a surrogate pair is no character."""

    def render(self, content: Any) -> bytes:
        """As JSON."""
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


class EventStream(Response):
    """Sends what the job says as it comes. Its first events are there already, so a failure at once has a status."""

    def __init__(
        self,
        first: list[tuple[int, Event]],
        rest: AsyncGenerator[list[tuple[int, Event]], None],
        answer: Answer,
        exchange: Exchange,
    ) -> None:
        for _, event in first:
            if isinstance(event, Failure):
                raise event.error
        self._first = first
        self._rest = rest
        self._answer = answer
        self._exchange = exchange
        self.status_code = 200
        self.background = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        """Send the stream."""
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        status = 200
        try:
            begin = self._answer.begin() + self._render(self._first)
            await send({"type": "http.response.body", "body": begin, "more_body": True})
            async for events in self._rest:
                if body := self._render(events):
                    await send({"type": "http.response.body", "body": body, "more_body": True})
            await send({"type": "http.response.body", "body": self._answer.end(), "more_body": False})
        except ClientGoneError:
            status = 499
        except InferenceError as error:
            status = error.status
            await send({"type": "http.response.body", "body": self._answer.error(error), "more_body": False})
        finally:
            await self._rest.aclose()
            self._exchange.end(status)

    def _render(self, events: list[tuple[int, Event]]) -> bytes:
        parts = []
        for index, event in events:
            if isinstance(event, Failure):
                raise event.error
            if isinstance(event, Piece):
                self._exchange.note(event)
                parts.append(self._answer.piece(index, event))
        return b"".join(parts)
