"""What would be right, beside what is wrong: for mistakes that people make who know other languages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection

_LITERAL: Final = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'')
_ASSIGNED: Final = re.compile(r"(?<![=!<>])=(?!=)")
_WORDS: Final = re.compile(r"\b(and|or|not)\b", re.IGNORECASE)


def of_syntax(text: str) -> str:
    """For what is no CEL at all."""
    bare = _LITERAL.sub('""', text)
    if _ASSIGNED.search(bare):
        return "; it compares with `==`"
    if _WORDS.search(bare):
        return "; it joins conditions with `&&` and `||`, and turns one around with `!`"
    return ""


def of_types(function: str, types: Collection[str]) -> str:
    """For an operator that does not take what it is given."""
    given = set(types)
    if given == {"int", "double"}:
        return "; write both alike: `3.0` is a double, `3` an int"
    if given == {"list(string)", "string"}:
        return '; ask for one of a list with `"name" in …`'
    if any("Timestamp" in kind for kind in given) and "string" in given:
        return '; a time is written `timestamp("2026-01-31T00:00:00Z")`'
    if "string" in given and given & {"int", "double"}:
        return "; a number stands without quotes, a text with them"
    if function == "!" and given == {"string"}:
        return '; whether a text is there, `… == ""` says'
    return ""


def of_names(text: str, name: str, known: Collection[str]) -> str:
    """For a name that is read as another language would; empty where it is not that."""
    if re.search(r"\brequest\.headers\.", _LITERAL.sub('""', text)):
        return 'headers are read by their names: `request.headers["x-tier"]`'
    for key in re.findall(rf"\b{re.escape(name)}\s*\[\s*[\"']([\w.]+)[\"']", text):
        if f"{name}.{key}" in known:
            return f"`{name}` is no map: write `{name}.{key}`"
    return ""


def of_presence(text: str) -> str:
    """For `has()` of what is always there."""
    if re.search(r"\bhas\s*\(", text):
        return "; `has()` is for claims: every other fact is there, and empty where nothing is known"
    return ""
