"""What the requests of all APIs have in common: a text, or a list of parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from extproc.payload.translate.conversation import Text
from extproc.payload.translate.fields import mistake

if TYPE_CHECKING:
    from collections.abc import Callable

    from extproc.payload.translate.conversation import Block
    from extproc.payload.translate.fields import Fields


def read_content(
    fields: Fields, name: str, part: Callable[[Fields], Block | None], parts: str = "parts"
) -> list[Block]:
    """What is said under a name. `part` reads one of a list, which an API calls `parts`."""
    value = fields.any(name)
    if value is None:
        return []
    if isinstance(value, str):
        return [Text(value, place=fields.at(name))]
    if not isinstance(value, list):
        raise mistake(fields.at(name), f"a text or a list of {parts}")
    return [block for item in fields.listed(name, value) if (block := part(item))]


def unwrapped(parts: list[dict[str, Any]], kind: str = "text") -> Any:
    """Parts as an API takes them: a text alone, of which nothing else is said, as it is."""
    plain = len(parts) == 1 and parts[0]["type"] == kind and "cache_control" not in parts[0]
    return parts[0]["text"] if plain else parts


def present(**values: Any) -> dict[str, Any]:
    """The fields that there are."""
    return {name: value for name, value in values.items() if value is not None}
