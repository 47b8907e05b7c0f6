"""What guardrails read of a request: its texts by where they stand, each message and each result of a tool by itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from extproc.payload.scan import unescape_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from extproc.config.guardrails import Place
    from extproc.payload import Segment
    from extproc.payload.document import Way

_BY_ROLE: Final[dict[str, Place]] = {
    "user": "user",
    "human": "user",
    "system": "system",
    "developer": "system",
    "assistant": "assistant",
    "model": "assistant",
    "tool": "tool",
    "function": "tool",
    "ipython": "tool",
    "observation": "tool",
}
"""Any other role is a user's: an attack must not hide behind a word that we do not know."""
_SYSTEM_KEYS: Final = frozenset(
    {b"system", b"instructions", b"tools", b"functions", b"response_format", b"json_schema"}
)
"""At the top of a request."""
_DOCUMENT_KEYS: Final = frozenset(
    {b"documents", b"document", b"context", b"sources", b"source", b"file", b"search_result"}
)
_RESULT_KEYS: Final = frozenset({b"output", b"tool_result", b"functionResponse", b"function_response", b"toolResult"})
_CALL_KEYS: Final = frozenset({b"tool_calls", b"function_call", b"functionCall"})
_PARTS: Final = frozenset({b"content", b"parts"})
_LISTS: Final = frozenset({b"messages", b"input", b"contents"})
_SPACE: Final = re.compile(r"\s").search
_PART: Final = 4
"""Steps from the top to a part of a message: `messages`, its number, `content`, the part's number."""


class Passage(NamedTuple):
    """Texts that are read as one."""

    place: Place
    text: str
    path: str
    """As `messages[3]`: for people, and never the caller's own words."""


class _Group(NamedTuple):
    """What texts of one container have in common."""

    place: Place
    name: str


def passages_of(segments: Sequence[Segment], places: frozenset[Place]) -> list[Passage]:
    """The passages of a request that stand in one of these places."""
    groups = _Groups()
    texts: dict[_Group, list[str]] = {}
    for segment in segments:
        if segment.kind == "number" or not segment.text or (segment.kind == "identifier" and not _SPACE(segment.text)):
            continue  # a number, and a name or id without a space in it, tells nobody to do anything
        group = groups.of(segment)
        if group.place in places:
            texts.setdefault(group, []).append(segment.text)
    return [Passage(group.place, "\n".join(parts), group.name) for group, parts in texts.items()]


class _Groups:
    """Says to which passage a text belongs. Each container of a body is looked at once, however many texts it holds."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[int, tuple[bytes | int, ...]]] = {}
        """Way -> how deep it is, and its first steps."""

    def of(self, segment: Segment) -> _Group:
        first = self._first(segment.way)
        keys = first[1:] if first and first[0] in _LISTS else first
        if not _CALL_KEYS.isdisjoint(keys):
            return _Group("assistant", _name(first))
        if not _RESULT_KEYS.isdisjoint(keys) or _in_result(first):
            return _Group("tool", _name(first, _PART))
        if not _DOCUMENT_KEYS.isdisjoint(keys):
            return _Group("document", _name(first, _PART))
        role = segment.role
        if role is None and first and first[0] in _SYSTEM_KEYS:
            return _Group("system", _name(first))
        return _Group("user" if role is None else _BY_ROLE.get(role.lower(), "user"), _name(first))

    def _first(self, way: Way) -> tuple[bytes | int, ...]:
        chain = []
        node = way
        while node is not None and id(node) not in self._known:
            chain.append(node)
            node = node[0]
        depth, first = self._known[id(node)] if node is not None else (0, ())
        for node in reversed(chain):
            depth += 1
            if depth <= _PART + 2:
                step = node[1]
                first = (*first, unescape_key(step) if isinstance(step, bytes) else step)
            self._known[id(node)] = depth, first
        return first


def _in_result(first: tuple[bytes | int, ...]) -> bool:
    """Whether a text stands in a part of a message that has a `content` of its own: Anthropic's results of tools have."""
    return len(first) > _PART and first[2] == b"content" and first[4] == b"content"


def _name(first: tuple[bytes | int, ...], most: int = 2) -> str:
    """The message, or the part of it: as many steps as tell one passage from another, and no words of the caller's."""
    name = ""
    for step in first[:most]:
        if isinstance(step, int):
            name += f"[{step}]"
        elif step in _LISTS or step in _SYSTEM_KEYS or (name and step in _PARTS):
            name += ("." if name else "") + step.decode()
        else:
            break
    return name or "body"
