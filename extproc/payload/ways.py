"""The ways to the texts of a body: which key, which message and which role a text has. Worked out once for each container."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extproc.payload.document import Segment
from extproc.payload.scan import unescape_key

if TYPE_CHECKING:
    from collections.abc import Container

    from extproc.payload.document import Kind, Way

_DEEPEST_SAID = 5  # messages, 3, content, 0, text
_LABELLED = 8
"""Arrays in arrays up to which a key says what stands in them."""


_NOTHING_ALONE = frozenset({b"value", b"Value", b"val", b"@value", b"#text", b"answer", b"response", b"data"})
SAYS_LITTLE = _NOTHING_ALONE | {
    *(
        b"number",
        b"Number",
        b"numero",
        b"num",
        b"no",
        b"nr",
        b"Nr",
        b"nummer",
        b"Nummer",
        b"current",
        b"primary",
        b"raw",
    ),
    *(b"date", b"n\xc3\xbamero", b"num\xc3\xa9ro"),
    *(b"idValue", b"id_value", b"idNumber", b"id_number", b"documentNumber", b"document_number"),
}
"""Keys that say what the object is of which they are part: `"passport": {"number": …}`, `{"type": "SSN", "value": …}`."""
NAMES_IT = frozenset(
    {
        *(b"type", b"name", b"key", b"label", b"field", b"kind", b"tipo", b"typ", b"title", b"question", b"attribute"),
        *(b"idType", b"id_type", b"documentType", b"document_type", b"Name", b"Key", b"fieldName", b"field_name"),
        *(b"@type", b"@name"),
    }
)
"""Keys of what such a value is called, beside it."""
_BETWEEN = frozenset(
    {b"details", b"detail", b"info", b"data", b"document", b"attributes", b"properties", b"fields", b"value"}
)
"""Keys of objects that only part what stands in them from what they are of: `"passport": {"details": {"number": …}}`."""
LONGEST_NAME = 60
"""Characters of that."""


_Container = tuple["str | None", "str | None", tuple["bytes | int", ...]]
"""An object or a list, to what stands in it: role, key, and its first steps."""
_Turn = tuple["bytes | int", ...]
_ROOT: _Container = (None, None, ())


class Ways:
    """The ways of one body."""

    __slots__ = ("containers", "named", "roles", "turns")

    def __init__(self, known: Ways | None = None) -> None:
        """`known`: those of another body that is laid out as this one is; what is nested in its texts is its own."""
        self.roles: dict[int, tuple[Way, str]] = {} if known is None else known.roles
        """By the way to a message, the role that it has."""
        self.turns: dict[int, tuple[Way, _Turn | None]] = {} if known is None else known.turns
        """By the way to a text, the turn of a person's that it belongs to; None: it is not what a person said."""
        self.containers: dict[int, tuple[Way, _Container]] = {} if known is None else known.containers.copy()
        self.named: dict[int, str] = {}
        """By the way to an object, what it says of itself that its value is."""

    def take_role(self, message: Way, role: str) -> None:
        """Note the role of a message. All that stands in one message has the very same way to it."""
        self.roles[id(message)] = message, role

    def anybody(self, roles: Container[str]) -> bool:
        """Whether a message has one of these roles, however it is spelled."""
        return any(is_one_of(role, roles) for _, role in self.roles.values())

    def segment(self, text: str, way: Way, kind: Kind = "text") -> Segment:
        """A text with its key and its role; to be asked for when all roles are known."""
        if way is None:
            return Segment(text, kind=kind)
        container, step = way
        role, key, _ = self._around(container)
        if kind == "text" or kind == "number":  # noqa: PLR1714 - twice as fast as a tuple
            if isinstance(step, bytes):
                step = _read(step)
                key = self._said_of(container, key, step) if step in SAYS_LITTLE else step.decode()
            # what the class does takes twice as long, and a body has many
            return tuple.__new__(Segment, (text, key, role, way, kind))
        return Segment(text, None, role, way, kind)

    def _said_of(self, container: Way, key: str | None, step: bytes) -> str:
        """What is said of a value whose own key says little: the key of its object, what stands beside it, and its own."""
        said = (key, self.named.get(id(container)), None if step in _NOTHING_ALONE else step.decode())
        return " ".join(filter(None, said)) or step.decode()

    def place(self, way: Way) -> tuple[bytes | int, ...]:
        """The first steps to a text: enough to tell what was said in a message."""
        if way is None:
            return ()
        container, step = way
        return (*self._around(container)[2], step)

    def role(self, way: Way) -> str | None:
        """The role of the message that a text is in."""
        return None if way is None else self._around(way[0])[0]

    def _around(self, way: Way) -> _Container:
        """What is told of all that stands in a container, from the next one around it that is known."""
        if way is None:
            return _ROOT
        known = self.containers
        if (entry := known.get(id(way))) is not None:
            return entry[1]
        unknown: list[Way] = [way]
        way = way[0]
        while way is not None and id(way) not in known:
            unknown.append(way)
            way = way[0]
        role, key, place = _ROOT if way is None else known[id(way)][1]
        roles = self.roles
        for here in reversed(unknown):
            assert here is not None
            step = here[1]
            if id(here) in roles:
                role = roles[id(here)][1]
            if isinstance(step, bytes) and (key is None or step not in _BETWEEN):
                key = _read(step).decode()
            if len(place) < _DEEPEST_SAID:
                place = (*place, step)
            known[id(here)] = here, (role, key, place)
        return role, key, place


def _read(step: bytes) -> bytes:
    """A key as it reads: many programs write all but ASCII as escapes. In a form a backslash is one."""
    if b"\\" not in step:
        return step
    try:
        return unescape_key(step)
    except ValueError:
        return step


def is_one_of(role: str, roles: Container[str]) -> bool:
    """Whether a role is one of these, however it is spelled."""
    return role in roles or role.strip().casefold() in roles


def label_of(way: Way) -> bytes | None:
    """The key that a number stands under, an array or some between them."""
    for _ in range(_LABELLED):
        if way is None:
            break
        way, step = way
        if isinstance(step, bytes):
            return step
    return None
