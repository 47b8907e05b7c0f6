r"""What stands within a text: JSON in a string, at any depth; data; base64 of a text. Each is edited in place.

A layer knows the segments in one text and brings their edits back to that text, each in its own spelling: an address in JSON
in JSON is replaced between its own `\\\"`, and nothing else is written anew.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

from extproc.edits import Edit, apply
from extproc.errors import UnreadableBodyError
from extproc.payload import data
from extproc.payload.document import Change, edits_of
from extproc.payload.literal import escape, spell, unescape
from extproc.payload.numbers import plain
from extproc.payload.scan import end_of_space, walk
from extproc.payload.tree import FREE, Use
from extproc.payload.ways import Ways, label_of
from extproc.slices import in_slices

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extproc.payload.document import Kind, Segment, Way
    from extproc.payload.scan import Found

MAX_LAYERS = 16
"""JSON in JSON in JSON...: what lies deeper is searched as text. Every level doubles the backslashes of the next."""
_PREFIX = re.compile(r"\s*data:[a-z]+/[a-z0-9.+-]{1,40}(?:;charset=[\w-]{1,20})?;base64,|\s*")
"""What stands before base64 and says nothing of anybody."""
_OPENS = re.compile(r'[ \t\r\n]*+[{\["]')
_MAY_OPEN = frozenset(' \t\r\n{["')

Changes: TypeAlias = Sequence[Change | None]
"""One change per segment of the body."""


class Texts:
    """Collects the segments of a body. Keys, identifiers and numbers that are the same are one."""

    def __init__(self) -> None:
        self.found: list[tuple[str, Way, Kind]] = []
        self.unsearched: dict[str, int] = {}
        self._known: dict[tuple[str, str, bytes | int | None], int] = {}

    def add(self, text: str, way: Way, kind: Kind = "text") -> int:
        """Number of the segment that this text is."""
        if kind != "text":
            mark = (kind, text, label_of(way) if kind == "number" else None)
            known = self._known.get(mark)
            if known is not None:
                return known
            self._known[mark] = len(self.found)
        self.found.append((text, way, kind))
        return len(self.found) - 1

    def leave(self, reason: str, size: int) -> None:
        """Count what is not searched, and why."""
        self.unsearched[reason] = self.unsearched.get(reason, 0) + size

    def segments(self, ways: Ways | None = None) -> list[Segment]:
        """All of them."""
        ways = ways or Ways()
        return [ways.segment(*found) for found in in_slices(self.found)]

    def read(self, text: str, way: Way, depth: int = 0) -> Layer:
        """Take a text apart."""
        if text[:1] in _MAY_OPEN and depth < MAX_LAYERS and _OPENS.match(text) is not None:
            nested = _json(text, way, self, depth + 1)
            if nested is not None:
                return nested
        runs = data.runs(text)
        return _pieces(text, way, self, runs, depth) if runs else Whole(self.add(text, way), text)


class Layer(Protocol):
    """What stands within one text."""

    @property
    def said(self) -> str:
        """The text, without what is no text in it."""

    def edits(self, changes: Changes) -> Sequence[Edit]:
        """The edits of this text that make these changes."""

    def regions(self) -> Iterator[tuple[int, int, str]]:
        """Parts of the text that were searched (their kind) or not (why). The rest is syntax."""


class Whole(NamedTuple):
    """A text that is a segment."""

    number: int
    """Of the segment."""
    text: str
    kind: Kind = "text"

    @property
    def said(self) -> str:
        """See Layer."""
        return self.text

    def edits(self, changes: Changes) -> Sequence[Edit]:
        """See Layer."""
        return edits_of(changes[self.number] or (), self.text)

    def regions(self) -> Iterator[tuple[int, int, str]]:
        """See Layer."""
        yield 0, len(self.text), self.kind


class Place(NamedTuple):
    """A string, a key or a number in JSON."""

    start: int
    end: int
    layer: Layer
    use: int = Use.TEXT
    owner: Way = None
    """For a key: the way to its object; for a number that an API says what it is, the way to it."""


class Nested:
    """JSON in a string: one value, or several one after the other."""

    def __init__(self, text: str, places: Sequence[Place]) -> None:
        self._text = text
        self._places = places

    @property
    def said(self) -> str:
        """See Layer."""
        return self._text

    def _raw(self, place: Place) -> str:
        return self._text[place.start : place.end]

    def edits(self, changes: Changes) -> Sequence[Edit]:
        """See Layer."""
        return [
            (place.start + start, place.start + end, new)
            for place, edits in rewritten(self._places, changes, self._raw)
            for start, end, new in edits
        ]

    def regions(self) -> Iterator[tuple[int, int, str]]:
        """See Layer."""
        for place in self._places:
            yield from ((place.start + a, place.start + b, what) for a, b, what in placed(place, self._raw(place)))


class Pieces:
    """A text with base64 in it: segments between, and in what the base64 decodes to."""

    def __init__(self, text: str, pieces: Sequence[tuple[int, int, Layer | str, bool]]) -> None:
        self._text = text
        self._pieces = pieces
        """Start, end, what stands there or why it is not searched, and whether it is base64."""

    @property
    def said(self) -> str:
        """See Layer."""
        return " ".join(layer.said for _, _, layer, _ in self._pieces if not isinstance(layer, str))

    def edits(self, changes: Changes) -> Sequence[Edit]:
        """See Layer."""
        edits: list[Edit] = []
        for start, end, layer, decoded in self._pieces:
            inner = () if isinstance(layer, str) else layer.edits(changes)
            if not inner:
                continue
            if decoded:
                assert not isinstance(layer, str)
                run = self._text[start:end]
                edits.append((start, end, data.spelled_as(run, apply(data.text_of(run), inner))))
            else:
                edits += [(start + a, start + b, new) for a, b, new in inner]
        return edits

    def regions(self) -> Iterator[tuple[int, int, str]]:
        """See Layer."""
        for start, end, layer, decoded in self._pieces:
            if isinstance(layer, str):
                yield start, end, layer
            elif decoded:
                yield start, end, "text"
            else:
                yield from ((start + a, start + b, what) for a, b, what in layer.regions())


def placed(place: Place, raw: str) -> Iterator[tuple[int, int, str]]:
    """The regions of a literal, in its spelling."""
    if place.use & Use.NUMBER:
        yield 0, len(raw), "number"
        return
    regions = list(place.layer.regions())
    spelled = spell(raw, [(start, end, "") for start, end, _ in regions])
    for (start, end, _), (_, _, what) in zip(spelled, regions, strict=True):
        yield start, end, what


def taken(found: Found, raw: str, texts: Texts, depth: int = 0) -> Place:
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


def rewritten(
    places: Sequence[Place], changes: Changes, raw_of: Callable[[Place], str]
) -> Iterator[tuple[Place, Sequence[Edit]]]:
    """The places that change, and the edits of what is spelled there."""
    keys: dict[tuple[int, str], str] | None = None
    for place in in_slices(places):
        edits = place.layer.edits(changes)
        if not edits:
            continue
        if place.use & Use.NUMBER:
            yield place, [(0, place.end - place.start, f'"{escape(_changed(place, edits))}"')]
            continue
        if place.use == Use.KEY:
            if keys is None:
                keys = _unique(places, changes)
            text = _text(place)
            new = keys[id(place.owner), text]
            if new != apply(text, edits):
                edits = [(0, len(text), new)]
        yield place, spell(raw_of(place), edits)


def _unique(places: Sequence[Place], changes: Changes) -> dict[tuple[int, str], str]:
    """What each key becomes: by object and key. Two keys of an object do not become one."""
    objects: dict[int, dict[str, str]] = defaultdict(dict)
    for place in places:
        if place.use == Use.KEY:
            objects[id(place.owner)].setdefault(_text(place), _changed(place, place.layer.edits(changes)))
    named: dict[tuple[int, str], str] = {}
    for owner, keys in objects.items():
        used = {old for old, new in keys.items() if new == old}
        counts: Counter[str] = Counter()
        for old, new in in_slices(keys.items()):
            key = new
            while new != old and key in used:
                counts[new] += 1
                key = f"{new} ({counts[new] + 1})"
            used.add(key)
            named[owner, old] = key
    return named


def _text(place: Place) -> str:
    assert isinstance(place.layer, Whole)
    return place.layer.text


def _changed(place: Place, edits: Sequence[Edit]) -> str:
    return apply(_text(place), edits)


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
            places.append(taken((start, end, *one[2:]), raw, texts, depth))
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
