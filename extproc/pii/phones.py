"""Telephone numbers: the plans of `phonenumbers`, read directly, and only for what already looks like a number.

Parsing with libphonenumber costs 30 µs and more a candidate, once per region; a look into the plan costs 1 µs.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

from extproc.pii.counts import is_count
from extproc.pii.edges import begins
from extproc.pii.finding import Finding
from extproc.pii.labels import ADJACENT, NEAR, SAID, Context

if TYPE_CHECKING:
    from collections.abc import Callable

OF_A_PLAN, OF_A_SHAPE, AFTER_EXIT_CODE, OF_A_LOOSE_SHAPE = 0.95, 0.9, 0.85, 0.8
RIGHT_AFTER_LABEL, NEAR_LABEL, BESIDE_ANOTHER, SPOKEN_AGAINST = 0.82, 0.78, 0.75, 0.7
"""Scores. A plan or a form of its own outweighs the label of any number whose check fails (`numbers`, 0.6) and gives way to one
whose check passes (0.9 and more); a label makes any digits a telephone number, and weighs a step less where it is farther or
stands beside another number, or where `order` stands nearer."""
ABOVE_ITS_GROUPS = 0.2
"""Rank: what follows `00` is a number of its country as well."""
_DIGITS = re.compile(r"[0-9]+")
_TRUNK = tuple(
    "GB DE FR NL BE CH AT SE FI IE AU NZ JP KR ZA TR IN PK BD PH ID MY TH VN AE SA EG NG KE IL UA RO BG GR".split()
)
"""Regions whose national numbers are written with a leading 0, the most frequent first."""
_DATE = re.compile(
    r"(?:(?:0?[1-9]|[12][0-9]|3[01])[./-](?:0?[1-9]|1[0-2])[./-](?:19|20)?[0-9]{2}|(?:19|20)[0-9]{2}[./-][0-9]{1,2}[./-][0-9]{1,2})"
)
_YEARS = re.compile(r"(?:19|20)[0-9]{2} ?- ?(?:19|20)[0-9]{2}")
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


_EXTENSION = re.compile(r"(?:;(?:ext|phone-context)=[+0-9]{1,15})+")
"""Parameters of a `tel:` URI."""
_LEFT = re.compile(r"(?:\+|00)?[0-9]{1,3}[ .-]?$")


def international(text: str, start: int, end: int, context: Context) -> Finding | None:
    """A token that begins with `+` or a parenthesis; trailing groups that do not belong to it are cut."""
    value = text[start:end]
    evidence = _evidence(context)
    if value[0] != "+":
        return _in_parentheses(text, start, value, context.negative, evidence)
    if start and (
        text[start - 1].isalnum() or text[start - 1] == "+" or (text[start - 1] == "_" and not begins(text, start))
    ):
        return None
    for stop in reversed([m.end() for m in _DIGITS.finditer(value)][-6:]):
        digits = "".join(_DIGITS.findall(value[:stop]))
        if 7 <= len(digits) <= 15 and _international(digits):
            score = SPOKEN_AGAINST if context.negative else OF_A_PLAN
            extension = _EXTENSION.match(text, start + stop)
            stop_at = extension.end() if extension else start + stop
            return Finding("PHONE_NUMBER", start, stop_at, score, ("numbering plan", *evidence))
    return None


def _in_parentheses(text: str, start: int, value: str, negative: bool, evidence: tuple[str, ...]) -> Finding | None:
    """`(415) 555-0132`, `8 (912) 345-67-89`, `0(212)3456789`."""
    area = value[1 : value.index(")")].lstrip("+")
    left = _LEFT.search(text[max(0, start - 6) : start])
    at = start - len(left.group()) if left else start
    if at and (text[at - 1].isalnum() or text[at - 1] in "+_"):
        at, left = start, None
    if at == start and start and (text[start - 1].isalnum() or text[start - 1] in "+_"):
        return None
    before = "".join(_DIGITS.findall(left.group())) if left else ""
    for stop in reversed([m.end() for m in _DIGITS.finditer(value)][-5:]):
        groups = _DIGITS.findall(value[:stop])
        digits = "".join(groups)
        if not 7 <= len(digits) <= 13 or len(groups) < 2:
            continue
        american = len(area) == 3 and area[0] in "23456789" and [len(g) for g in groups[1:]] in ([3, 4], [7])
        trunk = (area.startswith("0") or before == "0") and 9 <= len(digits) <= 12
        russian = before in ("8", "7") and len(area) in (3, 4, 5) and len(digits) == 10 and area[0] in "34589"
        two = len(area) == 2 and 9 <= len(digits) <= 11 and len(groups) >= 3  # (11) 98456-5666
        labelled = bool(evidence)
        if (american or trunk or two or russian or labelled) and not negative:
            score = OF_A_SHAPE if american or labelled or russian else OF_A_LOOSE_SHAPE
            return Finding("PHONE_NUMBER", at, start + stop, score, ("shape", *evidence))
    return None


_EXIT = re.compile(r"(?:00|011)[ .-]?(?=[1-9])")
_LEAST_SOLID = 11
"""Digits after `00` without a separator: shorter numbers are padded with zeros as well."""


def prefixed(text: str, start: int, end: int) -> Finding | None:
    """`00` and a number of a country's plan: `0049 30 901820`."""
    match = _EXIT.match(text, start, end)
    if match is None or (start and text[start - 1] in "_.,-$€£"):
        return None
    chain = text[match.end() : end]
    ends = [m.end() for m in _DIGITS.finditer(chain)]
    for stop in reversed(ends[-8:]):
        digits = "".join(_DIGITS.findall(chain[:stop]))
        solid = chain[:stop].isdigit() and match.group()[-1].isdigit()
        if not 8 <= len(digits) <= 15 or (solid and (len(digits) < _LEAST_SOLID - 1 or digits[0] in "17")):
            continue
        if any(c.isalpha() for c in chain[:stop]) or text[match.end() + stop : match.end() + stop + 1].isalnum():
            continue
        if _in_some_plan(digits):
            return Finding(
                "PHONE_NUMBER", start, match.end() + stop, AFTER_EXIT_CODE, ("numbering plan",), rank=ABOVE_ITS_GROUPS
            )
    return None


def _in_some_plan(digits: str) -> bool:
    """Whether digits are a calling code and a number of its plan, and not only as long as one."""
    for width in (1, 2, 3):
        for region in _regions().get(digits[:width], ()):
            if in_plan(region, digits[width:]) or in_plan(region, digits[width:].removeprefix("0")):
                return True
    return False


_GLUED = re.compile(
    r"(?P<word>[A-Za-z]{2,20})(?P<number>[2-9][0-9]{2}([ .-])[2-9][0-9]{2}\3[0-9]{4}|[0-9]{9,12})(?![0-9A-Za-z_])"
)
_SPOKEN = frozenset(
    "call calls phone tel mob mobile ph cell contact whatsapp fax fone telefon telefono handy tlf number me us on at".split()
)
_CODES = frozenset(
    "order orders sku part item model ref id no nr serial isbn invoice case ticket lot po rfc doi art cat".split()
)


def glued(text: str, start: int, end: int) -> Finding | None:
    """A number that has grown together with the word before it: `call9876543210`, `data630-596-1111`."""
    match = _GLUED.match(text, start, end)
    if match is None or (start and (text[start - 1].isalnum() or text[start - 1] in "_-#/")):
        return None
    word = match["word"].lower()
    if word in _SPOKEN:
        return Finding("PHONE_NUMBER", *match.span(), BESIDE_ANOTHER, ("digits", "label before"))
    if match["number"].isdigit() or word in _CODES:
        return None
    return Finding("PHONE_NUMBER", *match.span("number"), SPOKEN_AGAINST, ("shape",))


_BELOW = re.compile(r"[ \t]{0,2}\r?\n[ \t]{0,12}")
_RUN_BEFORE = re.compile(r"[0-9][0-9 ().-]*\Z")
_LISTED = re.compile(r"[\"']?[ \t]{0,2}(?:,|;|/|or|and|und|oder|et|ou|y|o|e|i|\r?\n[ \t]{0,12}[-*•])?[ \t]{0,2}[\"']?")


def listed(text: str, after: int, start: int, end: int) -> Finding | None:
    """A number that a list joins to the one before it, which a label calls a telephone number."""
    digits = sum(map(str.isdigit, text[start:end]))
    if not 8 <= digits <= 13 or _DATE.fullmatch(text, start, end):
        return None
    if _LISTED.fullmatch(text, after, start) is None and not _stands_below(text, after, start, digits):
        return None
    return Finding("PHONE_NUMBER", start, end, BESIDE_ANOTHER, ("digits", "listed after another"))


def _stands_below(text: str, after: int, start: int, digits: int) -> bool:
    """Whether a number stands on the line below another as long."""
    if _BELOW.fullmatch(text, after, start) is None:
        return False
    above = _RUN_BEFORE.search(text, max(0, after - 2 * _LONGEST_NUMBER), after)
    return above is not None and sum(map(str.isdigit, above.group())) == digits


_LONGEST_NUMBER = 15
_OF_SOMEBODY = re.compile(
    r"(?: ?\(|: ?| ?[-–|] | ?[-–|])(?P<number>\+?[02-9][0-9](?:[0-9]|[ -](?=[0-9])){8,13})(?![\w.])"
)


def beside_a_name(text: str, end: int) -> Finding | None:
    """The number in brackets or after a dash behind a person's name: `Ada (9876543210)`."""
    match = _OF_SOMEBODY.match(text, end)
    if match is None or not 10 <= sum(map(str.isdigit, match["number"])) <= 12 or _DATE.match(match["number"]):
        return None
    return Finding("PHONE_NUMBER", *match.span("number"), SPOKEN_AGAINST, ("digits", "beside a name"))


_BESIDE_ADDRESS: Final = re.compile(r"(?:[ ]?[,;/|·•–-][ ]?| |[)>] ?,? ?)(?P<number>[0-9]{10,11})(?![\w.%])")


def beside_an_address(text: str, end: int) -> Finding | None:
    """The number that stands behind a mail address: `ada@example.org, 07700900123`."""
    match = _BESIDE_ADDRESS.match(text, end)
    if match is None or _MOBILE.fullmatch(match["number"]) is None or is_count(text, *match.span("number")):
        return None
    return Finding("PHONE_NUMBER", *match.span("number"), SPOKEN_AGAINST, ("digits", "beside an address"))


def each(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """The numbers of a chain that a stroke parts: `4155550132/4155550133`."""
    parts = text[start:end].split("/")
    if len(parts) < 2 or any(sum(map(str.isdigit, part)) < 7 for part in parts):
        return [(start, end)]
    spans = []
    for part in parts:
        spans.append((start, start + len(part)))
        start += len(part) + 1
    return spans


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
    if _YEARS.fullmatch(value) or value.startswith("000"):
        return None
    if digits == 8 and value.isdigit() and value[:2] in ("19", "20") and grade < ADJACENT:
        return None
    score = RIGHT_AFTER_LABEL if grade == ADJACENT else NEAR_LABEL
    return Finding("PHONE_NUMBER", start, start + len(value), score, ("digits", where))


_MOBILE: Final = re.compile(r"[2-9][0-8][0-9][2-9][0-9]{6}|0[1-9][0-9]{8,9}|[6-9][0-9]{9}")


def said(text: str, start: int, end: int, context: Context) -> Finding | None:
    """Ten or eleven digits in one piece that somebody calls a number: of North America or India, or with a leading 0."""
    grade, where = context.kinds.get(SAID, (0, ""))
    if grade < NEAR or context.negative or not context.kinds.keys() <= _SAYS_SO or is_count(text, start, end):
        return None
    if _MOBILE.fullmatch(text, start, end) is None or _INSTEAD.match(text, end):
        return None
    led = _SAID_BEFORE.search(text, max(0, start - _REACH_OF_SAID), start)
    if led is None or (led["bare"] and _TO_CALL.match(text, end) is None):
        return None
    return Finding("PHONE_NUMBER", start, end, SPOKEN_AGAINST, ("digits", where))


_REACH_OF_SAID: Final = 64
_SAID_BEFORE: Final = re.compile(
    r"(?:\A|[^\w '’-][ \t]{0,4}|['’]s |\b(?:the|this|that|a|my|his|her|our|their|your|whose|and|or|so|but|at|to|on|can|"
    r"please|pls|just|"
    r"it|me|new|old|best|right|correct|same|only|other|current|wh?att?s) )"
    r"(?:(?P<bare>numbers?|text)[:;,#]? ?|(?:numbers?|one) (?:is|are|was|will be)(?: now| still)?:? ?|numbers?['’]s ?|"
    r"numbers? (?:for|at) (?:[^\W\d_][^\s:]{0,20} ){0,4}(?:[^\W\d_][^\s:]{0,20}: ?)?|i['’]m on ?|app me ?)[\"'(]?\Z",
    re.IGNORECASE,
)
"""A number of which nothing is said but that it is somebody's, or the one: no `port number is`, no `number of rows`."""
_TO_CALL: Final = re.compile(
    r"[\"')]?(?:,? (?:ask for|any ?time|if |when |call|text|after|before|or (?:call|text)|on whatsapp|(?:and |or )?[0-9]{10})|"
    r" ?\((?:mine|mobile|cell|me)\)|\Z)"
)
"""What is said behind the number of a telephone."""
_SAYS_SO: Final = frozenset({SAID, "PHONE_NUMBER"})
_INSTEAD: Final = re.compile(
    r" (?:is|in (?:binary|hex|decimal|base)|bits?\b|and its|modulo|divided|times|plus|minus|[*/+=<>^])"
)
"""What is said of a number that nobody is called at."""


def _evidence(context: Context) -> tuple[str, ...]:
    grade, where = context.kinds.get("PHONE_NUMBER", (0, ""))
    return (where,) if grade else ()
