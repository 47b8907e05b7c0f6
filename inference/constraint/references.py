"""References within a schema: `#`, JSON pointers and anchors. Nothing is ever fetched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

if TYPE_CHECKING:
    from inference.constraint.fault import Place

Keys = tuple[str | int, ...]


class References:
    """Finds what a reference means, and gives each target a name of our own."""

    def __init__(self, root: Any) -> None:
        self._root = root
        self._names: dict[Keys, str] = {}
        self._anchors: dict[str, Keys] | None = None
        base = root.get("$id", root.get("id")) if isinstance(root, dict) else None
        self._base = base.removesuffix("#") if isinstance(base, str) else ""

    def resolve(self, reference: Any, place: Place) -> tuple[Any, Keys]:
        """What a reference means, and where that stands."""
        if not isinstance(reference, str):
            raise place.fault("a reference is a string")
        address, _, fragment = reference.partition("#")
        if address and address != self._base:
            raise place.fault("only what is within the schema can be referred to: nothing is fetched")
        fragment = unquote(fragment)
        if fragment and not fragment.startswith("/"):
            keys = self._anchor(fragment, place)
        else:
            keys = tuple(step.replace("~1", "/").replace("~0", "~") for step in fragment.split("/")[1:])
        return self._walk(keys, place)

    def name(self, keys: Keys) -> str:
        """The name of a target's definition."""
        return self._names.setdefault(keys, f"d{len(self._names)}")

    def _walk(self, keys: Keys, place: Place) -> tuple[Any, Keys]:
        found, walked = self._root, []
        for key in keys:
            if isinstance(found, list) and (isinstance(key, int) or key.isdecimal()) and int(key) < len(found):
                found = found[int(key)]
            elif isinstance(found, dict) and key in found:
                found = found[key]
            else:
                raise place.fault("a reference to what is not there")
            walked.append(key)
        return found, tuple(walked)

    def _anchor(self, name: str, place: Place) -> Keys:
        if self._anchors is None:
            self._anchors = dict(_anchors(self._root))
        if name not in self._anchors:
            raise place.fault("a reference to an anchor that is not there")
        return self._anchors[name]


def _anchors(root: Any) -> list[tuple[str, Keys]]:
    found: list[tuple[str, Keys]] = []
    left: list[tuple[Any, Keys]] = [(root, ())]
    while left:
        part, keys = left.pop()
        if isinstance(part, dict):
            anchor = part.get("$anchor")
            if isinstance(anchor, str):
                found.append((anchor, keys))
            before_2019 = (part.get("$id"), part.get("id"))
            found += [(name[1:], keys) for name in before_2019 if isinstance(name, str) and name.startswith("#")]
            left += [(value, (*keys, key)) for key, value in part.items()]
        elif isinstance(part, list):
            left += [(value, (*keys, index)) for index, value in enumerate(part)]
    return found
