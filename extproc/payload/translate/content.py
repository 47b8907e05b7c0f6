"""What the requests of all APIs have in common: a text, or a list of parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from extproc.payload.translate.conversation import Media, Text
from extproc.payload.translate.data_url import text_of
from extproc.payload.translate.fields import mistake

if TYPE_CHECKING:
    from collections.abc import Callable

    from extproc.payload.translate.conversation import Block, Result
    from extproc.payload.translate.fields import Fields


def read_content(fields: Fields, name: str, part: Callable[[Fields], list[Block]], parts: str = "parts") -> list[Block]:
    """What is said under a name. `part` reads one of a list, which an API calls `parts`; it may say several things."""
    value = fields.any(name)
    if value is None:
        return []
    if isinstance(value, str):
        return [Text(value, place=fields.at(name))]
    if not isinstance(value, list):
        raise mistake(fields.at(name), f"a text or a list of {parts}")
    return [block for item in fields.listed(name, value) for block in part(item)]


def headed(*texts: str) -> str:
    """A text under what is told of it, where no place of its own is for that."""
    return "\n\n".join(text for text in texts if text)


def file_text(block: Block) -> str | None:
    """A file of text as what it says; None: it is none."""
    if not isinstance(block, Media) or block.kind != "document" or (text := text_of(block)) is None:
        return None
    return headed(block.name, text)


def with_failure(result: Result) -> list[Block]:
    """What came of a call, and before it that the call has failed, for APIs that can say so only in words."""
    return [Text("Error", place=result.place), *result.content] if result.failed else result.content


def unwrapped(parts: list[dict[str, Any]], kind: str = "text") -> Any:
    """Parts as an API takes them: a text alone, of which nothing else is said, as it is."""
    plain = len(parts) == 1 and parts[0]["type"] == kind and "cache_control" not in parts[0]
    return parts[0]["text"] if plain else parts


def present(**values: Any) -> dict[str, Any]:
    """The fields that there are."""
    return {name: value for name, value in values.items() if value is not None}
