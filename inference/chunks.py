"""Answers of OpenAI's chat and completions: whole, and in chunks of text, thought and calls. Does no I/O."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from inference import answers
from inference.said import call_id, read_whole
from inference.tools.deltas import Arguments, Call, Content, Reasoning

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inference.errors import InferenceError
    from inference.generation import Piece, Usage
    from inference.service import Job
    from inference.tools.deltas import Delta
    from inference.tools.parser import AnswerParser


class OpenAiAnswer:
    """An answer of /v1/chat/completions or /v1/completions."""

    def __init__(self, job: Job, shape: answers.Shape) -> None:
        self._job = job
        self._shape = shape
        self._parsers: list[AnswerParser | None] = [job.new_parser() for _ in job.tasks]
        self._usages: list[Usage] = []

    def whole(self, choices: Sequence[Sequence[Piece]]) -> dict[str, Any]:
        """The answer to a request that is not streamed."""
        shaped = [
            self._shape.choice(index, read_whole(self._parsers[index], "".join(piece.text for piece in pieces)), pieces)
            for index, pieces in enumerate(choices)
        ]
        usages = [piece.usage for pieces in choices for piece in pieces if piece.usage is not None]
        return self._shape.whole(shaped, answers.usage_body(usages, self._job.prompts))

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
