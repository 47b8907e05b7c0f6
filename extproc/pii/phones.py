"""Telephone numbers: the plans of `phonenumbers`, read directly, and only for what already looks like a number.

Parsing with libphonenumber costs 30 µs and more a candidate, once per region; a look into the plan costs 1 µs.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from extproc.pii.finding import Finding
from extproc.pii.labels import ADJACENT, NEAR, Context

if TYPE_CHECKING:
    from collections.abc import Callable

_DIGITS = re.compile(r"[0-9]+")
_TRUNK = tuple(
    "GB DE FR NL BE CH AT SE FI IE AU NZ JP KR ZA TR IN PK BD PH ID MY TH VN AE SA EG NG KE IL UA RO BG GR".split()
)
"""Regions whose national numbers are written with a leading 0, the most frequent first."""
_DATE = re.compile(
    r"(?:(?:0?[1-9]|[12][0-9]|3[01])[./-](?:0?[1-9]|1[0-2])[./-](?:19|20)?[0-9]{2}|(?:19|20)[0-9]{2}[./-][0-9]{1,2}[./-][0-9]{1,2})"
)
_GROUPED = re.compile(r"[0-9]{1,15}(?:[ .\-/][0-9]{1,8}){0,6}")


@cache
def _plan(region: str) -> tuple[re.Pattern[str], frozenset[int]]:
    """Pattern and lengths of a region's national numbers; an empty plan for an unknown region."""
    import phonenumbers  # noqa: PLC0415 - the library loads when the first number is met

    metadata = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(
        int(region) if region.isdigit() else 0, region
    )
    general = metadata.general_desc if metadata else None
    if general is None or not general.national_number_pattern:
        return re.compile(r"(?!)"), frozenset()
    return re.compile(general.national_number_pattern), frozenset(general.possible_length)


@cache
def _regions() -> dict[str, tuple[str, ...]]:
    """Calling code -> its regions, the main one first."""
    import phonenumbers  # noqa: PLC0415

    codes = phonenumbers.COUNTRY_CODE_TO_REGION_CODE
    return {str(code): tuple(r if r != "001" else str(code) for r in regions) for code, regions in codes.items()}


def in_plan(region: str, national: str) -> bool:
    """Whether these digits, without trunk prefix, are a number of the region's plan."""
    pattern, lengths = _plan(region)
    return len(national) in lengths and pattern.fullmatch(national) is not None


def checker(regions: str) -> Callable[[str], bool]:
    """A check of national numbers against the plans of these regions: `FR`, `GB,TR`, or `trunk` for all with a leading 0."""
    names = _TRUNK if regions == "trunk" else tuple(regions.split(","))

    def check(value: str) -> bool:
        digits = "".join(_DIGITS.findall(value))
        national = digits.removeprefix("0")
        return any(in_plan(name, national) for name in names)

    return check


def _international(digits: str) -> bool:
    """Whether digits after `+` are a calling code and a number of its plan, or of its length."""
    regions = _regions()
    for width in (1, 2, 3):
        here = regions.get(digits[:width])
        if here is None:
            continue
        national = digits[width:].removeprefix("0") if width > 1 and here[0] != "IT" else digits[width:]
        pattern, lengths = _plan(here[0])
        return len(national) in lengths or len(digits) - width in lengths or pattern.fullmatch(national) is not None
    return False


def international(text: str, start: int, end: int, context: Context) -> Finding | None:
    """A token that begins with `+` or a parenthesis; trailing groups that do not belong to it are cut."""
    value = text[start:end]
    if start and (text[start - 1].isalnum() or text[start - 1] in "+_"):
        return None
    ends = [m.end() for m in _DIGITS.finditer(value)]
    evidence = _evidence(context)
    if value[0] == "+":
        for stop in reversed(ends[-6:]):
            digits = "".join(_DIGITS.findall(value[:stop]))
            if 7 <= len(digits) <= 15 and _international(digits):
                score = 0.7 if context.negative else 0.95
                return Finding("PHONE_NUMBER", start, start + stop, score, ("numbering plan", *evidence))
        return None
    area = value[1 : value.index(")")].lstrip("+")
    rest = value[value.index(")") + 1 :]
    left = re.search(r"(?:\+|00)?[0-9]{1,3}[ .-]?$", text[max(0, start - 6) : start])
    left_at = (
        start - len(left.group())
        if left and not (start - len(left.group()) and text[start - len(left.group()) - 1].isalnum())
        else start
    )
    for stop in reversed(ends[-5:]):
        groups = _DIGITS.findall(value[:stop])
        digits = "".join(groups)
        if not 7 <= len(digits) <= 13 or len(groups) < 2:
            continue
        american = len(area) == 3 and area[0] in "23456789" and [len(g) for g in groups[1:]] in ([3, 4], [7])
        trunk = area.startswith("0") and 9 <= len(digits) <= 12
        two = len(area) == 2 and 9 <= len(digits) <= 11 and len(groups) >= 3  # (11) 98456-5666
        labelled = bool(evidence)
        if (american or trunk or two or labelled) and not context.negative:
            score = 0.9 if american or labelled else 0.8
            return Finding("PHONE_NUMBER", left_at, start + stop, score, ("shape", *evidence))
    del rest
    return None


def labelled(text: str, start: int, end: int, context: Context) -> Finding | None:
    """A chain of digit groups that a label calls a telephone number: any national form."""
    grade, where = context.kinds.get("PHONE_NUMBER", (0, ""))
    if grade < NEAR:
        return None
    match = _GROUPED.match(text, start, end)
    value = match.group() if match else text[start:end]
    digits = sum(c.isdigit() for c in value)
    if digits > 15 or digits < (7 if grade == ADJACENT else 8) or _DATE.fullmatch(value):
        return None
    if value.count(".") == 1 and "-" not in value and " " not in value and value[0] != "0":
        return None  # a decimal fraction
    if digits == 8 and value.isdigit() and value[:2] in ("19", "20") and grade < ADJACENT:
        return None
    score = 0.78 + 0.04 * (grade == ADJACENT)
    return Finding("PHONE_NUMBER", start, start + len(value), score, ("digits", where))


def _evidence(context: Context) -> tuple[str, ...]:
    grade, where = context.kinds.get("PHONE_NUMBER", (0, ""))
    return (where,) if grade else ()
