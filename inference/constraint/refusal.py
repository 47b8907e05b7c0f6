"""What llguidance refuses, in our words and with its place: its own messages show parts of the schema, and no path."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from inference.constraint.fault import NotHeldError, Place
from inference.constraint.grammar import part_of_schema
from inference.constraint.schema import parts_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from inference.constraint.grammar import Grammar

_SEARCH_S = 0.5
_REASONS = {
    "Unsatisfiable schema": "no document satisfies this",
    "not disjoint": "patterns of `patternProperties` that match the same name cannot be held",
    "min/maxProperties": "`minProperties` and `maxProperties` are held only where all declared properties are required",
    "if regex is empty": "patterns that are too complex together",
    "Failed to generate regex": "bounds of a number that cannot be held",
    "has too many digits": "a `multipleOf` of too many digits",
    "recursion limit": "nested too deeply",
    "too deeply nested": "nested too deeply",
    "too big": "too large",
    "too large": "too large",
    "fuel": "too complex",
    "too many": "too complex",
    "TooComplex": "too complex",
    "limit": "too complex",
    "NoExtension": "nothing can follow what was said",
    "regex parse error": "a pattern that cannot be held",
    "circular": "references that lead to themselves",
}


def reason_of(message: str) -> str:
    """Why, in words that hold nothing of what the caller sent."""
    return next((reason for part, reason in _REASONS.items() if part in message), "this cannot be held")


def find_fault(grammar: Grammar, is_refused: Callable[[Grammar], bool]) -> Place:
    """The innermost part of a schema that is refused by itself."""
    keys: tuple[str | int, ...] = ()
    part, end = grammar.schema, time.monotonic() + _SEARCH_S
    found = True
    while found:
        found = False
        for step in parts_of(part):
            if time.monotonic() > end:
                break
            try:
                found = is_refused(part_of_schema(grammar, (*keys, *step)))
            except NotHeldError:  # by itself it says more than within the whole
                continue
            if found:
                keys = (*keys, *step)
                for key in step:
                    part = part[key]
                break
    return Place(grammar.param, keys)
