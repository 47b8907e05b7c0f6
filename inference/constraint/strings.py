"""What a schema says of strings: lengths, patterns and formats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inference.constraint import numbers
from inference.constraint.pattern import PatternError, rust_pattern

if TYPE_CHECKING:
    from inference.constraint.fault import Place

_DATE = (
    r"(?:[1-9]\d{3}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|02-(?:0[1-9]|1\d|2[0-8]))"
    r"|(?:[1-9]\d(?:0[48]|[2468][048]|[13579][26])|(?:[2468][048]|[13579][26])00)-02-29)"
)
_TIME = r"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)"
_PATTERNS = {
    "date": _DATE,
    "time": _TIME,
    "date-time": f"{_DATE}T{_TIME}",
    "json-pointer": r"(?:/(?:[^~/]|~[01])*)*",
}
"""Formats with a pattern of ours: llguidance's dates know no leap years."""
_NATIVE = frozenset(("duration", "email", "hostname", "ipv4", "ipv6", "uuid", "uri"))
_NOT_HELD = frozenset(
    (
        *("idn-email", "idn-hostname", "uri-reference", "iri", "iri-reference", "uri-template"),
        *("relative-json-pointer", "regex"),
    )
)
"""The rest of the formats that JSON Schema defines. Others say nothing of which strings are valid."""
_LONGEST_HOSTNAME = 253


def read(schema: dict[str, Any], place: Place, held: dict[str, Any], all_of: list[Any]) -> None:
    """Read the keywords of strings; what does not fit beside one another goes to `all_of`."""
    for keyword in ("minLength", "maxLength"):
        if keyword in schema:
            held[keyword] = numbers.count_of(schema[keyword], place.at(keyword))
    if held.get("minLength", 0) > held.get("maxLength", held.get("minLength", 0)):
        raise place.at("minLength").fault("`minLength` is more than `maxLength`")
    if "pattern" in schema:
        held["pattern"] = pattern_of(schema["pattern"], place.at("pattern"))
    if "format" in schema:
        _format(schema["format"], place.at("format"), held, all_of)


def pattern_of(pattern: Any, place: Place) -> str:
    """Read a pattern."""
    if not isinstance(pattern, str):
        raise place.fault("a pattern is a string")
    try:
        return rust_pattern(pattern)
    except PatternError as error:
        raise place.fault(f"pattern: {error}") from None


def _format(name: Any, place: Place, held: dict[str, Any], all_of: list[Any]) -> None:
    if not isinstance(name, str):
        raise place.fault("`format` is a name")
    if name in _NOT_HELD:
        raise place.fault(f"`format`: {name} cannot be held")
    if name in _PATTERNS:
        all_of.append({"pattern": rust_pattern(f"^{_PATTERNS[name]}$")})
    elif name in _NATIVE:
        held["format"] = name
        if name == "hostname":
            all_of.append({"maxLength": _LONGEST_HOSTNAME})
