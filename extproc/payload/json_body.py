"""JSON bodies, edited in place: only the literals that change are written anew, and of those only the edited spans."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from extproc.errors import UnreadableBodyError
from extproc.payload.document import Segment, edits_of, is_change
from extproc.payload.literal import apply, escape, spell, unescape
from extproc.payload.scan import Found, check_utf8, walk
from extproc.payload.tree import EVERY, Use
from extproc.slices import in_slices

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from extproc.payload.document import Change, Edit, Way
    from extproc.payload.tree import Node

_BOM = b"\xef\xbb\xbf"
_WIDE = (b"\xff\xfe", b"\xfe\xff", b"\x00")
_SPACE = re.compile(rb"[ \t\r\n]*+")
_DATA_URL = re.compile(rb"data:[\w.+/-]*+(?:;[\w=.-]++)*+;base64,")
_BASE64 = re.compile(rb"(?:[A-Za-z0-9+/]++|\\/|\\[rn])*+=*+")
_BASE64_FROM = 256
"""Strings of this length and up that are nothing but base64 are data; shorter ones may be a key or a number."""
_SETTINGS = Use.MODEL | Use.STREAM | Use.ROLE
_INDEX_PLACE = 2  # messages, 3, ...
_DEEPEST_SAID = 5  # messages, 3, content, 0, text


class _Literal(NamedTuple):
    start: int
    end: int
    inner: tuple[tuple[int, int], ...] | None
    """For JSON in a string: where its own literals are, in characters of the text. None: the text is one segment."""


class _Container(NamedTuple):
    """An object or a list, to what stands in it."""

    role: str | None
    key: str | None
    place: tuple[bytes | int, ...]
    """Its first steps."""


_ROOT = _Container(None, None, ())


class JsonDocument:
    """One JSON value, or one per line."""

    def __init__(self, body: bytes, tree: Node, *, lines: bool = False) -> None:
        self.body = body
        self._literals: list[_Literal] = []
        self._models: list[tuple[int, int]] = []
        self._roles: dict[int, tuple[Way, str]] = {}
        self._containers: dict[int, _Container] = {}
        self._chosen: list[str] = []
        self._texts: list[tuple[str, Way]] = []
        self.model: str | None = None
        self.stream = False
        for found in in_slices(_values(body, tree, lines=lines)):
            self._take(found)
        self.segments = [self._segment(text, way) for text, way in in_slices(self._texts)]

    @cached_property
    def intent_text(self) -> str:
        """What `intent_from` names, else the last message of the user, else the prompt or input, else the first text."""
        if self._chosen:
            return "\n".join(self._chosen)
        message: tuple[bytes | int, ...] | None = None
        texts: list[str] = []
        for segment in reversed(self.segments):
            if message is None and segment.role != "user":
                continue
            place = self._place(segment)
            if message is not None and place[:_INDEX_PLACE] != message:
                break
            if segment.role == "user" and _said(place):
                message = place[:_INDEX_PLACE]
                texts.append(segment.text)
        if texts:
            return "\n".join(reversed(texts))
        for segment in self.segments:
            if self._place(segment)[:1] in ((b"prompt",), (b"input",)):
                return segment.text
        return self.segments[0].text if self.segments else ""

    def replace(self, changes: Sequence[Change | None], model: str | None = None) -> bytes:
        """See Document."""
        new = list(self._rewritten(changes))
        if model is not None and model != self.model:
            new += [(start, end, escape(model).encode()) for start, end in self._models]
            new.sort()
        if not new:
            return self.body
        pieces: list[bytes | memoryview] = []
        at = 0
        with memoryview(self.body) as body:
            for start, end, spelling in new:
                pieces += (body[at:start], spelling)
                at = end
            pieces.append(body[at:])
            return b"".join(pieces)

    def _rewritten(self, changes: Sequence[Change | None]) -> Iterator[tuple[int, int, bytes]]:
        first = 0
        for start, end, inner in self._literals:
            size = 1 if inner is None else len(inner)
            if any(map(is_change, changes[first : first + size])):
                raw = self.body[start:end].decode()
                edits = self._edits(raw, inner, first, changes)
                yield start, end, apply(raw, spell(raw, edits)).encode()
            first += size

    def _edits(
        self, raw: str, inner: tuple[tuple[int, int], ...] | None, first: int, changes: Sequence[Change | None]
    ) -> Sequence[Edit]:
        """Edits of the text of one literal."""
        if inner is None:
            return edits_of(changes[first] or (), self.segments[first].text)
        text = unescape(raw)
        edits: list[Edit] = []
        for i, (start, end) in enumerate(inner, first):
            own = edits_of(changes[i] or (), self.segments[i].text)
            edits += [(start + a, start + b, new) for a, b, new in spell(text[start:end], own)]
        return edits

    def _take(self, found: Found) -> None:
        start, end, use, way = found
        if use & _SETTINGS:
            self._take_setting(found)
            return
        if start == end or (end - start >= _BASE64_FROM and _is_data(self.body, start, end)):
            return
        text = unescape(self.body[start:end].decode())
        if use & Use.INTENT:
            self._chosen.append(text)
        if use & Use.NESTED and (inner := _inner(text, way)) is not None:
            spans, texts = inner
            self._literals.append(_Literal(start, end, spans))
            self._texts += texts
        elif use & (Use.TEXT | Use.NESTED):
            self._literals.append(_Literal(start, end, None))
            self._texts.append((text, way))

    def _take_setting(self, found: Found) -> None:
        start, end, use, way = found
        if use & Use.STREAM:
            self.stream = b"true" in self.body[start:end]
            return
        value = unescape(self.body[start:end].decode())
        if use & Use.MODEL:
            self.model = value
            self._models.append((start, end))
        elif way is not None:
            self._roles[id(way[0])] = way[0], value  # all that stands in one message has the very same way to it

    def _segment(self, text: str, way: Way) -> Segment:
        if way is None:
            return Segment(text)
        container, step = way
        around = self._around(container)
        key = step.decode() if isinstance(step, bytes) else around.key
        return Segment(text, key, around.role, way)

    def _place(self, segment: Segment) -> tuple[bytes | int, ...]:
        """The first steps to a text: enough to tell what was said in a message."""
        if segment.way is None:
            return ()
        container, step = segment.way
        return (*self._around(container).place, step)

    def _around(self, way: Way) -> _Container:
        """What is told of all that stands in a container. Worked out once for each, from the next one that is known."""
        unknown: list[Way] = []
        while way is not None and id(way) not in self._containers:
            unknown.append(way)
            way = way[0]
        around = _ROOT if way is None else self._containers[id(way)]
        for here in reversed(unknown):
            assert here is not None
            role = self._roles[id(here)][1] if id(here) in self._roles else around.role
            key = here[1].decode() if isinstance(here[1], bytes) else around.key
            place = (*around.place, here[1]) if len(around.place) < _DEEPEST_SAID else around.place
            around = self._containers[id(here)] = _Container(role, key, place)
        return around


def _values(body: bytes, tree: Node, *, lines: bool) -> Iterator[Found]:
    """What the walk finds in the one value of a body, or in each of its lines."""
    if body.startswith(_WIDE):
        raise UnreadableBodyError("the body is not UTF-8; it looks like UTF-16 or UTF-32")
    check_utf8(body)
    at = len(_BOM) if body.startswith(_BOM) else 0
    line = 0
    while True:
        found, at = walk(body, at, tree, (None, line) if lines else None)
        yield from found
        at = _end_of_space(body, at)
        line += 1
        if at == len(body):
            return
        if not lines:
            raise UnreadableBodyError(f"the body goes on after its JSON (byte {at})")


def _end_of_space(body: bytes, at: int) -> int:
    match = _SPACE.match(body, at)
    return at if match is None else match.end()


def _inner(text: str, way: Way) -> tuple[tuple[tuple[int, int], ...], list[tuple[str, Way]]] | None:
    """Texts of JSON in a string, and where they stand in it; None when it is no JSON."""
    body = text.encode()
    try:
        found, at = walk(body, 0, EVERY, way)
    except UnreadableBodyError:
        return None
    if _end_of_space(body, at) != len(body):
        return None
    spans, texts = [], []
    seen = first = 0
    for start, end, _, inner_way in found:
        if start < end:
            raw = body[start:end].decode()
            first += len(body[seen:start].decode())
            spans.append((first, first + len(raw)))
            texts.append((unescape(raw), inner_way))
            first += len(raw)
            seen = end
    return tuple(spans), texts


def _is_data(body: bytes, start: int, end: int) -> bool:
    return _DATA_URL.match(body, start, end) is not None or _BASE64.fullmatch(body, start, end) is not None


def _said(place: tuple[bytes | int, ...]) -> bool:
    """Whether a text of a message is what was said, not the result of a tool: `content`, or the `text` of a part."""
    return place[2:] in ((b"content",), (b"text",)) or (place[2:3] == (b"content",) and place[4:] == (b"text",))
