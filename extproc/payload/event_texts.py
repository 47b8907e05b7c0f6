"""The data of events: which texts in them go on from event to event, and where a text is at its end.

A text is known by its way through the event, with the event's own indices (`choices[].index`, `output_index`) in the
place of positions. What an editor holds back when a text ends without an event of its own to carry it leaves in a copy
of the last event that did.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from extproc.errors import IntentmeshError
from extproc.payload.channel import Channel, PlainChannel
from extproc.payload.document import steps
from extproc.payload.scan import check_utf8, unescape_key, walk
from extproc.payload.tree import Use

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from extproc.payload.document import EditorFactory
    from extproc.payload.tree import Node

_Key = tuple[Any, ...]
_Place = tuple[str | int, ...]
_ALL_END = frozenset(
    (
        "message_delta",
        "message_stop",
        "error",
        "response.completed",
        "response.incomplete",
        "response.failed",
        "response.cancelled",
    )
)
"""Events after which no text goes on."""
_ONE_ENDS = ("content_block_stop",)
_WHOLE = ("response.", "message_", "content_block_")
"""Kinds of events whose texts are whole, but for deltas."""
_INDICES = ("index", "output_index", "content_index", "summary_index")
_FINISHED = ("finish_reason", "stop", "done")
_DONE = b"[DONE]"
_ENVELOPE = ("id", "object", "model", "type", "event", "item_id", "created_at", "system_fingerprint")
"""Strings at the top of an event that belong to its copy; numbers all do."""
MOST_OPEN = 128
"""Texts that go on from event to event at the same time; each event may end any of them."""
_MARK = "\x00text\x00"
_MARK_SPELLED = b"\\u0000text\\u0000"


@dataclass(slots=True)
class _Text:
    """A text that goes on from event to event."""

    channel: Channel
    indices: _Key
    name: bytes
    event: Any
    place: _Place


class EventEditor:
    """Edits the data of one event after the other. Knows nothing of how they are framed."""

    def __init__(self, tree: Node, editors: EditorFactory) -> None:
        self._tree = tree
        self._editors = editors
        self._texts: dict[_Key, _Text] = {}
        self._plain: PlainChannel | None = None

    def edit(self, data: bytes, name: bytes) -> tuple[list[tuple[bytes, bytes]], bytes | None]:
        """Events to insert before this one (name line and data), and its new data; None: as it came."""
        if data.strip() == _DONE:
            return list(self.flush()), None
        if data.lstrip()[:1] in (b"{", b"["):
            try:
                check_utf8(data)
                found, _ = walk(data, 0, self._tree)
                event = json.loads(data)
            except (IntentmeshError, ValueError, RecursionError):
                pass
            else:
                return self._edit_json(data, name, event, found)
        if self._plain is None:
            self._plain = PlainChannel(self._editors())
        new = self._plain.feed(data.decode(errors="surrogateescape")).encode(errors="surrogateescape")
        return [], None if new == data else new

    def flush(self) -> Iterator[tuple[bytes, bytes]]:
        """Events with all that is held back."""
        if self._plain is not None and self._plain.held:
            yield b"", self._plain.feed("", end=True).encode(errors="surrogateescape")
        yield from self._ended(lambda _: True)
        self._texts.clear()

    def _edit_json(
        self, data: bytes, name: bytes, event: Any, found: list[Any]
    ) -> tuple[list[tuple[bytes, bytes]], bytes | None]:
        kind = event.get("type") if isinstance(event, dict) else None
        kind = kind if isinstance(kind, str) else ""
        indices = tuple(event.get(index) for index in _INDICES) if kind else ()
        goes_on = kind != "message_delta" and (kind.endswith("delta") or not kind.startswith(_WHOLE))
        ends = self._what_ends(kind, indices, event)
        pieces: list[bytes] = []
        here: set[_Key] = set()
        at = 0
        for start, end, use, way in found:
            raw = data[start:end]
            if use & Use.SETTING and b"[" not in raw:
                continue
            nested = bool(use & Use.NESTED) or "arguments" in kind
            place = _place(steps(way))
            identity = _identity(event, place) if goes_on and not use & Use.SETTING else None
            if identity is not None:
                key = (kind, indices, identity)
                text = self._texts.get(key)
                if text is None:
                    text = self._texts[key] = _Text(self._channel(use, nested=nested), indices, name, event, place)
                text.event, text.place = event, place
                new = text.channel.feed(raw.decode(), end=ends(key))
                here.add(key)
            else:
                channel = self._channel(use, nested=nested)
                new = channel.feed(raw.decode(), end=True)
            spelling = new.encode()
            if spelling != raw:
                pieces += (data[at:start], spelling)
                at = end
        inserted = []
        if ends is not _nothing:
            inserted = list(self._ended(lambda key: ends(key) and key not in here))
            self._texts = {key: text for key, text in self._texts.items() if not ends(key)}
        while len(self._texts) > MOST_OPEN:  # the one that was begun first is at its end
            oldest = next(iter(self._texts))
            inserted += self._ended(lambda key, first=oldest: key is first)  # type: ignore[misc]
            del self._texts[oldest]
        if not pieces:
            return inserted, None
        return inserted, b"".join((*pieces, data[at:]))

    def _channel(self, use: int, *, nested: bool) -> Channel:
        return Channel(self._editors(nested=nested, redact=not use & Use.SETTING))

    def _what_ends(self, kind: str, indices: _Key, event: Any) -> Callable[[_Key], bool]:
        """Which texts are at their end with this event."""
        if kind in _ALL_END or (
            not kind and isinstance(event, dict) and any(event.get(mark) is True for mark in _FINISHED)
        ):
            return lambda _: True
        if kind in _ONE_ENDS or (kind.startswith("response.") and kind.endswith(".done")):
            return lambda key: all(a is None or b is None or a == b for a, b in zip(key[1], indices, strict=False))
        choices = event.get("choices") if isinstance(event, dict) else None
        if not isinstance(choices, list):
            return _nothing
        finished = {
            choice.get("index", i)
            for i, choice in enumerate(choices)
            if isinstance(choice, dict) and choice.get("finish_reason") is not None
        }
        return (lambda key: key[2][:1] == ("choices",) and key[2][1] in finished) if finished else _nothing

    def _ended(self, ends: Callable[[_Key], bool]) -> Iterator[tuple[bytes, bytes]]:
        """Copies of events that carry what the texts at their end held back."""
        for key, text in self._texts.items():
            if text.channel.held and ends(key):
                rest = text.channel.feed("", end=True)
                event = _copy(text.event, text.place, _ENVELOPE)
                data = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
                yield text.name, data.replace(_MARK_SPELLED, rest.encode())


def _nothing(_key: _Key) -> bool:
    return False


def _place(way: tuple[bytes | int, ...]) -> _Place:
    return tuple(
        step if isinstance(step, int) else (unescape_key(step) if b"\\" in step else step).decode() for step in way
    )


def _identity(event: Any, place: _Place) -> _Key | None:
    """A place with each item's own `index`, where it has one, for its position. None: not a place of this event.

    That is so where a key stands twice: the walk sees both, a dictionary only the later.
    """
    identity: list[Any] = []
    for step in place:
        try:
            event = event[step]
        except (KeyError, IndexError, TypeError):
            return None
        own = event.get("index") if isinstance(step, int) and isinstance(event, dict) else None
        identity.append(step if own is None else own)
    return tuple(identity)


def _copy(event: Any, place: _Place, kept: tuple[str, ...]) -> Any:
    """An event like this one that carries nothing but the text at one place, for which a mark stands."""
    if not place:
        return _MARK
    step, rest = place[0], place[1:]
    inner = ("index",) if "tool_calls" in place[:2] or kept == ("index",) else ("index", "type")
    if isinstance(event, list):
        return [_copy(event[int(step)], rest, inner)]
    copy: dict[str, Any] = {}
    for key, value in event.items():
        if key == step:
            copy[key] = _copy(value, rest, inner)
        elif key in _FINISHED:
            copy[key] = None if key == "finish_reason" else False
        elif key in kept or (kept is _ENVELOPE and isinstance(value, (int, float))):
            copy[key] = value
    return copy
