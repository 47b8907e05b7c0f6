"""The segments of a body, collected; each text is taken apart into the layers that stand within it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from extproc.errors import UnreadableBodyError
from extproc.payload import data
from extproc.payload.layers import Nested, Pieces, Place, Whole
from extproc.payload.literal import unescape
from extproc.payload.numbers import plain
from extproc.payload.scan import end_of_space, walk
from extproc.payload.tree import FREE, Use
from extproc.payload.ways import LONGEST_NAME, NAMES_IT, SAYS_LITTLE, Ways, label_of
from extproc.slices import in_slices

if TYPE_CHECKING:
    from collections.abc import Sequence

    from extproc.payload.document import Kind, Segment, Way
    from extproc.payload.layers import Layer
    from extproc.payload.scan import Found

MAX_LAYERS = 16
"""JSON in JSON in JSON...: what lies deeper is searched as text. Every level doubles the backslashes of the next."""
_PREFIX = re.compile(r"\s*data:[a-z]+/[a-z0-9.+-]{1,40}(?:;charset=[\w-]{1,20})?;base64,|\s*")
"""What stands before base64 and says nothing of anybody."""
_OPENS = re.compile(r'[ \t\r\n]*+[{\["]')
_MAY_OPEN = frozenset(' \t\r\n{["')


class Texts:
    """Collects the segments of a body. Keys, identifiers and numbers that are the same are one."""

    def __init__(self) -> None:
        self.found: list[tuple[str, Way, Kind]] = []
        self.unsearched: dict[str, int] = {}
        self._known: dict[tuple[str, str, bytes | int | None], int] = {}
        self._named: dict[int, str] = {}
        """By the way to an object, what it says that its value is."""

    def add(self, text: str, way: Way, kind: Kind = "text") -> int:
        """Number of the segment that this text is."""
        if kind != "text":
            mark = (kind, text, _label(way) if kind == "number" else None)
            known = self._known.get(mark)
            if known is not None:
                return known
            self._known[mark] = len(self.found)
        elif way is not None and way[1] in NAMES_IT and len(text) <= LONGEST_NAME:
            self._named[id(way[0])] = text
        self.found.append((text, way, kind))
        return len(self.found) - 1

    def leave(self, reason: str, size: int) -> None:
        """Count what is not searched, and why."""
        self.unsearched[reason] = self.unsearched.get(reason, 0) + size

    def segments(self, ways: Ways | None = None) -> list[Segment]:
        """All of them."""
        ways = ways or Ways()
        ways.named = self._named
        return [ways.segment(*found) for found in in_slices(self.found)]

    def read(self, text: str, way: Way, depth: int = 0) -> Layer:
        """Take a text apart."""
        if text[:1] in _MAY_OPEN and depth < MAX_LAYERS and _OPENS.match(text) is not None:
            nested = _json(text, way, self, depth + 1)
            if nested is not None:
                return nested
        runs = data.runs(text)
        return _pieces(text, way, self, runs, depth) if runs else Whole(self.add(text, way), text)


def _label(way: Way) -> bytes | int | None:
    """What tells apart two numbers that read the same."""
    label = label_of(way)
    return id(way[0]) if way is not None and label in SAYS_LITTLE else label


def take_apart(found: Found, raw: str, texts: Texts, depth: int = 0) -> Place:
    """What a walk found, taken apart."""
    start, end, use, way = found
    if use & Use.NUMBER:
        digits = plain(raw)
        if use & Use.TYPED:  # programs agree on it, and its key is no label
            return Place(start, end, Whole(texts.add(digits, way, "identifier"), digits, "identifier"), use, way)
        return Place(start, end, Whole(texts.add(digits, way, "number"), digits, "number"), use)
    text = unescape(raw) if "\\" in raw else raw
    if use == Use.KEY:
        assert way is not None
        return Place(start, end, Whole(texts.add(text, way, "key"), text, "key"), use, way[0])
    if use & Use.IDENTIFIER:
        layer: Layer = Whole(texts.add(text, way, "identifier"), text, "identifier")
    else:
        layer = texts.read(text, way, depth)
    # what the class does takes twice as long, and a body has many
    return tuple.__new__(Place, (start, end, layer, use, None))


def _json(text: str, way: Way, texts: Texts, depth: int) -> Nested | None:
    """JSON in a string; None when it is none."""
    body = text.encode()
    found: list[Found] = []
    at = 0
    try:
        while at < len(body):
            some, at = walk(body, at, FREE, way)
            found += some
            at = end_of_space(body, at)
    except UnreadableBodyError:
        return None
    plain_text = len(body) == len(text)
    places: list[Place] = []
    seen = first = 0
    for one in in_slices(found):
        start, end = one[:2]
        raw = body[start:end].decode()
        if not plain_text:
            first += len(body[seen:start].decode())
            seen, start = end, first
            first = end = start + len(raw)
        if start < end:
            places.append(take_apart((start, end, *one[2:]), raw, texts, depth))
    return Nested(text, places)


def _pieces(text: str, way: Way, texts: Texts, runs: Sequence[data.Run], depth: int) -> Pieces:
    """A text with base64 in it, taken apart."""
    pieces: list[tuple[int, int, Layer | str, bool]] = []
    at = 0
    for run in runs:
        if not _PREFIX.fullmatch(text, at, run.start):
            pieces.append((at, run.start, _whole(text[at : run.start], way, texts), False))
        if run.reason is not None:
            texts.leave(run.reason, run.end - run.start)
            pieces.append((run.start, run.end, run.reason, False))
        else:
            layer = texts.read(run.text, way, depth + 1) if depth < MAX_LAYERS else _whole(run.text, way, texts)
            pieces.append((run.start, run.end, layer, True))
        at = run.end
    if text[at:].strip():
        pieces.append((at, len(text), _whole(text[at:], way, texts), False))
    return Pieces(text, pieces)


def _whole(text: str, way: Way, texts: Texts) -> Whole:
    return Whole(texts.add(text, way), text)
