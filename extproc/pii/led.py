"""Values that only a label gives away: the label is found first, and what follows it is read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from extproc.pii.finding import Finding
from extproc.slices import in_slices

if TYPE_CHECKING:
    from collections.abc import Iterable

    from extproc.pii.labels import Label
    from extproc.pii.recognizer import Recognizer

_FILLER = (
    "numbers?|no|nr|num|is|was|are|id|of|the|code|und|lautet|ist|jest|es|est|è|del|de|du|er|on|for|verification|purposes|"
    "listed|as|to|in|dnia|car|vehicle|his|her|my|your|their|our|el|la|le|les|a"
)
GAP = re.compile(
    r"""[ \t:=#|*"'`(\[>_\-/]{0,12}\n?[ \t|*"'`]{0,8}"""
    rf"""(?:(?:{_FILLER})\b[ \t:=#.|*"'`(\[>_\-]{{1,8}}){{0,4}}""",
    re.IGNORECASE,
)
"""What may stand between a label and its value."""
_MONTHS = (
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mai|juni|juli|okt|dez|mär|janv|févr|mars|avr|"
    r"juin|juil|août|déc|"
    r"ene|abr|ago|dic|gen|mag|giu|lug|set|ott|fev|out|mrt|mei|sty|lut|kwi|maj|cze|lip|sie|wrz|paź|lis|"
    r"gru)[^\W\d_]{0,10}\.?"
)
_YEAR = r"(?:1[89]|20)[0-9]{2}"
DATE = re.compile(
    rf"(?:[0-9]{{1,2}}[./-][0-9]{{1,2}}[./-](?:{_YEAR}|[0-9]{{2}})|{_YEAR}[./-][0-9]{{1,2}}[./-][0-9]{{1,2}}"
    rf"|[0-9]{{1,2}}(?:st|nd|rd|th)?\.? (?:of |de |di )?{_MONTHS},? (?:de |del |of )?{_YEAR}|"
    rf"{_MONTHS} [0-9]{{1,2}}(?:st|nd|rd|th)?,? {_YEAR}"
    rf"|{_YEAR}年[0-9]{{1,2}}月[0-9]{{1,2}}日|{_YEAR}년 ?[0-9]{{1,2}}월 ?[0-9]{{1,2}}일)(?![0-9])",
    re.IGNORECASE,
)
_LOOSE_DATE = re.compile(r"[0-9OolI]{1,2}[. /-][0-9OolI]{1,2}[. /-][0-9OolI]{1,2}\s?[0-9OolI]{2,3}(?![0-9])")
_PLACE = re.compile(r"(?:(?:in|w|à|a|en|te|i) )?[^\W\d_]{2,20}(?: on| am| le| el| il| dnia|,)? ", re.UNICODE)

_ARE = r"is|was|are|=|ist|lautet|est|es|è|é|jest|to|are:|set to|changed to|reset to|was set to|wurde"
_VERB = re.compile(
    r"""["'”’*_`)\]]{0,3}(?:[ \t]{0,3}(?P<sign>[:=]>?|：|->|=>)[ \t]{0,3}|"""
    rf"""[ \t]{{1,3}}(?P<verb>{_ARE})[ \t:]{{1,3}}|[ \t]{{1,3}})(?P<quote>["'`“‘«]?)"""
)
_BEARER = re.compile(r"(?:Bearer|Basic|Token) +", re.IGNORECASE)
_BARE = re.compile(r"[^\s\"'`<>,;{}\[\]()“”|]{4,128}")
_QUOTED = {'"': '"', "'": "'", "`": "`", "“": "”", "‘": "’", "«": "»"}
_PLACEHOLDER = re.compile(
    r"(?:\*+|x+|\.+|-+|_+|\$\{?.*|<.*|%.*|\{.*|your.*|my.*|none|null|nil|true|false|undefined|required|"
    r"optional|string|str|text|test|"
    r"example|password|passwd|secret|token|changeme|redacted|hidden|unknown|empty|n/?a|todo|tbd|env\..*|"
    r"os\..*|process\..*|self\..*|config.*|"
    r"settings\..*|secretstr|secretbytes|secretstring|input.*|get.*|bytes|bool|int|any|object|\[.*)",
    re.IGNORECASE,
)
_PROSE = frozenset(
    "the a an to for and or not in on with of by that this was were has have had been be is are as at if it".split()
)


def dates_of_birth(text: str, labels: Iterable[Label]) -> list[Finding]:
    """Dates right after a label of birth, a place between them or not."""
    found = []
    for label in in_slices(labels, 256):
        if "DATE_OF_BIRTH" not in label.kinds:
            continue
        gap = GAP.match(text, label.end)
        at = gap.end() if gap else label.end
        match = DATE.match(text, at) or _LOOSE_DATE.match(text, at)
        if match is None and (place := _PLACE.match(text, at)):
            match = DATE.match(text, place.end())
        if match:
            found.append(Finding("DATE_OF_BIRTH", *match.span(), 0.92, ("date", "label before")))
    return found


def values(
    text: str, labels: Iterable[Label], led: dict[str, list[tuple[Recognizer, re.Pattern[str]]]]
) -> list[Finding]:
    """Record numbers and the like, right after their label."""
    found = []
    for label in in_slices(labels, 256):
        for kind in label.kinds:
            for recognizer, pattern in led.get(kind, ()):
                gap = GAP.match(text, label.end)
                at = gap.end() if gap else label.end
                match = pattern.match(text, at)
                if match is None or at == label.end:
                    continue
                value = match.group()
                digits = sum(c.isdigit() for c in value)
                if (
                    recognizer.led
                    and "@" not in recognizer.led
                    and kind not in ("BIC", "LICENSE_PLATE")
                    and (digits < 3 or len(value) < 5)
                ):
                    continue
                following = text[match.end() : match.end() + 1]
                if following.isalnum() or following in ("_", "@"):
                    continue
                if DATE.fullmatch(value) or (value.isdigit() and len(value) < 5):
                    continue
                found.append(Finding(kind, match.start(), match.end(), 0.857, ("shape", "label before")))
    return found


def passwords(text: str, labels: Iterable[Label]) -> list[Finding]:  # noqa: C901 - what announces a password, case by case
    """What follows the word password and cannot be prose or code."""
    found = []
    for label in in_slices(labels, 256):
        if "PASSWORD" not in label.kinds and "USERNAME" not in label.kinds:
            continue
        verb = _VERB.match(text, label.end)
        if verb is None:
            continue
        at, end = verb.end(), 0
        scheme = _BEARER.match(text, at)
        if scheme:
            at = scheme.end()
        quote = verb["quote"]
        sign = verb["sign"] is not None
        if quote:
            closing = text.find(_QUOTED[quote], at, at + 128)
            end = closing if closing > at else 0
            value = text[at:end]
            if "\n" in value or value.count(" ") > 3:
                continue
        else:
            bare = _BARE.match(text, at)
            value = bare.group().rstrip(".,:!?") if bare else ""
            end = at + len(value)
            if text[end : end + 1] in ("(", "["):
                continue  # a call, or a subscript
        if "PASSWORD" in label.kinds:
            name = text[label.start : label.end].lower()
            if is_secret(
                value, quoted=bool(quote), sign=sign, announced=sign or verb["verb"] is not None, short=name in _SHORT
            ):
                found.append(Finding("PASSWORD", at, end, 0.8, ("label before",)))
        elif (
            (sign or verb["verb"]) and 2 < len(value) <= 64 and " " not in value and is_name(value, quoted=bool(quote))
        ):
            found.append(Finding("USERNAME", at, end, 0.66, ("label before",)))
    return found


_SHORT = frozenset({"pin", "pin code", "otp", "pass", "pw", "token", "secret", "bearer", "authorization"})


def is_name(value: str, *, quoted: bool) -> bool:
    """Whether a value after the word user name is one, and neither prose nor code."""
    if _PLACEHOLDER.fullmatch(value) or "(" in value or value.lower() in ("username", "user", "user_name", "login"):
        return False
    if not quoted and "." in value:
        return False
    return quoted or any(c.isdigit() or c in "_.-" for c in value) or value.islower()


def is_secret(value: str, *, quoted: bool, sign: bool, announced: bool, short: bool) -> bool:  # noqa: PLR0911 - a list of reasons
    """Whether a value after the word password is one, and neither prose nor code."""
    if len(value) < 4 or _PLACEHOLDER.fullmatch(value) or value.lower() in _PROSE:
        return False
    letters = any(c.isalpha() for c in value)
    digits = any(c.isdigit() for c in value)
    symbols = any(not c.isalnum() and c not in "._-/' " for c in value)
    mixed = value != value.lower() and value != value.upper() and not value.istitle()
    if short and not announced:
        return letters and digits and len(value) >= 16 and not set("=(,") & set(value)
    if short and not ((letters and digits and len(value) >= 6) or (symbols and letters)):
        return value.isdigit() and 4 <= len(value) <= 8 and announced
    if quoted:
        return digits or symbols or mixed or (announced and " " not in value and len(value) >= 6)
    if "(" in value or value.endswith("."):
        return False
    if letters and (digits or symbols):
        return True
    return announced and (
        (digits and len(value) >= 6)
        or (sign and mixed)
        or (sign and letters and len(value) >= 8 and value.isalpha() and "." not in value)
    )
