"""What a caller's schema or grammar has that cannot be held, with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inference.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Sequence

_LONGEST_POINTER = 300


class NotHeldError(InvalidRequestError):
    """A form that the answer cannot be held to: nothing is coerced, nothing is left out."""


class Place:
    """Where something stands in a schema: `#/properties/name/pattern`, in the field `param` of a request."""

    __slots__ = ("keys", "param")

    def __init__(self, param: str, keys: Sequence[str | int] = ()) -> None:
        self.param = param
        self.keys = tuple(keys)

    def at(self, *keys: str | int) -> Place:
        """A place below this one."""
        return Place(self.param, (*self.keys, *keys))

    def __str__(self) -> str:
        pointer = "#" + "".join(f"/{_escape(str(key))}" for key in self.keys)
        return pointer if len(pointer) <= _LONGEST_POINTER else pointer[:_LONGEST_POINTER] + "…"

    def fault(self, reason: str) -> NotHeldError:
        """The error that says so."""
        return NotHeldError(f"{self.param}: {self}: {reason}", param=self.param)


def _escape(key: str) -> str:
    """As in RFC 6901, and nothing that a log could not print."""
    printable = "".join(character if character.isprintable() else "?" for character in key)
    return printable.replace("~", "~0").replace("/", "~1")
