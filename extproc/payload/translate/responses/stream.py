"""Streams of responses."""

from __future__ import annotations

from typing import Any, Final

from extproc.payload.translate import seals
from extproc.payload.translate.answers import mark, new_id, part, text
from extproc.payload.translate.conversation import (
    Began,
    Counted,
    Ended,
    Event,
    Failure,
    Finish,
    Over,
    Piece,
    Refusal,
    Text,
    Usage,
)
from extproc.payload.translate.fields import encoded
from extproc.payload.translate.responses import answer as responses

_DELTAS: Final = {
    "response.output_text.delta": "text",
    "response.refusal.delta": "refusal",
    "response.reasoning_summary_text.delta": "thought",
    "response.reasoning_text.delta": "thought",
    "response.function_call_arguments.delta": "call",
}
MOST_REPEATED: Final = 16 * 2**20
"""Characters of an answer that are kept for the events that repeat it."""


class Reader:
    """Events of this API -> events."""

    def __init__(self) -> None:
        self._blocks: dict[Any, int] = {}
        self._told: set[int] = set()
        self._called = False

    def read(self, event: dict[str, Any]) -> list[Event]:
        """What an event says."""
        kind = text(event.get("type"))
        if kind in _DELTAS:
            ours = _DELTAS[kind]
            block = self._block(event, ours)
            self._told.add(block)
            return [Piece(ours, block, text(event.get("delta")))]  # type: ignore[arg-type]
        response = part(event, "response")
        match kind:
            case "response.created":
                return [Began(text(response.get("id")), text(response.get("model")), Usage())]
            case "response.output_item.added":
                item = part(event, "item")
                if item.get("type") != "function_call":
                    return []
                self._called = True
                return [
                    Piece("call", self._block(event, "call"), "", text(item.get("call_id")), text(item.get("name")))
                ]
            case "response.output_item.done":
                return self._done(event)
            case "response.completed" | "response.incomplete":
                finish = responses.finish_of(response, called=self._called)
                return [Ended(finish), Counted(responses.read_usage(response.get("usage"))), Over()]
        return []

    def _done(self, event: dict[str, Any]) -> list[Event]:
        """Some servers tell the arguments of a call only when they are whole; and a seal comes last."""
        item = part(event, "item")
        if item.get("type") == "function_call":
            block = self._block(event, "call")
            return [] if block in self._told else [Piece("call", block, text(item.get("arguments")))]
        if item.get("type") == "reasoning" and (seal := responses.seal_of(item)):
            return [Piece("signature", self._block(event, "thought"), seal)]
        return []

    def _block(self, event: dict[str, Any], kind: str) -> int:
        within = mark(event.get("content_index")) if kind in ("text", "refusal") else None
        key = (mark(event.get("output_index")), within)
        return self._blocks.setdefault(key, len(self._blocks))


class _Item:
    """An item of the output that is being written."""

    def __init__(self, index: int, item: dict[str, Any]) -> None:
        self.index = index
        self.item = item
        self.said: list[str] = []
        self.open = True

    @property
    def text(self) -> str:
        """All that was said in it."""
        return "".join(self.said)


class Writer:
    """Events -> events of this API, the last of which say again what was said in pieces."""

    def __init__(self, asked: dict[str, Any]) -> None:
        self._asked = asked
        self._sequence = 0
        self._response: dict[str, Any] = {}
        self._items: dict[int, _Item] = {}
        self._kinds: dict[int, str] = {}
        self._open: _Item | None = None
        self._size = 0
        self._usage = Usage()
        self._finish: Finish | None = None
        self._over = False

    def write(self, event: Event) -> bytes:
        """What the client gets of an event. The end is told with what was used, which other APIs say right after."""
        if self._over:
            return b""
        match event:
            case Began():
                self._response = responses.response(event.id, event.model, event.created, self._asked)
                fields = {"response": self._response}
                return self._event("response.created", fields) + self._event("response.in_progress", fields)
            case Piece():
                self._size += len(event.text)
                if self._size > MOST_REPEATED:
                    return self.write(Failure("api_error", "the answer is too long for this API to repeat"))
                return self._piece(event)
            case Ended():
                self._finish = event.finish
                return self._close()
            case Counted():
                self._usage = event.usage
                return self._end()
            case Failure():
                self._over = True
                error = {"code": event.code or event.kind, "message": event.message, "param": event.param}
                # as the API's manual has it, and as the API itself sends it: OpenAI's clients raise what is under `error`
                return self._event("error", {**error, "error": {"type": event.kind, **error}})
            case Over():
                return self._close() + self._end()

    def _end(self) -> bytes:
        if self._finish is None:
            return b""
        self._over = True
        made = self._response
        made["status"], made["incomplete_details"] = responses.ended(self._finish)
        made["output"] = [item.item for item in sorted(self._items.values(), key=lambda item: item.index)]
        made["usage"] = responses.write_usage(self._usage)
        return self._event(f"response.{made['status']}", {"response": made})

    def _piece(self, piece: Piece) -> bytes:
        item = self._items.get(piece.block)
        opening = b""
        if item is None:
            if not piece.text and piece.kind != "call":
                return b""
            opening = self._close()
            item, added = self._begin(piece)
            opening += added
        if piece.kind in ("signature", "redacted"):
            item.item["encrypted_content"] = seals.REDACTED * (piece.kind == "redacted") + piece.text
            return opening
        if not piece.text:
            return opening
        if piece.kind == "thought" and not item.said:
            fields = {"item_id": item.item["id"], "output_index": item.index, "summary_index": 0}
            empty = {"type": "summary_text", "text": ""}
            opening += self._event("response.reasoning_summary_part.added", fields | {"part": empty})
        item.said.append(piece.text)
        if not item.open:  # calls of which the pieces come by turns
            item.item["arguments"] = item.text
        kind, place = self._place(piece.kind)
        fields = {"item_id": item.item["id"], "output_index": item.index, **place, "delta": piece.text}
        if piece.kind == "text":
            fields["logprobs"] = []
        return opening + self._event(kind, fields)

    def _place(self, kind: str) -> tuple[str, dict[str, Any]]:
        return {
            "text": ("response.output_text.delta", {"content_index": 0}),
            "refusal": ("response.refusal.delta", {"content_index": 0}),
            "thought": ("response.reasoning_summary_text.delta", {"summary_index": 0}),
            "call": ("response.function_call_arguments.delta", {}),
        }[kind]

    def _begin(self, piece: Piece) -> tuple[_Item, bytes]:
        made: dict[str, Any]
        if piece.kind == "call":
            made = responses.call(new_id("fc_"), piece.id, piece.name, "", "in_progress")
        elif piece.kind in ("text", "refusal"):
            made = responses.message(new_id("msg_"), "in_progress")
        else:
            made = responses.reasoning(new_id("rs_"))
        item = self._items[piece.block] = self._open = _Item(len(self._items), made)
        self._kinds[piece.block] = piece.kind
        opening = self._event("response.output_item.added", {"output_index": item.index, "item": made})
        if piece.kind in ("text", "refusal"):
            empty = responses.content(Text("") if piece.kind == "text" else Refusal(""))
            fields = {"item_id": made["id"], "output_index": item.index, "content_index": 0, "part": empty}
            opening += self._event("response.content_part.added", fields)
        return item, opening

    def _close(self) -> bytes:
        """The item that was open is whole: say all of it again."""
        item, self._open = self._open, None
        if item is None:
            return b""
        item.open = False
        made, whole_text = item.item, item.text
        at = {"item_id": made["id"], "output_index": item.index}
        out = b""
        if made["type"] == "function_call":
            made["arguments"], made["status"] = whole_text or "{}", "completed"
            out = self._event("response.function_call_arguments.done", at | {"arguments": made["arguments"]})
        elif made["type"] == "reasoning":
            if whole_text:
                whole = {"type": "summary_text", "text": whole_text}
                made["summary"] = [whole]
                told = at | {"summary_index": 0}
                out = self._event("response.reasoning_summary_text.done", told | {"text": whole_text})
                out += self._event("response.reasoning_summary_part.done", told | {"part": whole})
        else:
            refused = "refusal" in self._kinds_of(item)
            content = responses.content(Refusal(whole_text) if refused else Text(whole_text))
            made["content"], made["status"] = [content], "completed"
            told = at | {"content_index": 0}
            if refused:
                out = self._event("response.refusal.done", told | {"refusal": whole_text})
            else:
                out = self._event("response.output_text.done", told | {"text": whole_text, "logprobs": []})
            out += self._event("response.content_part.done", told | {"part": content})
        return out + self._event("response.output_item.done", {"output_index": item.index, "item": made})

    def _kinds_of(self, item: _Item) -> set[str]:
        return {self._kinds[block] for block, other in self._items.items() if other is item}

    def _event(self, kind: str, content: dict[str, Any]) -> bytes:
        data = encoded({"type": kind, "sequence_number": self._sequence} | content)
        self._sequence += 1
        return b"event: " + kind.encode() + b"\ndata: " + data + b"\n\n"
