r"""What stands within a text: JSON in a string, at any depth; data; base64 of a text. Each is edited in place.

A layer knows the segments in one text and brings their edits back to that text, each in its own spelling: an address in JSON
in JSON is replaced between its own `\\\"`, and nothing else is written anew.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

from extproc.edits import Edit, apply
from extproc.payload import data
from extproc.payload.document import Change, edits_of
from extproc.payload.literal import escape, spell
from extproc.payload.tree import Use
from extproc.slices import in_slices

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extproc.payload.document import Kind, Way

Changes: TypeAlias = Sequence[Change | None]
"""One change per segment of the body."""


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
            for place, edits in edits_by_place(self._places, changes, self._raw)
            for start, end, new in edits
        ]

    def regions(self) -> Iterator[tuple[int, int, str]]:
        """See Layer."""
        for place in self._places:
            yield from ((place.start + a, place.start + b, what) for a, b, what in regions_of(place, self._raw(place)))


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


def regions_of(place: Place, raw: str) -> Iterator[tuple[int, int, str]]:
    """The regions of a literal, in its spelling."""
    if place.use & Use.NUMBER:
        yield 0, len(raw), "number"
        return
    regions = list(place.layer.regions())
    spelled = spell(raw, [(start, end, "") for start, end, _ in regions])
    for (start, end, _), (_, _, what) in zip(spelled, regions, strict=True):
        yield start, end, what


def edits_by_place(
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
