"""Streams of chat completions."""

from __future__ import annotations

import time
from typing import Any, Final

from extproc.payload.translate.answers import CHAT_OF_FINISH, FINISH_OF_CHAT, mark, new_id, objects, part, text
from extproc.payload.translate.chat.answer import read_usage, write_failure, write_usage
from extproc.payload.translate.conversation import (
    Began,
    Counted,
    Ended,
    Event,
    Failure,
    Over,
    Piece,
    Usage,
)
from extproc.payload.translate.fields import encoded

DONE: Final = b"[DONE]"
_TEXTS: Final = (
    ("reasoning_content", "thought"),
    ("reasoning", "thought"),
    ("content", "text"),
    ("refusal", "refusal"),
)
_MOST_REPEATED: Final = 2**20
"""Characters of thought that are kept for the event that seals it."""


class Reader:
    """Chunks -> events. Of several choices the first counts."""

    def __init__(self) -> None:
        self._began = False
        self._blocks = 0
        self._open: str | None = None
        """The kind of text that is going on."""
        self._calls: dict[Any, int] = {}
        self._called = False

    def read(self, chunk: dict[str, Any]) -> list[Event]:
        """What a chunk says."""
        events: list[Event] = []
        if not self._began:
            self._began = True
            created = chunk.get("created")
            identifier = text(chunk.get("id")) or new_id("chatcmpl-")
            events.append(
                Began(identifier, text(chunk.get("model")), Usage(), created if isinstance(created, int) else 0)
            )
        for choice in objects(chunk.get("choices")):
            if mark(choice.get("index")) in (0, None):
                events += self._choice(choice)
        if isinstance(chunk.get("usage"), dict):
            events.append(Counted(read_usage(chunk["usage"])))
        return events

    def _choice(self, choice: dict[str, Any]) -> list[Event]:
        events: list[Event] = []
        delta = part(choice, "delta")
        for name, kind in _TEXTS:
            if piece := text(delta.get(name)):
                if self._open != kind:
                    self._open = kind
                    self._blocks += 1
                events.append(Piece(kind, self._blocks, piece))  # type: ignore[arg-type]
        for call in objects(delta.get("tool_calls")):
            function = part(call, "function")
            index = mark(call.get("index", 0))
            self._open = None
            known, name = "", ""
            if index not in self._calls:
                self._blocks += 1
                self._calls[index] = self._blocks
                known, name = text(call.get("id")) or new_id("call_"), text(function.get("name"))
            events.append(Piece("call", self._calls[index], text(function.get("arguments")), known, name))
        reason = choice.get("finish_reason")
        if isinstance(reason, str):
            finish = FINISH_OF_CHAT.get(reason, "stop")
            events.append(Ended("calls" if finish == "stop" and self._calls else finish))
        return events


class Writer:
    """Events -> chunks."""

    def __init__(self, *, usage: bool) -> None:
        """`usage`: the caller wants a last chunk with what was used."""
        self._wants_usage = usage
        self._base: dict[str, Any] = {}
        self._usage = Usage()
        self._calls: dict[int, int] = {}
        self._thoughts: dict[int, int] = {}
        self._thought = ""

    def write(self, event: Event) -> bytes:
        """What the client gets of an event."""
        match event:
            case Began():
                self._base = {
                    "id": event.id,
                    "object": "chat.completion.chunk",
                    "created": event.created or int(time.time()),
                    "model": event.model,
                }
                self._usage = event.usage
                return self._chunk({"role": "assistant", "content": ""})
            case Piece():
                return self._piece(event)
            case Ended():
                return self._chunk({}, CHAT_OF_FINISH[event.finish])
            case Counted():
                self._usage = event.usage
                return b""
            case Failure():
                return _event(write_failure(event))
            case Over():
                last = b""
                if self._wants_usage:
                    last = _event(self._base | {"choices": [], "usage": write_usage(self._usage)})
                return last + b"data: " + DONE + b"\n\n"

    def _piece(self, piece: Piece) -> bytes:
        if piece.kind == "text":
            return self._chunk({"content": piece.text}) if piece.text else b""
        if piece.kind == "refusal":
            return self._chunk({"refusal": piece.text})
        if piece.kind == "call":
            return self._call(piece)
        index = self._thoughts.get(piece.block)
        if index is None:
            index = self._thoughts[piece.block] = len(self._thoughts)
            self._thought = ""
        if piece.kind == "thought":
            if len(self._thought) <= _MOST_REPEATED:
                self._thought += piece.text
            return self._chunk({"reasoning_content": piece.text}) if piece.text else b""
        if piece.kind == "redacted":
            return self._chunk({"thinking_blocks": [{"index": index, "type": "redacted_thinking", "data": piece.text}]})
        if len(self._thought) > _MOST_REPEATED:
            return b""
        sealed = {"index": index, "type": "thinking", "thinking": self._thought, "signature": piece.text}
        self._thought = ""
        return self._chunk({"thinking_blocks": [sealed]})

    def _call(self, piece: Piece) -> bytes:
        index = self._calls.get(piece.block)
        if index is None:
            index = self._calls[piece.block] = len(self._calls)
            function = {"name": piece.name, "arguments": piece.text}
            return self._chunk(
                {"tool_calls": [{"index": index, "id": piece.id, "type": "function", "function": function}]}
            )
        return self._chunk({"tool_calls": [{"index": index, "function": {"arguments": piece.text}}]})

    def _chunk(self, delta: dict[str, Any], reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return _event(self._base | {"choices": [choice]})


def _event(chunk: dict[str, Any]) -> bytes:
    return b"data: " + encoded(chunk) + b"\n\n"
