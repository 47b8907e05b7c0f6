"""An answer as server-sent events: the sending. What the events say is a writer's, one for each API."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Protocol

from starlette.responses import Response

from inference import answers
from inference.errors import InferenceError
from inference.generation import Failure, Piece
from inference.said import call_id
from inference.service import ClientGoneError
from inference.tools.deltas import Arguments, Call, Content, Reasoning

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from starlette.types import Receive, Scope, Send

    from inference.generation import Event, Usage
    from inference.requests_log import Exchange
    from inference.service import Job
    from inference.tools.deltas import Delta
    from inference.tools.parser import AnswerParser

_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
]


class Writer(Protocol):
    """Turns what happens in a job into the events of an API."""

    def begin(self) -> bytes:
        """What comes before all else."""

    def piece(self, index: int, piece: Piece) -> bytes:
        """A piece of a choice."""

    def end(self) -> bytes:
        """What comes after all choices have ended."""

    def error(self, error: InferenceError) -> bytes:
        """That it failed in the middle."""


class EventStream(Response):
    """Sends what the job says as it comes. Its first events are there already, so a failure at once has a status."""

    def __init__(
        self,
        first: list[tuple[int, Event]],
        rest: AsyncGenerator[list[tuple[int, Event]], None],
        writer: Writer,
        exchange: Exchange,
    ) -> None:
        for _, event in first:
            if isinstance(event, Failure):
                raise event.error
        self._first = first
        self._rest = rest
        self._writer = writer
        self._exchange = exchange
        self.status_code = 200
        self.background = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        """Send the stream."""
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        status = 200
        try:
            begin = self._writer.begin() + self._render(self._first)
            await send({"type": "http.response.body", "body": begin, "more_body": True})
            async for events in self._rest:
                if body := self._render(events):
                    await send({"type": "http.response.body", "body": body, "more_body": True})
            await send({"type": "http.response.body", "body": self._writer.end(), "more_body": False})
        except ClientGoneError:
            status = 499
        except InferenceError as error:
            status = error.status
            await send({"type": "http.response.body", "body": self._writer.error(error), "more_body": False})
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
                parts.append(self._writer.piece(index, event))
        return b"".join(parts)


class OpenAiWriter:
    """Chunks of chat and of plain completions."""

    def __init__(self, job: Job, shape: answers.Shape) -> None:
        self._job = job
        self._shape = shape
        self._parsers: list[AnswerParser | None] = [job.new_parser() for _ in job.tasks]
        self._usages: list[Usage] = []

    def begin(self) -> bytes:
        """Who speaks, for each choice; where it may be calls alone there is no text yet, not an empty one."""
        return b"".join(
            self._shape.begin(index, None if parser is not None and parser.takes_calls else "")
            for index, parser in enumerate(self._parsers)
        )

    def piece(self, index: int, piece: Piece) -> bytes:
        """What the piece adds, and at the choice's end why it ended."""
        parser = self._parsers[index]
        if parser is None:
            parts = [self._shape.text(index, piece)] if piece.text or piece.logprobs else []
        else:
            deltas = parser.feed(piece.text)
            if piece.finish is not None:
                deltas += parser.close()
            parts = self._deltas(index, piece, deltas)
        if piece.finish is not None:
            assert piece.usage is not None
            self._usages.append(piece.usage)
            called = parser is not None and parser.called
            end = self._shape.end(index, "tool_calls" if called and piece.finish == "stop" else piece.finish)
            is_last = len(self._usages) == len(self._job.tasks)
            parts.append(self._counted(end) if is_last and not self._shape.include_usage else end)
        return b"".join(parts)

    def end(self) -> bytes:
        """The usage, if it was asked for, and OpenAI's last line."""
        usage = b""
        if self._shape.include_usage:
            usage = self._shape.usage(answers.usage_body(self._usages, self._job.prompts))
        return usage + answers.DONE

    def error(self, error: InferenceError) -> bytes:
        """As the OpenAI client reads it."""
        return answers.error_event(error)

    def _deltas(self, index: int, piece: Piece, deltas: list[Delta]) -> list[bytes]:
        parts = []
        logprobs = piece.logprobs
        for delta in deltas:
            parts.append(self._shape.delta(index, _delta(delta), logprobs))
            logprobs = ()
        if logprobs:
            parts.append(self._shape.delta(index, {"content": ""}, logprobs))
        return parts

    def _counted(self, event: bytes) -> bytes:
        """The last choice's last event with the counts that llama.cpp's own server tells in it, for whoever meters a stream."""
        usage = answers.usage_body(self._usages, self._job.prompts)
        cached = usage["prompt_tokens_details"]["cached_tokens"]
        counts = {
            "cache_n": cached,
            "prompt_n": usage["prompt_tokens"] - cached,
            "predicted_n": usage["completion_tokens"],
        }
        return event.removesuffix(b"}\n\n") + b',"timings":' + json.dumps(counts).encode() + b"}\n\n"


def _delta(delta: Delta) -> dict[str, object]:
    match delta:
        case Content(text):
            return {"content": text}
        case Reasoning(text):
            return {"reasoning_content": text}
        case Call(index, name):
            function = {"name": name, "arguments": ""}
            return {"tool_calls": [{"index": index, "id": call_id(), "type": "function", "function": function}]}
        case Arguments(index, text):
            return {"tool_calls": [{"index": index, "function": {"arguments": text}}]}
