"""Bodies of a known API that differ in nothing but their texts are laid out the same, and need no second walk.

A shape is a body without its texts: its syntax, and those of its strings that the API itself defines (keys, roles, words).
Where the walk has found texts in one body of a shape, there they are in all of them. What is in no closed list of the API is
left out of a shape; a body with a key, a role or a long number of its own has none: nothing of anybody's is remembered.
"""

from __future__ import annotations

import re
from itertools import accumulate
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from extproc.payload.request_schemas import LLM, ROLES
from extproc.payload.scan import INSIDE
from extproc.payload.tree import Use
from extproc.payload.ways import Ways

if TYPE_CHECKING:
    from extproc.payload.document import Way
    from extproc.payload.scan import Found
    from extproc.payload.tree import Node

LARGEST_BODY: Final = 8 * 1024
"""Few of the larger ones are laid out as others are."""
LARGEST_SHAPE: Final = 1024
"""Bytes of a body without its texts: a long one is hardly ever sent again."""
MOST_SHAPES: Final = 256
"""Known at a time; with one more, all are forgotten."""
_TEXT: Final = b"\0"
"""Stands for a text: no JSON holds it."""
_STRINGS: Final = re.compile(rb'"(%b)"' % INSIDE)
_TOLD_APART: Final = re.compile(rb"[\x00-\x1f\\]")
"""In a body with none of these each quote begins or ends a string."""
_LONG_NUMBER: Final = re.compile(rb"[0-9]{5}")
_OWN: Final = Use.KEY | Use.NUMBER | Use.INTENT
_ROLES: Final = frozenset(role.encode() for role in ROLES)


class Shape(NamedTuple):
    """What the walk has found in bodies of a shape."""

    texts: tuple[tuple[int, int, Way], ...]
    """Of each text: which piece it is, what it is for, and the way to it. Roles are left out: the ways know them."""
    ways: Ways
    streams: bool


class Shapes:
    """The shapes that are known of the bodies of one tree. Shared by threads."""

    def __init__(self, tree: Node) -> None:
        self.words = _words(tree)
        """Strings that the tree defines."""
        self.known: dict[bytes, Shape] = {}
        """By what all bodies of a shape have in common."""

    def keep(self, key: bytes, shape: Shape) -> None:
        """Know one more."""
        if len(self.known) >= MOST_SHAPES:
            self.known.clear()
        self.known[key] = shape


class Outline:
    """One body, cut up into its strings (at odd places) and what stands between them."""

    __slots__ = ("_key", "_pieces", "_shapes", "shape")

    def __init__(self, body: bytes, shapes: Shapes) -> None:
        pieces = self._pieces = body.split(b'"') if _TOLD_APART.search(body) is None else _STRINGS.split(body)
        words = shapes.words
        spelled = pieces.copy()
        spelled[1::2] = [piece if piece in words else _TEXT for piece in pieces[1::2]]
        self._key = b'"'.join(spelled)
        self._shapes = shapes
        self.shape = shapes.known.get(self._key)
        """What is known of its shape."""

    @classmethod
    def of(cls, body: bytes, shapes: Shapes) -> Self | None:
        """That of a body that may be like others."""
        return cls(body, shapes) if len(body) <= LARGEST_BODY and _TEXT not in body else None

    def found(self, shape: Shape) -> list[Found]:
        """What the walk would find, but for roles."""
        ends = [*accumulate(map(len, self._pieces))]
        return [(ends[at - 1] + at, ends[at] + at, use, way) for at, use, way in shape.texts]

    def learn(self, found: list[Found], *, streams: bool) -> None:
        """Keep what the walk has found, if the texts are all that is this body's own."""
        if len(self._key) > LARGEST_SHAPE or _LONG_NUMBER.search(self._key):
            return
        pieces, words = self._pieces, self._shapes.words
        ends = [*accumulate(map(len, pieces))]
        places = {ends[at - 1] + at: at for at in range(1, len(pieces), 2)}
        ways = Ways()
        texts: list[tuple[int, int, Way]] = []
        for start, _, use, way in found:
            at = places.get(start)
            if use & _OWN:
                return
            if at is None:
                if not use & Use.STREAM:
                    return
            elif use & Use.ROLE:
                if pieces[at] not in _ROLES or way is None:
                    return
                ways.take_role(way[0], pieces[at].decode())
            else:
                texts.append((at, use, way))
        if {at for at in places.values() if pieces[at] not in words} - {at for at, _, _ in texts}:
            return
        for _, _, way in texts:
            ways.role(way)
        self._shapes.keep(self._key, Shape(tuple(texts), ways, streams))


def _words(tree: Node) -> frozenset[bytes]:
    """The strings that a tree defines, wherever in it."""
    words = {b"", *_ROLES}
    waiting, seen = [tree], {id(tree)}
    while waiting:
        node = waiting.pop()
        words |= node.keys.keys()
        words |= node.words or frozenset()
        for after in (*node.keys.values(), node.other, node.items):
            if id(after) not in seen:
                seen.add(id(after))
                waiting.append(after)
    return frozenset(words)


LLM_SHAPES: Final = Shapes(LLM)
"""Of the requests to the known APIs."""
