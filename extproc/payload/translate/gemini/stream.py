"""Streams of generateContent: answers in pieces, of which the last says why it ended."""

from __future__ import annotations

from typing import Any

from extproc.payload.translate import seals
from extproc.payload.translate.answers import new_id, objects, part, text
from extproc.payload.translate.conversation import Began, Counted, Ended, Event, Piece, Usage
from extproc.payload.translate.fields import compact
from extproc.payload.translate.gemini.answer import finish_of, read_usage


class Reader:
    """Pieces of an answer -> events."""

    def __init__(self) -> None:
        self._began = False
        self._ended = False
        self._block = 0
        self._open = ""
        self._called = False

    def read(self, chunk: dict[str, Any]) -> list[Event]:
        """What a piece says."""
        events: list[Event] = []
        if not self._began:
            self._began = True
            events.append(
                Began(text(chunk.get("responseId")) or new_id("gen-"), text(chunk.get("modelVersion")), Usage())
            )
        candidates = objects(chunk.get("candidates"))
        candidate = candidates[0] if candidates else {}
        for piece in objects(part(candidate, "content").get("parts")):
            events += self._part(piece)
        finish = finish_of(chunk, candidate, called=self._called)
        if finish is not None and not self._ended:
            self._ended = True
            events.append(Ended(finish))
        if usage := part(chunk, "usageMetadata"):
            events.append(Counted(read_usage(usage)))
        return events

    def _part(self, piece: dict[str, Any]) -> list[Event]:
        events: list[Event] = []
        seal, content = text(piece.get("thoughtSignature")), text(piece.get("text"))
        thought = piece.get("thought") is True
        if thought and content:
            events.append(Piece("thought", self._at("thought"), content))
        if seal:
            events.append(Piece("signature", self._at("thought"), seals.GEMINI + seal))
            self._open = ""
        if call := part(piece, "functionCall"):
            self._called = True
            self._open = ""
            known = text(call.get("id")) or new_id("call_")
            arguments = compact(call.get("args") or {})
            events.append(Piece("call", self._at("call"), arguments, known, text(call.get("name"))))
            self._open = ""
        elif content and not thought:
            events.append(Piece("text", self._at("text"), content))
        return events

    def _at(self, kind: str) -> int:
        """The number of the block that goes on, or begins."""
        if self._open != kind:
            self._open = kind
            self._block += 1
        return self._block
