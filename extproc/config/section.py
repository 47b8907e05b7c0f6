"""What every section of `mesh.yaml` has in common: frozen, an unknown key is a mistake, and so is a value of another type.

`workers: true` is no number and `enabled: "false"` is not false, whatever a library makes of them. What a reference stands for is
a text wherever it comes from, and is read as what is wanted where it stands.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema


class Referred(str):
    """What a reference stands for."""

    __slots__ = ()


def _exact(schema: Any) -> Any:
    """A schema in which every number, and every yes or no, is of its own type."""
    if isinstance(schema, list | tuple):
        return type(schema)([_exact(part) for part in schema])
    if not isinstance(schema, dict):
        return schema
    kind = schema.get("type")
    if not isinstance(kind, str):  # fields, or choices, by their names
        return {name: _exact(part) for name, part in schema.items()}
    if schema.get("function") in _READERS:
        return schema  # another section's, which has been here
    found = {name: part if name in _OPAQUE else _exact(part) for name, part in schema.items()}
    if kind not in _READ:
        return found
    return {"type": "function-before", "function": _READ[kind], "schema": found | {"strict": True}}


def _whole(value: Any) -> Any:
    read = _number(_read(value, int))
    return int(read) if isinstance(read, float) and read.is_integer() else read


def _number(value: Any) -> Any:
    return _read(value, float)


def _yes_or_no(value: Any) -> Any:
    return {"true": True, "false": False}.get(value.lower(), value) if isinstance(value, Referred) else value


def _read(value: Any, kind: Callable[[str], Any]) -> Any:
    if not isinstance(value, Referred) and not (isinstance(value, str) and _SCIENTIFIC.fullmatch(value)):
        return value
    try:
        return kind(value)
    except ValueError:
        return value


_SCIENTIFIC: Final = re.compile(r"[-+]?[0-9]{1,18}[eE][-+]?[0-9]{1,4}")
"""A text to one version of YAML, and a number to the other."""
_READ: Final[dict[str, dict[str, Any]]] = {
    kind: {"type": "no-info", "function": function}
    for kind, function in (("int", _whole), ("float", _number), ("bool", _yes_or_no))
}
_READERS: Final = tuple(_READ.values())
_OPAQUE: Final = frozenset({"metadata", "config", "cls", "default", "serialization", "expected"})
"""Parts of a schema that are no schemas."""


class Section(BaseModel):
    """A part of `mesh.yaml`. Immutable, so that a loaded configuration can be shared by every stream."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, validate_default=True, use_attribute_docstrings=True, allow_inf_nan=False
    )

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler, /) -> CoreSchema:
        """As pydantic makes it, but numbers and yes or no are nothing else."""
        schema: CoreSchema = _exact(handler(source))
        return schema
