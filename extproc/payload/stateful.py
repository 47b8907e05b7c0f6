"""Whether an upstream remembers a request: then its answer may speak of what another request held."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from extproc.config.api import USUAL_PATHS
from extproc.config.paths import readings
from extproc.errors import IntentmeshError
from extproc.payload.document import steps
from extproc.payload.scan import walk
from extproc.payload.tree import SKIP, Node, Use

if TYPE_CHECKING:
    from extproc.config.intercept import Intercept

_KEPT: Final = frozenset({"responses", "conversations", "threads"})
"""Parts of the paths of APIs that keep what they are told: OpenAI's responses, conversations and assistants, and their like."""
_TELLING: Final = re.compile(rb'"(?:previous_response_id|conversation|thread_id|store)"')
_MENTIONED: Final = Node(Use.TEXT | Use.STREAM)
_TREE: Final = Node()
_TREE.with_keys({"previous_response_id": _MENTIONED, "conversation": _MENTIONED, "thread_id": _MENTIONED}, SKIP)
_TREE.with_keys({"store": Node(Use.STREAM)})


def is_stateful(rule: Intercept, path: str, body: bytes) -> bool:
    """By the rule; else by the path, and by what the body says of an earlier request and of being stored."""
    if rule.stateful is not None:
        return rule.stateful
    if _TELLING.search(body):
        fields = _fields(body)
        if any(value != b"null" for key, value in fields.items() if key != b"store"):
            return True
        if (store := fields.get(b"store")) in (b"true", b"false"):
            return store == b"true"
    usual = _USUAL.get(path)
    return _is_kept(path) if usual is None else usual


def _is_kept(path: str) -> bool:
    return any(not _KEPT.isdisjoint(reading.split("/")) for reading in readings(path.partition("?")[0]))


_USUAL: Final = {path: _is_kept(path) for path in USUAL_PATHS}


def _fields(body: bytes) -> dict[bytes, bytes]:
    """What stands under the keys that tell."""
    try:
        values, _ = walk(body, 0, _TREE)
    except IntentmeshError:
        return {}
    fields: dict[bytes, bytes] = {}
    for start, end, _, way in values:
        first = steps(way)[0]
        if isinstance(first, bytes):
            fields[first] = body[start:end].strip(b'" \t\r\n,}:')
    return fields
