"""An answer as server-sent events."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from starlette.responses import Response

from inference import answers
from inference.errors import InferenceError
from inference.generation import Failure, Piece
from inference.service import ClientGoneError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from starlette.types import Receive, Scope, Send

    from inference.generation import Event
    from inference.requests_log import Exchange
    from inference.service import Job

_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
]


class EventStream(Response):
    """Sends what the job says as it comes. Its first events are there already, so a failure at once has a status."""

    def __init__(
        self,
        first: list[tuple[int, Event]],
        rest: AsyncGenerator[list[tuple[int, Event]], None],
        job: Job,
        shape: answers.Shape,
        exchange: Exchange,
    ) -> None:
        for _, event in first:
            if isinstance(event, Failure):
                raise event.error
        self._first = first
        self._rest = rest
        self._job = job
        self._shape = shape
        self._exchange = exchange
        self.status_code = 200
        self.background = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        """Send the stream."""
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        status = 200
        try:
            begin = b"".join(self._shape.begin(index) for index in range(len(self._job.tasks)))
            await send({"type": "http.response.body", "body": begin + self._render(self._first), "more_body": True})
            async for events in self._rest:
                if body := self._render(events):
                    await send({"type": "http.response.body", "body": body, "more_body": True})
            end = b""
            if self._shape.include_usage:
                end = self._shape.usage(answers.usage_body(self._exchange.usages, self._job.prompts))
            await send({"type": "http.response.body", "body": end + answers.DONE, "more_body": False})
        except ClientGoneError:
            status = 499
        except InferenceError as error:
            status = error.status
            await send({"type": "http.response.body", "body": answers.error_event(error), "more_body": False})
        finally:
            await self._rest.aclose()
            self._exchange.end(status)

    def _render(self, events: list[tuple[int, Event]]) -> bytes:
        parts = []
        for index, event in events:
            if isinstance(event, Failure):
                raise event.error
            if not isinstance(event, Piece):
                continue
            self._exchange.note(event)
            if event.text or event.logprobs:
                parts.append(self._shape.text(index, event))
            if event.finish is not None:
                end = self._shape.end(index, event)
                is_last = len(self._exchange.usages) == len(self._job.tasks)
                parts.append(self._counted(end) if is_last and not self._shape.include_usage else end)
        return b"".join(parts)

    def _counted(self, event: bytes) -> bytes:
        """The last choice's last event with the counts that llama.cpp's own server tells in it, for whoever meters a stream."""
        usage = answers.usage_body(self._exchange.usages, self._job.prompts)
        cached = usage["prompt_tokens_details"]["cached_tokens"]
        counts = {
            "cache_n": cached,
            "prompt_n": usage["prompt_tokens"] - cached,
            "predicted_n": usage["completion_tokens"],
        }
        return event.removesuffix(b"}\n\n") + b',"timings":' + json.dumps(counts).encode() + b"}\n\n"
