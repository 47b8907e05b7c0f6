"""The data of events, one after the other: of each event only what changes is written anew, in its own place.

A text that goes on from event to event (`deltas.py` says which) is one text. While its end may be the beginning of
something, the event that carries it waits, and so do those behind it: they leave in the order in which they came, each as
it came but for what was restored in it. What is put back stands whole in the first event that its placeholder touched.
"""

from __future__ import annotations

import json
import re
from collections import deque
from typing import TYPE_CHECKING, Any

from extproc.errors import IntentmeshError
from extproc.payload import deltas
from extproc.payload.channel import Spelled
from extproc.payload.document import steps
from extproc.payload.event import Event, Literal, Shape
from extproc.payload.json_text import JsonEditor
from extproc.payload.logprobs import logprobs
from extproc.payload.nested_text import NestedEditor, text_editor
from extproc.payload.scan import check_utf8, unescape_key, walk
from extproc.payload.track import Track
from extproc.payload.tree import Use, without

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from extproc.edits import Edit
    from extproc.payload.document import EditorFactory, TextEditor
    from extproc.payload.event import Key
    from extproc.payload.tree import Node

_DONE = b"[DONE]"
_ESCAPED = re.compile(r"\\u00(?:3[0-9]|[4-7])")
"""A letter or a digit that is spelled as an escape, or `[`, `]`, `_`: then what looks like no placeholder may be one."""
_INSIDE = re.compile(rb'[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+)*+')
MOST_OPEN = 128
"""Texts that go on from event to event at the same time; each event may end any of them."""
_MOST_PASSED = 4
"""Events of texts beside it that wait for one: a model that goes on to its answer does not come back to its reasoning."""
_MOST_WAITING = 512
"""Events, and bytes of them, that wait for the end of a text; then what is held back leaves as it is."""
_MOST_BYTES = 2**20
_MOST_HELD, _MOST_HELD_BYTES = 2**16, 2**25
"""The same where an editor holds texts to their end on purpose."""
_RECORD_SEPARATOR = b"\x1e"


class EventEditor:
    """Edits one event after the other. Knows nothing of how they are framed."""

    def __init__(self, tree: Node, masked: Node | None, editors: EditorFactory, *, lines: bool) -> None:
        """`masked`: what is left as it is. `lines`: each event is a line."""
        self._tree = tree
        self._masked = masked
        self._editors = editors
        self._lines = lines
        self._trees: dict[int, Node] = {}
        self._tracks: dict[Key, Track] = {}
        self._shifts: dict[Key, dict[str, int]] = {}
        self._shape: Shape | None = None
        self._queue: deque[Event] = deque()
        self._waiting_bytes = 0
        held = getattr(editors, "holds", False)
        self._most_waiting, self._most_bytes = (_MOST_HELD, _MOST_HELD_BYTES) if held else (_MOST_WAITING, _MOST_BYTES)

    def take(self, block: bytes, data: bytes, write: Callable[[bytes], bytes]) -> bytes:
        """The next event: what can leave now. `write` gives the block with other data."""
        event = Event(block, write)
        self._read(event, data)
        if not self._queue:
            if event.open == 0:
                return event.written()
            self._waiting_bytes = 0
        self._queue.append(event)
        self._waiting_bytes += len(block)
        if len(self._queue) > self._most_waiting or self._waiting_bytes > self._most_bytes:
            self._end(lambda _: True)
            self._waiting_bytes = 0
        return self._leaving()

    def add(self, tail: bytes) -> bytes:
        """What belongs to the last event, late: it waits with it."""
        if not self._queue:
            return tail
        self._queue[-1].tail += tail
        return b""

    def flush(self) -> bytes:
        """The stream is at its end: all that waits."""
        self._end(lambda _: True)
        return self._leaving()

    def _leaving(self) -> bytes:
        out = []
        while self._queue and self._queue[0].open == 0:
            out.append(self._queue.popleft().written())
        return b"".join(out)

    def _read(self, event: Event, data: bytes) -> None:
        """Find the texts of an event and give them to their editors."""
        if self._shape is not None and self._is_alike(event, data, self._shape):
            return
        stripped = data.strip().removeprefix(_RECORD_SEPARATOR)
        if stripped == _DONE:
            self._end(lambda _: True)
            return
        event.text = data.decode(errors="surrogateescape")
        if stripped[:1] in (b"{", b"[", b'"'):
            try:
                check_utf8(data)
                value = json.loads(stripped)
            except (IntentmeshError, ValueError, RecursionError):
                pass
            else:
                self._read_json(event, data, value)
                return
        edits, _ = NestedEditor(self._editors, None, 1).advance(event.text, end=True)
        event.edits += edits

    def _is_alike(self, event: Event, data: bytes, shape: Shape) -> bool:
        """Whether an event differs from one before in its text alone; then that is fed to its editor."""
        before, after, at, key, here, after_size = shape
        stop = len(data) - len(after)
        if stop < len(before) or not data.startswith(before) or not data.endswith(after):
            return False
        if _INSIDE.fullmatch(data, len(before), stop) is None:
            return False
        track = self._tracks.get(key)
        try:
            event.text = data.decode()
        except UnicodeDecodeError:
            return False
        if track is None:
            return False
        raw = event.text[at : len(event.text) - after_size]
        track.feed(Literal(event, at, len(raw)), raw)
        if self._queue:
            self._pass(here)
        return True

    def _read_json(self, event: Event, data: bytes, value: Any) -> None:
        kind = deltas.deltas(value, lines=self._lines)
        streamed: set[int] = set()
        here: dict[Key, None] = {}
        ends = deltas.ended(value)
        if kind is not None:
            for key, start, stop in self._continued(event, data, value, kind):
                streamed.add(start)
                here[key] = None
                track = self._tracks.get(key)
                if track is None:
                    track = self._tracks[key] = Track(Spelled(self._text_editor(key)))
                track.feed(Literal(event, start, stop - start), event.text[start:stop])
            if "logprobs" in event.text:
                streamed |= self._read_logprobs(event, value, kind.kind)
        outside: Sequence[Edit] = ()
        if self._editors.concerns(event.text) or _ESCAPED.search(event.text):
            outside, _ = JsonEditor(self._editors, self._tree, left=streamed, text_editor=text_editor).advance(
                event.text, end=True
            )
            event.edits += outside
        if ends is not None:
            self._end(ends)
        elif here:
            self._pass(here)
        self._shape = None
        if ends is None and len(streamed) == len(here) == 1 and not outside:
            self._shape = Shape.of(event.text, next(iter(streamed)), next(iter(here)))
        while len(self._tracks) > MOST_OPEN:
            oldest = next(iter(self._tracks))
            self._end(lambda key, oldest=oldest: key == oldest)  # type: ignore[misc]

    def _continued(self, event: Event, data: bytes, value: Any, kind: deltas.Deltas) -> Iterator[tuple[Key, int, int]]:
        """Key, start and end of the texts of an event that go on."""
        try:
            literals, _ = walk(data, data.find(b"{"), self._selected(kind.tree))
        except IntentmeshError:  # what `json` takes for JSON, as NaN, and others do not
            return
        own = deltas.ids(value)
        plain = len(event.text) == len(data)
        for start, stop, _, way in literals:
            place = deltas.place_of(value, tuple(_step(step) for step in steps(way)))
            if place is not None:
                bounds = (start, stop) if plain else (len(data[:start].decode()), len(data[:stop].decode()))
                yield (kind.kind, own, place), *bounds

    def _selected(self, tree: Node) -> Node:
        """The tree without what is to stay masked."""
        if self._masked is None:
            return tree
        if id(tree) not in self._trees:
            self._trees[id(tree)] = without(tree, self._masked)
        return self._trees[id(tree)]

    def _read_logprobs(self, event: Event, value: Any, kind: str) -> set[int]:
        """The tokens of log-probabilities are texts that go on as the text does that they make up."""
        own = deltas.ids(value)
        of = deltas.choices_with(value, "logprobs")
        places = set()
        for nth, one in enumerate(logprobs(event.text, event.close_one)):
            places.add(one.start)
            choice = of[nth] if nth < len(of) else nth
            for name, tokens, texts in one.lists:
                key: Key = (kind, own, ("logprobs", choice, name))
                track = self._tracks.get(key)
                if track is None:
                    track = self._tracks[key] = Track(self._text_editor(key))
                for token, text in zip(tokens, texts, strict=True):
                    event.open += 1
                    track.feed(token, text)
            event.logprobs.append((one, self._shifts.setdefault((kind, own, choice), {})))
        return places

    def _text_editor(self, key: Key) -> TextEditor:
        return text_editor(self._editors, _key_of(key), Use.TEXT)

    def _pass(self, here: dict[Key, None]) -> None:
        """An event of some texts passes the others."""
        if not self._queue:
            return
        scopes = {deltas.scope(key) for key in here}
        for key, track in list(self._tracks.items()):
            if key not in here and track.waits and deltas.scope(key) in scopes:
                track.passed += 1
                if track.passed > _MOST_PASSED:
                    track.close()
                    del self._tracks[key]

    def _end(self, ends: Callable[[Key], bool]) -> None:
        for key in [key for key in self._tracks if ends(key)]:
            self._tracks.pop(key).close()


def _step(step: bytes | int) -> str | int:
    return step if isinstance(step, int) else (unescape_key(step) if b"\\" in step else step).decode()


def _key_of(key: Key) -> str | None:
    """The JSON key that says what a text is, if one does: not `delta`."""
    last = key[2][-1] if key[2] else None
    return last if isinstance(last, str) and last not in ("delta", "text", "tokens") else None
