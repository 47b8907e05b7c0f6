"""Streams of messages."""

from __future__ import annotations

from typing import Any, Final

from extproc.payload.translate.answers import FINISH_OF_MESSAGES, part, text
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
from extproc.payload.translate.fields import compact, encoded
from extproc.payload.translate.messages.answer import (
    message_id,
    read_usage,
    stop_reason,
    write_failure,
    write_usage,
)

_STARTS: Final = {
    "text": ("text", "text"),
    "thinking": ("thought", "thinking"),
    "redacted_thinking": ("redacted", "data"),
}
_DELTAS: Final = {
    "text_delta": ("text", "text"),
    "thinking_delta": ("thought", "thinking"),
    "signature_delta": ("signature", "signature"),
    "input_json_delta": ("call", "partial_json"),
}


class Reader:
    """Events of this API -> events."""

    def __init__(self) -> None:
        self._usage: dict[str, Any] = {}

    def read(self, event: dict[str, Any]) -> list[Event]:
        """What an event says."""
        match event.get("type"):
            case "message_start":
                message = part(event, "message")
                self._count(message)
                return [Began(text(message.get("id")), text(message.get("model")), read_usage(self._usage))]
            case "content_block_start":
                return self._start(event)
            case "content_block_delta":
                delta = part(event, "delta")
                if (known_delta := _DELTAS.get(text(delta.get("type")))) is None:
                    return []
                kind, name = known_delta
                return [Piece(kind, _index(event), text(delta.get(name)))]  # type: ignore[arg-type]
            case "message_delta":
                self._count(event)
                delta = part(event, "delta")
                finish = FINISH_OF_MESSAGES.get(text(delta.get("stop_reason")), "stop")
                ended = Ended(finish, text(delta.get("stop_sequence")) or None)
                return [ended, Counted(read_usage(self._usage))]
            case "message_stop":
                return [Over()]
        return []

    def _start(self, event: dict[str, Any]) -> list[Event]:
        block, index = part(event, "content_block"), _index(event)
        kind = text(block.get("type"))
        if kind == "tool_use":
            given = block.get("input")
            arguments = compact(given) if given else ""
            return [Piece("call", index, arguments, text(block.get("id")), text(block.get("name")))]
        if kind not in _STARTS:
            return []
        ours, name = _STARTS[kind]
        return [Piece(ours, index, text(block.get(name)))]  # type: ignore[arg-type]

    def _count(self, usage: dict[str, Any]) -> None:
        """Counts are cumulative, and later events leave out what has not changed."""
        self._usage |= {name: value for name, value in part(usage, "usage").items() if value is not None}


def _index(event: dict[str, Any]) -> int:
    index = event.get("index")
    return index if isinstance(index, int) else 0


class Writer:
    """Events -> events of this API, whose blocks come one after the other."""

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}
        self._open: int | None = None
        self._ended: Ended | None = None
        self._usage = Usage()
        self._refused = False

    def write(self, event: Event) -> bytes:
        """What the client gets of an event. That it has ended is told with what was used, which other APIs say right after."""
        match event:
            case Began():
                self._usage = event.usage
                message: dict[str, Any] = {
                    "id": message_id(event.id),
                    "type": "message",
                    "role": "assistant",
                    "model": event.model,
                    "content": [],
                    "stop_reason": None,
                    "stop_sequence": None,
                    "usage": write_usage(event.usage),
                }
                return _event("message_start", {"message": message})
            case Piece():
                return self._piece(event)
            case Ended():
                self._ended = event
                return self._stop()
            case Counted():
                self._usage = event.usage
                return self._delta()
            case Failure():
                return _event("error", write_failure(event))
            case Over():
                return self._stop() + self._delta() + _event("message_stop", {})

    def _delta(self) -> bytes:
        if self._ended is None:
            return b""
        ended, self._ended = self._ended, None
        reason = stop_reason(ended.finish, refused=self._refused)
        delta = {"stop_reason": reason, "stop_sequence": ended.sequence}
        return _event("message_delta", {"delta": delta, "usage": write_usage(self._usage)})

    def _stop(self) -> bytes:
        if self._open is None:
            return b""
        index, self._open = self._open, None
        return _event("content_block_stop", {"index": index})

    def _piece(self, piece: Piece) -> bytes:
        self._refused |= piece.kind == "refusal"
        index = self._numbers.get(piece.block)
        started = b""
        if index is None:
            if piece.kind == "text" and not piece.text:
                return b""
            index = self._numbers[piece.block] = len(self._numbers)
            started = self._stop() + self._start(piece, index)
            self._open = index
        return started + self._continued(piece, index)

    def _start(self, piece: Piece, index: int) -> bytes:
        block: dict[str, Any]
        if piece.kind == "call":
            block = {"type": "tool_use", "id": piece.id, "name": piece.name, "input": {}}
        elif piece.kind == "redacted":
            block = {"type": "redacted_thinking", "data": piece.text}
        elif piece.kind in ("thought", "signature"):
            block = {"type": "thinking", "thinking": "", "signature": ""}
        else:
            block = {"type": "text", "text": ""}
        return _event("content_block_start", {"index": index, "content_block": block})

    def _continued(self, piece: Piece, index: int) -> bytes:
        if not piece.text or piece.kind == "redacted":
            return b""
        kind, name = {
            "text": ("text_delta", "text"),
            "refusal": ("text_delta", "text"),
            "thought": ("thinking_delta", "thinking"),
            "signature": ("signature_delta", "signature"),
            "call": ("input_json_delta", "partial_json"),
        }[piece.kind]
        return _event("content_block_delta", {"index": index, "delta": {"type": kind, name: piece.text}})


def _event(kind: str, content: dict[str, Any]) -> bytes:
    data = encoded({"type": kind} | content)
    return b"event: " + kind.encode() + b"\ndata: " + data + b"\n\n"
