"""The ways to the texts of a body: which key, which message and which role a text has. Worked out once for each container."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from extproc.payload.document import Segment

if TYPE_CHECKING:
    from collections.abc import Container

    from extproc.payload.document import Kind, Way

_DEEPEST_SAID = 5  # messages, 3, content, 0, text
_LABELLED = 8
"""Arrays in arrays up to which a key says what stands in them."""


class _Container(NamedTuple):
    """An object or a list, to what stands in it."""

    role: str | None
    key: str | None
    place: tuple[bytes | int, ...]
    """Its first steps."""


_ROOT = _Container(None, None, ())


class Ways:
    """The ways of one body."""

    def __init__(self) -> None:
        self._roles: dict[int, tuple[Way, str]] = {}
        self._containers: dict[int, tuple[Way, _Container]] = {}

    def take_role(self, message: Way, role: str) -> None:
        """Note the role of a message. All that stands in one message has the very same way to it."""
        self._roles[id(message)] = message, role

    def anybody(self, roles: Container[str]) -> bool:
        """Whether a message has one of these roles, however it is spelled."""
        return any(role.strip().casefold() in roles for _, role in self._roles.values())

    def segment(self, text: str, way: Way, kind: Kind = "text") -> Segment:
        """A text with its key and its role; to be asked for when all roles are known."""
        if way is None:
            return Segment(text, kind=kind)
        container, step = way
        around = self._around(container)
        key = step.decode() if isinstance(step, bytes) else around.key
        return Segment(text, None if kind in ("key", "identifier") else key, around.role, way, kind)

    def place(self, way: Way) -> tuple[bytes | int, ...]:
        """The first steps to a text: enough to tell what was said in a message."""
        if way is None:
            return ()
        container, step = way
        return (*self._around(container).place, step)

    def role(self, way: Way) -> str | None:
        """The role of the message that a text is in."""
        return None if way is None else self._around(way[0]).role

    def _around(self, way: Way) -> _Container:
        """What is told of all that stands in a container, from the next one around it that is known."""
        if way is None:
            return _ROOT
        known = self._containers
        if (found := known.get(id(way))) is not None:
            return found[1]
        unknown: list[Way] = [way]
        way = way[0]
        while way is not None and id(way) not in known:
            unknown.append(way)
            way = way[0]
        around = _ROOT if way is None else known[id(way)][1]
        roles = self._roles
        for here in reversed(unknown):
            assert here is not None
            step = here[1]
            spoken = roles.get(id(here))
            key = step.decode() if isinstance(step, bytes) else around.key
            place = (*around.place, step) if len(around.place) < _DEEPEST_SAID else around.place
            around = _Container(around.role if spoken is None else spoken[1], key, place)
            known[id(here)] = here, around
        return around


def label_of(way: Way) -> bytes | None:
    """The key that a number stands under, an array or some between them."""
    for _ in range(_LABELLED):
        if way is None:
            break
        way, step = way
        if isinstance(step, bytes):
            return step
    return None
