"""Values that only a label gives away: the label is found first, and what follows it is read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from extproc.pii.finding import Finding
from extproc.pii.vocabulary import MARKS
from extproc.slices import in_slices

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from extproc.pii.recognizer import Recognizer
    from extproc.pii.vocabulary import Label

_FILLER = (
    "numbers?|no|nr|n|num|nos|is|was|are|id|of|the|code|und|lautet|ist|jest|es|est|è|é|del|de|du|er|on|for|verification|"
    "purposes|listed|as|to|in|dnia|car|vehicle|his|her|my|your|their|our|el|la|le|les|a|last[ _]?(?:4|four)|"
    "[49][ -]digits?|digits?|"
    "ending|ends|with|at|wallet|address|the|would be|will be|reads?|file"
)
_HINT = r"[ \t]{0,2}(?:\((?:[^()\n0-9]|[0-9](?![0-9]{2})){1,40}\)|\[(?:[^\[\]\n0-9]|[0-9](?![0-9]{2})){1,40}\])"
"""`(MM/DD/YYYY)`, `[required]`: what a form says of its field."""
_GAP = (
    rf"""{MARKS}(?:['’]s)?\.?[ \t:：=#|*"'`(\[>_\-/,°º]{{0,32}}(?:\r?\n[ \t|*"'`>-]{{0,12}})?"""
    rf"""(?:(?:{_FILLER})\b[ \t:=#.|*"'`(\[>_\-°º]{{1,8}}){{0,4}}"""
)
GAP = re.compile(_GAP, re.IGNORECASE)
"""What may stand between a label and its value."""
_HINTED = re.compile(_HINT + _GAP, re.IGNORECASE)
_COPULA = (
    r"(?:is|was|are|were|would be|will be|should be|ist|lautet|war|est|es|è|é|jest|är|reads|has the number|with (?:the )?number|"
    r"hat die nummer|mit der nummer)[ \t:\"'`]+"
)
_RELATION = re.compile(rf",?(?:[ \t]+[^\W\d_][\w'’.-]{{0,24}},?){{1,8}}?(?:[ \t]+{_COPULA}|:[ \t]+)", re.IGNORECASE)
"""`printed on the card is`."""


_DIGIT = re.compile(r"[0-9]")
_REACH = 160
"""Characters after a label in which a digit is looked for: a hint, words about the value and a new line seldom take more."""
SHAPE_SCORE = 0.857
"""Of a value whose form fits its label: that of a value without a label whose check passes by chance as often as
`numbers.STRONG` says. A better proof goes before it, a worse one after."""
DATE_SCORE = 0.92
"""Of a date after a label of birth: above a number whose form alone fits its label, below one right
beside its label whose check passes."""


def may_lead(text: str, label: Label, without_digits: frozenset[str]) -> bool:
    """Whether a digit stands within the reach of a label: nearly all values have one, and most labels lead to none.

    `without_digits`: the types whose values need none.
    """
    return _DIGIT.search(text, label.end, label.end + _REACH) is not None or not without_digits.isdisjoint(label.kinds)


_BEFORE = 24
"""Characters before a label that may say which part of its value follows: the last four digits of it."""


def starts(text: str, label: Label) -> Iterator[int]:
    """Where the value of a label may begin: next to it, after a hint in brackets, after words about it."""
    gap = GAP.match(text, label.end)
    yield gap.end() if gap else label.end
    if text[label.end : label.end + 3].lstrip(" \t")[:1] in ("(", "[") and (hinted := _HINTED.match(text, label.end)):
        yield hinted.end()
    if text[label.end : label.end + 1] in (" ", ",") and (relation := _RELATION.match(text, label.end)):
        yield relation.end()


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
_MORE_MONTHS = (
    r"(?:jan|feb|mar|már|apr|ápr|may|máj|jun|jún|jul|júl|aug|sep|sze|oct|okt|nov|dec|mai|maj|mei|dez|mär|fév|avr|août|aoû|déc|ene|abr|ago|dic|gen|mag|giu|"
    r"lug|set|ott|fev|out|mrt|sty|lut|kwi|cze|lip|sie|wrz|paź|lis|gru|oca|şub|nis|haz|tem|ağu|eyl|eki|kas|ara|led|úno|bře|dub|"
    r"kvě|čer|srp|zář|říj|pro|tammi|helmi|maalis|huhti|touko|kesä|heinä|elo|syys|loka|marras|joulu|ian|iun|iul|mac|ogos|des|"
    r"янв|фев|мар|апр|ма[йя]|июн|июл|авг|сен|окт|ноя|дек|січ|лют|бер|кві|тра|чер|лип|сер|вер|жов|лис|гру|"
    r"ιαν|φεβ|μαρ|απρ|μαϊ|μαΐ|μάι|ιουν|ιουλ|ιούν|ιούλ|αυγ|σεπ|οκτ|νοε|δεκ)[^\W\d_]{0,12}\.?"
    r"|(?:ב?(?:ינואר|פברואר|מרץ|אפריל|מאי|יוני|יולי|אוגוסט|ספטמבר|אוקטובר|נובמבר|דצמבר))"
    r"|(?:يناير|فبراير|مارس|أبريل|ابريل|مايو|يونيو|يوليو|أغسطس|سبتمبر|أكتوبر|نوفمبر|ديسمبر)"
    r"|(?:जनवरी|फरवरी|मार्च|अप्रैल|मई|जून|जुलाई|अगस्त|सितंबर|अक्टूबर|नवंबर|दिसंबर)"
    r"|(?:มกราคม|กุมภาพันธ์|มีนาคม|เมษายน|พฤษภาคม|มิถุนายน|กรกฎาคม|สิงหาคม|กันยายน|ตุลาคม|พฤศจิกายน|ธันวาคม)"
)
_DAY = r"(?:0?[1-9]|[12][0-9]|3[01])(?:st|nd|rd|th|er|re|º|ª|o)?"
_BETWEEN_PARTS = r"[ ./,-]{0,3}(?:of |de |del |di |den |tháng )?"
_ANY_YEAR = r"(?:(?:1[89]|2[05])[0-9]{2}|'?[0-9]{2})"
_BIRTH = re.compile(
    rf"(?:{_DAY}{_BETWEEN_PARTS}(?:{_MORE_MONTHS}){_BETWEEN_PARTS}{_ANY_YEAR}"
    rf"|(?:{_MORE_MONTHS})[ .-]{{1,2}}(?:the )?{_DAY}[ ,.-]{{1,3}}{_ANY_YEAR}"
    rf"|{_YEAR}[ .-]{{1,2}}(?:{_MORE_MONTHS})[ .-]{{1,2}}{_DAY}"
    rf"|{_YEAR}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])|(?:0[1-9]|[12][0-9]|3[01])(?:0[1-9]|[12][0-9]|3[01]){_YEAR}"
    rf"|{_YEAR} ?[./,-] ?[0-9]{{1,2}} ?[./,-] ?[0-9]{{1,2}}|[0-9]{{1,2}} ?[./,-] ?[0-9]{{1,2}} ?[./,-] ?{_ANY_YEAR}"
    r"|(?:明治|大正|昭和|平成|令和|[MTSHR])(?:[0-9]{1,2}|元)(?:年 ?[0-9]{1,2}月 ?[0-9]{1,2}日|[./-][0-9]{1,2}[./-][0-9]{1,2})"
    r"|[0-9]{2,4}年 ?[0-9]{1,2}月(?: ?[0-9]{1,2}日)?|[0-9]{4}년 ?[0-9]{1,2}월(?: ?[0-9]{1,2}일)?"
    r"|[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
    rf"|{_DAY}[ .-](?:of |de |di )?(?:{_MORE_MONTHS})|(?:{_MORE_MONTHS}) {_DAY}"
    r"|(?:0?[1-9]|[12][0-9]|3[01])\.(?:0?[1-9]|1[0-2])\.|(?:0?[1-9]|1[0-2])/(?:0?[1-9]|[12][0-9]|3[01])"
    rf"|{_YEAR}(?=[ \t]*(?:\r?\n|\Z|[,;)])))(?![0-9A-Za-z])",
    re.IGNORECASE,
)
"""What is a date only because a label of birth stands before it: in words, run together, of an era, without a year."""
_LOOSE_DATE = re.compile(r"[0-9OolI]{1,2}[. /-][0-9OolI]{1,2}[. /-][0-9OolI]{1,2}\s?[0-9OolI]{2,3}(?![0-9])")
_PLACE = re.compile(r"(?:(?:in|w|à|a|en|te|i) )?[^\W\d_]{2,20}(?: on| am| le| el| il| dnia|,)? ", re.UNICODE)


def dates_of_birth(text: str, labels: Iterable[Label]) -> list[Finding]:
    """Dates right after a label of birth, a place between them or not."""
    found = []
    for label in in_slices(labels, 256):
        if "DATE_OF_BIRTH" not in label.kinds:
            continue
        for at in starts(text, label):
            match = DATE.match(text, at) or _BIRTH.match(text, at) or _LOOSE_DATE.match(text, at)
            if match is None and (place := _PLACE.match(text, at)):
                match = DATE.match(text, place.end()) or _BIRTH.match(text, place.end())
            if match:
                found.append(Finding("DATE_OF_BIRTH", *match.span(), DATE_SCORE, ("date", "label before")))
                break
    return found


def values(
    text: str, labels: Iterable[Label], led: dict[str, list[tuple[Recognizer, re.Pattern[str]]]]
) -> list[Finding]:
    """Record numbers and the like, after their label."""
    return [
        finding
        for label in in_slices(labels, 256)
        for kind in label.kinds
        for recognizer, pattern in led.get(kind, ())
        if (finding := _value(text, label, kind, recognizer, pattern))
    ]


def _value(text: str, label: Label, kind: str, recognizer: Recognizer, pattern: re.Pattern[str]) -> Finding | None:
    for at in starts(text, label):
        match = pattern.match(text, at) if at > label.end else None
        if match is None:
            continue
        value = match.group()
        if sum(c.isdigit() for c in value) < recognizer.least_digits or len(value) < recognizer.least_length:
            continue
        if (
            recognizer.between
            and re.search(recognizer.between, text[max(0, label.start - _BEFORE) : at], re.IGNORECASE) is None
        ):
            continue
        following = text[match.end() : match.end() + 1]
        if following.isalnum() or (following and following in "_@"):
            continue
        if recognizer.may_be_dated or DATE.fullmatch(value) is None:
            return Finding(kind, match.start(), match.end(), SHAPE_SCORE, ("shape", "label before"))
    return None
